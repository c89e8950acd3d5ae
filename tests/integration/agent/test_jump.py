# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""A host that is reached only through another one, at a port of its own and by its IPv6 address."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.agent.conftest import bare
from tests.integration.agent.fleet import Fleet, wait_for
from tests.lab.fixtures import LabFactory

pytestmark = [pytest.mark.lab, pytest.mark.story, pytest.mark.timeout(900)]

POOLS = {"h1": "tank", "h2": "middle", "h3": "safe"}
ADDRESS = {name: f"fd00:7e57::{number}" for number, name in enumerate(POOLS, 1)}
PORT = 2222
JUMP = f"zfs-sync@[{ADDRESS['h2']}]:22"
SOURCE = f"[{ADDRESS['h1']}]:{PORT}"
EDGE = "data:h3:safe/data"
MEMBERS = [
    {"system": "h1", "dataset": "tank/data", "role": "source"},
    {"system": "h3", "dataset": "safe/data", "role": "target"},
]
SYSTEMS = {"h1": {"ssh": {"host": ADDRESS["h1"], "port": PORT, "jump": JUMP}}, "h2": {}, "h3": {}}
OTHER_KEY = "ssh-keygen -q -t ed25519 -N '' -f /tmp/other <<<y >/dev/null; cut -d' ' -f1,2 /tmp/other.pub"
ADD_ADDRESS = """
device=$(ls /sys/class/net | grep -v lo | head -n 1)
sysctl -qw net.ipv6.conf.$device.disable_ipv6=0
ip -6 addr add {address}/64 dev $device nodad
"""
BY_HAND = (
    "ssh -F none -o BatchMode=yes -o GlobalKnownHostsFile=none -o LogLevel=ERROR"
    " -o UserKnownHostsFile=/var/lib/zfs-sync/agent/ssh/known_hosts -i /var/lib/zfs-sync/agent/ssh/id_ed25519"
    " -o ConnectTimeout=5 {options} -l zfs-sync -- {host} {command} </dev/null"
)


@pytest.fixture(scope="module")
def fleet(lab_factory: LabFactory, package: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """h1 with data, h3 that is to have it, h2 between them; h1 and h3 cannot reach each other."""
    with bare(lab_factory, package, tmp_path_factory, POOLS) as fleet:
        fleet.witness.apply({"version": 1, "systems": SYSTEMS, "sync_groups": {"data": {"members": MEMBERS}}})
        for name, address in ADDRESS.items():
            fleet.host(name).ssh(ADD_ADDRESS.format(address=address))
        fleet.host("h1").ssh(
            f"printf 'Port 22\nPort {PORT}\n' >/etc/ssh/sshd_config.d/port.conf && systemctl restart ssh"
        )
        fleet.host("h1").ssh("zfs create tank/data && seq 1000 >/tank/data/numbers && zfs snapshot tank/data@one")
        for name, dataset, operation in (
            ("h1", "tank/data", "send"),
            ("h2", "middle", "send"),
            ("h3", "safe", "receive"),
        ):
            fleet.configure(name, [{"dataset": dataset, "operations": [operation]}])
        fleet.lab.partition("h1", "h3")
        for name in POOLS:
            assert fleet.install(name)["enrolled"], fleet.journal(name)
        trust(fleet)
        yield fleet


def trust(fleet: Fleet, jump_keys: list[str] | None = None) -> None:
    """What role ssh_trust makes of this fleet."""
    known = {name: fleet.agent(name, "trust", "show", "--json") for name in POOLS}
    h3 = {"name": "h3", "public_key": known["h3"]["public_key"]}
    jump = {"host": ADDRESS["h2"], "port": 22, "host_keys": jump_keys or known["h2"]["host_keys"]}
    h1 = {"name": "h1", "host": ADDRESS["h1"], "port": PORT, "host_keys": known["h1"]["host_keys"], "jump": jump}
    for name, peer in (("h1", h3), ("h2", {**h3, "forwards": [SOURCE]}), ("h3", h1)):
        fleet.agent(name, "trust", "set", "--json", document={"peers": [peer]})


def by_hand(fleet: Fleet, host: str, *, options: str = "", command: str = "") -> tuple[int, str]:
    done = fleet.host("h3").ssh(BY_HAND.format(host=host, options=options, command=command), check=False)
    return done.returncode, done.stdout + done.stderr


def same(fleet: Fleet) -> bool:
    return fleet.guids("h3", "safe/data") == fleet.guids("h1", "tank/data")


def test_data_arrives_through_the_host_on_the_way(fleet: Fleet) -> None:
    status, said = by_hand(fleet, ADDRESS["h1"], options=f"-p {PORT}")
    assert status == 255, "the direct way is cut, or this proves nothing"
    assert "timed out" in said or "unreachable" in said.lower() or "No route" in said
    fleet.witness.in_sync(1)
    assert fleet.files("h3", "safe/data") == fleet.files("h1", "tank/data")
    fleet.host("h1").ssh("seq 2000 >/tank/data/more && zfs snapshot tank/data@two")
    wait_for(lambda: same(fleet), "the second snapshot")


def test_the_host_on_the_way_lets_through_to_the_source_and_nowhere_else(fleet: Fleet) -> None:
    status, said = by_hand(fleet, ADDRESS["h2"], options=f"-W {SOURCE}")
    assert said.startswith("SSH-2.0-") or status == 0, said
    for place in (f"[{ADDRESS['h2']}]:22", "127.0.0.1:22", f"[{ADDRESS['h1']}]:22"):
        status, said = by_hand(fleet, ADDRESS["h2"], options=f"-W {place}")
        assert status == 255, place
        assert "forwarding failed" in said
    status, said = by_hand(fleet, ADDRESS["h2"], command="id")
    assert status != 0
    assert "uid=" not in said
    assert "E_VALIDATION" in said or "E_PEER_UNKNOWN" in said, "a login is the gate, which knows no edge"


def test_another_host_key_of_the_host_on_the_way_is_refused_and_named(fleet: Fleet) -> None:
    other = fleet.host("h2").ssh(OTHER_KEY).stdout.strip()
    fleet.host("h3").ssh("rm -f /run/zfs-sync/ssh/*", check=False)
    trust(fleet, [other])
    fleet.host("h1").ssh("zfs snapshot tank/data@three")

    def refused() -> Any:
        (item,) = fleet.witness.call("GET", "/status")["items"]
        return item["error"] if item["error"] and item["error"]["code"] == "E_HOST_KEY_UNKNOWN" else None

    try:
        error = wait_for(refused, "the refusal")
    finally:
        print(fleet.witness.call("GET", "/status")["items"], fleet.journal("h3"))
    assert f"{JUMP}, on the way to h1," in error["message"]
    assert error["message"].count("SHA256:") >= 2, "both fingerprints"
    trust(fleet)
    fleet.witness.call("POST", "/sync-groups/data/sync", {})
    wait_for(lambda: same(fleet), "the third snapshot")
