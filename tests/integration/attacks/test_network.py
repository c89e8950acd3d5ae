# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Somebody answers at a peer's address, with an sshd of their own: they get nothing, and are told of."""

import random
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.agent.fleet import wait_for
from tests.integration.attacks.stage import EDGES, STATE, Attacker

pytestmark = [pytest.mark.lab, pytest.mark.timeout(600)]

FINGERPRINTS = "for each in /etc/ssh/ssh_host_*_key.pub; do ssh-keygen -lf $each; done"


def fingerprints(attacker: Attacker, name: str) -> set[str]:
    return set(re.findall(r"SHA256:\S+", attacker.fleet.host(name).ssh(FINGERPRINTS).stdout))


@pytest.fixture
def impostor(attacker: Attacker) -> Iterator[str]:
    """h2 has h1's address, and h1 is off the network; a snapshot of h1 waits for h3, whose agent is stopped."""
    fleet, address = attacker.fleet, attacker.fleet.host("h1").address
    fleet.host("h3").ssh(["systemctl", "stop", "zfs-sync-agent"])
    name = f"waiting-{random.randrange(1 << 30)}"
    fleet.host("h1").ssh(["zfs", "snapshot", f"tank/diary@{name}"])
    wait_for(lambda: fleet.witness.outcomes("diary")[f"{EDGES['diary']}/"] == "BEHIND", "h1 has told of it")
    fleet.host("h1").link(False)
    attacker.host.ssh(["ip", "addr", "add", f"{address}/24", "dev", "eth0"])
    attacker.host.ssh("sed -i 's/^#*LogLevel.*//' /etc/ssh/sshd_config; echo LogLevel DEBUG1 >>/etc/ssh/sshd_config")
    attacker.host.ssh(["systemctl", "reload", "ssh"])
    fleet.host("h3").ssh("ip neigh flush all; systemctl start zfs-sync-agent")
    yield name
    attacker.host.ssh(["ip", "addr", "del", f"{address}/24", "dev", "eth0"])
    fleet.host("h1").link(True)
    fleet.host("h3").ssh(["ip", "neigh", "flush", "all"])
    there = ["zfs", "list", "-H", "-t", "snapshot", "-o", "name", f"safe/diary@{name}"]
    wait_for(lambda: fleet.host("h3").ssh(there, check=False).returncode == 0, "h3 catches up with the true one", 180)


def test_an_impostor_at_a_peers_address_gets_nothing_and_is_reported(attacker: Attacker, impostor: str) -> None:
    fleet = attacker.fleet
    trusted, own = fingerprints_of_h1(attacker), fingerprints(attacker, "h2")
    assert not trusted & own

    def failed() -> dict[str, Any] | None:
        items = fleet.witness.call("GET", "/jobs?group=diary&state=failed")["items"]
        return next((each["error"] for each in items if each["error"]["code"] == "E_HOST_KEY_UNKNOWN"), None)

    error = wait_for(failed, "the impostor is reported", 120)
    offered, _, believed = error["message"].rpartition("trusted ")
    assert set(re.findall(r"SHA256:[A-Za-z0-9+/=]+", offered)) <= own
    assert "SHA256:" in offered
    assert set(re.findall(r"SHA256:[A-Za-z0-9+/=]+", believed)) == trusted
    log = attacker.host.ssh("journalctl -u ssh --since -2min -o cat --no-pager").stdout
    h3 = fleet.host("h3").address
    assert f"Connection from {h3}" in log
    assert "userauth-request for user zfs-sync" not in log, "no key, and no name of an account, was offered"
    assert f"safe/diary@{impostor}" not in fleet.host("h3").ssh("zfs list -H -t snapshot -o name").stdout


def fingerprints_of_h1(attacker: Attacker) -> set[str]:
    """As h3 trusts them: h1 itself cannot be asked."""
    said = attacker.fleet.host("h3").ssh(f"ssh-keygen -l -F h1 -f {STATE}/ssh/known_hosts").stdout
    return set(re.findall(r"SHA256:\S+", said))
