# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The doctor on real hosts: a thing is broken, its finding names it, and the command that it prints mends it."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.agent.fleet import PACKAGE, Fleet, wait_for

pytestmark = [pytest.mark.lab, pytest.mark.long]

STATE = "/var/lib/zfs-sync/agent"
SSH = f"{STATE}/ssh"
INSTALLED = "/usr/lib/zfs-sync/current/zfs-sync-agent.pyz"
FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"
ROUNDS = 3
READ_ONLY = (
    f"cp -a {STATE} /root/state && mount -t tmpfs none {STATE}"
    f" && cp -a /root/state/. {STATE} && mount -o remount,ro {STATE}"
)


@pytest.fixture(scope="module")
def made(bare_fleet: Fleet) -> Fleet:
    """h1 feeds h2; everything works."""
    fleet = bare_fleet
    fleet.host("h1").ssh("zfs create tank/data && zfs snapshot tank/data@first")
    fleet.configure("h1", [{"dataset": "tank/data", "operations": ["send"]}])
    fleet.configure("h2", [{"dataset": "backup/data", "operations": ["receive"]}])
    members = [
        {"system": "h1", "dataset": "tank/data", "role": "source"},
        {"system": "h2", "dataset": "backup/data", "role": "target"},
    ]
    fleet.witness.apply({"version": 1, "systems": {"h1": {}, "h2": {}}, "sync_groups": {"g": {"members": members}}})
    for name in ("h1", "h2"):
        assert fleet.install(name)["enrolled"], fleet.journal(name)
    fleet.trust("h1", "h2")
    fleet.witness.in_sync(1)
    return fleet


@pytest.fixture
def fleet(made: Fleet) -> Iterator[Fleet]:
    """The same; whatever a test breaks is mended after it."""
    yield made
    made.lab.heal_all()
    wait_for(lambda: not findings(made, "h2"), "the doctor is content", 30)


def findings(fleet: Fleet, name: str, *, command: str = "zfs-sync-agent") -> dict[str, dict[str, Any]]:
    """What failed, by id; the exit status agrees with it."""
    done = fleet.host(name).ssh(f"{command} doctor --json", check=False)
    answer = json.loads(done.stdout)
    found = {each["id"]: each for each in answer["checks"] if each["status"] == "failed"}
    assert (done.returncode, answer["ok"]) == ((1, False) if found else (0, True))
    return found


def follow(fleet: Fleet, name: str, found: dict[str, dict[str, Any]]) -> None:
    """Type what the doctor says, where it says, until there is nothing more to say."""
    for _ in range(ROUNDS):
        for each in found.values():
            assert each["remedy"], each
            fleet.host(each["where"] or name).ssh(each["remedy"])
        if not (found := findings(fleet, name)):
            return
    pytest.fail(f"still: {found}")


BROKEN = {
    "service-stopped": ("h2", "systemctl stop zfs-sync-agent"),
    "service-disabled": ("h2", "systemctl disable --quiet zfs-sync-agent"),
    "gate-silent": ("h2", "rm /run/zfs-sync/gate.sock"),
    "account-wrong": ("h2", "usermod --password '!' zfs-sync"),
    "ssh-key-missing": ("h2", f"rm {SSH}/id_ed25519 {SSH}/id_ed25519.pub"),
    "ssh-key-open": ("h2", f"chmod 644 {SSH}/id_ed25519"),
    "trust-writable": ("h1", "chmod g+w /var/lib/zfs-sync/.ssh/authorized_keys"),
    "state-unwritable": ("h2", READ_ONLY),
    "zfs-silent": ("h2", "systemctl stop zfs-fuse"),
    "peer-host-key-unknown": ("h2", f"sed -i /^h1/d {SSH}/known_hosts"),
    "peer-login-refused": ("h2", None),
    "peer-agent-stopped": ("h2", None),
}
"""By the finding: the host whose doctor tells, and what breaks it there."""
ELSEWHERE = {
    "peer-login-refused": ("h1", """echo '{"peers": []}' | zfs-sync-agent trust set"""),
    "peer-agent-stopped": ("h1", "systemctl stop zfs-sync-agent"),
}
"""What breaks it on another host than the one that tells."""


@pytest.mark.parametrize("finding", BROKEN)
def test_the_command_that_the_doctor_prints_mends_it(fleet: Fleet, finding: str) -> None:
    name, command = BROKEN[finding]
    where, command = (name, command) if command else ELSEWHERE[finding]
    fleet.host(where).ssh(command)
    found = findings(fleet, name)
    assert finding in found
    follow(fleet, name, found)


def test_a_changed_host_key_is_shown_with_both_fingerprints(fleet: Fleet) -> None:
    host = fleet.host("h2")
    host.ssh("rm -f /root/other*; ssh-keygen -q -t ed25519 -N '' -f /root/other")
    host.ssh(f"sed -i /^h1/d {SSH}/known_hosts && echo h1 $(cut -d' ' -f1,2 /root/other.pub) >>{SSH}/known_hosts")
    found = findings(fleet, "h2")
    changed = found["peer-host-key-changed"]
    trusted = host.ssh("ssh-keygen -l -f /root/other.pub").stdout.split()[1]
    offered = fleet.host("h1").ssh("ssh-keygen -l -f /etc/ssh/ssh_host_ed25519_key.pub").stdout.split()[1]
    assert offered in changed["message"].partition("; trusted")[0]
    assert trusted in changed["message"].partition("; trusted")[2]
    assert "trust show on h1" in changed["advice"]
    follow(fleet, "h2", found)


def test_a_program_that_is_not_there_is_named_with_its_package(fleet: Fleet) -> None:
    host = fleet.host("h2")
    host.ssh("chmod a-x /usr/bin/ssh-keygen")
    missing = findings(fleet, "h2")["tool-missing"]
    host.ssh("chmod a+x /usr/bin/ssh-keygen")
    assert "ssh-keygen" in missing["message"]
    assert missing["remedy"] == "apt-get install --yes --reinstall openssh-client"


def test_a_command_that_is_gone_comes_back(fleet: Fleet) -> None:
    fleet.host("h2").ssh("rm /usr/bin/zfs-sync-agent")
    missing = findings(fleet, "h2", command=INSTALLED)["service-missing"]
    fleet.host("h2").ssh(missing["remedy"])


def test_what_an_edge_needs_and_the_host_does_not_allow(fleet: Fleet) -> None:
    for name, finding, dataset in (("h2", "allow-missing", "backup/data"), ("h1", "peer-not-allowed", "tank/data")):
        host = fleet.host(name)
        host.ssh(f"sed -i 's|{dataset}|{dataset}s|' /etc/zfs-sync/agent.conf && systemctl restart zfs-sync-agent")
        found = wait_for(lambda finding=finding: finding in (now := findings(fleet, "h2")) and now, finding)  # type: ignore[misc]
        follow(fleet, "h2", {finding: found[finding]})
        assert f"dataset: {dataset}s" in host.ssh(["cat", "/etc/zfs-sync/agent.conf"]).stdout, "the rest stays"


def test_whoever_may_not_fetch_is_named_on_the_source(fleet: Fleet) -> None:
    fleet.host("h1").ssh("""echo '{"peers": []}' | zfs-sync-agent trust set""")
    assert findings(fleet, "h1")["peer-not-trusted"]["where"] == "the controller"
    follow(fleet, "h2", findings(fleet, "h2"))


def test_a_peer_that_has_not_heard_of_the_edge(fleet: Fleet) -> None:
    host = fleet.host("h1")
    host.ssh("nft 'add table inet t; add chain inet t c {type filter hook output priority 0;}'")
    host.ssh("nft add rule inet t c tcp dport 8462 reject with tcp reset")
    host.ssh(f"systemctl stop zfs-sync-agent; rm {STATE}/work.json; systemctl start zfs-sync-agent")
    unknown = findings(fleet, "h2")["peer-edge-unknown"]
    assert (unknown["remedy"], unknown["where"]) == ("zfs-sync-agent doctor", "h1")
    assert "witness-unreachable" in findings(fleet, "h1")
    host.ssh("nft delete table inet t")


def test_a_peer_that_is_not_there(fleet: Fleet) -> None:
    fleet.host("h1").link(up=False)
    assert findings(fleet, "h2")["peer-unreachable"]["where"] == "h1"


def test_a_witness_that_does_not_run(fleet: Fleet) -> None:
    fleet.witness.kill()
    stopped = findings(fleet, "h2")["witness-unreachable"]
    assert "refused" in stopped["message"]
    assert stopped["remedy"] == "systemctl start zfs-sync-witness"
    fleet.witness.start()


def test_a_ca_that_is_not_the_witnesss(fleet: Fleet) -> None:
    host = fleet.host("h2")
    host.ssh(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout /dev/null -subj /CN=other"
        " -out /etc/zfs-sync/ca.pem 2>/dev/null"
    )
    found = findings(fleet, "h2")
    assert set(found) == {"witness-untrusted"}
    host.put(fleet.witness.ca.encode(), "/root/ca.crt")
    follow(fleet, "h2", found)


def test_a_key_that_the_witness_does_not_take(fleet: Fleet) -> None:
    keys = fleet.witness.call("GET", "/api-keys")["items"]
    own = next(each for each in keys if each["role"] == "agent" and each["system"] == "h2")
    fleet.witness.call("DELETE", f"/api-keys/{own['id']}")
    enrol_anew(fleet, "witness-key-refused")


def test_a_host_without_a_key(fleet: Fleet) -> None:
    host = fleet.host("h2")
    host.ssh(f"systemctl stop zfs-sync-agent && echo zs_agent_nonsense >{STATE}/agent.key")
    host.ssh(findings(fleet, "h2")["key-broken"]["remedy"])
    enrol_anew(fleet, "not-enrolled")


def enrol_anew(fleet: Fleet, finding: str) -> None:
    """The key that the witness's command makes, put where the advice says."""
    found = findings(fleet, "h2")[finding]
    assert found["remedy"] == "zfs-sync-witness key create enrol-h2 --role enrol --system h2 --print"
    fleet.host("h2").put(fleet.witness.enrol_key("h2").encode(), "/root/enrol.key", 0o600)
    fleet.host("h2").ssh(found["advice"].rpartition("and then: ")[2])


def test_a_clock_an_hour_off(fleet: Fleet) -> None:
    fleet.host("h2").ssh("apt-get update -qq && apt-get install --yes -qq libfaketime")
    off = findings(fleet, "h2", command=f"LD_PRELOAD={FAKETIME} FAKETIME=+30m zfs-sync-agent")["clock-off"]
    assert "ahead of the witness's" in off["message"]
    assert "the limit is 60 s" in off["message"]
    assert off["remedy"] == "timedatectl set-ntp true"


def test_anybody_but_root_is_sent_to_root(fleet: Fleet) -> None:
    assert "not-root" in findings(fleet, "h2", command="runuser -u zfs-sync -- zfs-sync-agent")


def test_a_configuration_that_cannot_be_used(fleet: Fleet) -> None:
    fleet.host("h2").ssh("sed s/scan_interval/scan_intervall/ /etc/zfs-sync/agent.conf >/root/wrong.conf")
    done = fleet.host("h2").ssh("zfs-sync-agent doctor --config /root/wrong.conf", check=False)
    assert done.returncode == 1
    assert "did you mean 'scan_interval'" in done.stdout


def test_people_read_what_to_type_and_where(fleet: Fleet) -> None:
    fleet.host("h1").ssh("systemctl stop zfs-sync-agent")
    said = fleet.host("h2").ssh("zfs-sync-agent doctor", check=False).stdout
    assert "FAILED  peer-agent-stopped: E_AGENT_NOT_RUNNING: " in said
    assert "        on h1: systemctl start zfs-sync-agent\n" in said
    fleet.host("h1").ssh("systemctl start zfs-sync-agent")
    assert fleet.host("h2").ssh(["test", "-e", PACKAGE]).returncode == 0
