# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Agents that a timer runs: they replicate, peers find their gate, and either form takes the place of the other."""

import pytest

from tests.integration.agent.fleet import Fleet, wait_for

pytestmark = [pytest.mark.lab, pytest.mark.story]

TIMER = {
    "zfs-sync-agent-once.timer",
    "zfs-sync-agent-gate.socket",
    "zfs-sync-agent-once.service",
    "zfs-sync-agent-gate.service",
}
SERVICE = {"zfs-sync-agent.service"}


@pytest.fixture(scope="module")
def fleet(bare_fleet: Fleet) -> Fleet:
    """h1 feeds h2, both by a timer."""
    fleet = bare_fleet
    fleet.host("h1").ssh("zfs create tank/data && zfs snapshot tank/data@first")
    fleet.configure("h1", [{"dataset": "tank/data", "operations": ["send"]}], timer="3s")
    fleet.configure("h2", [{"dataset": "backup/data", "operations": ["receive"]}], timer="3s")
    members = [
        {"system": "h1", "dataset": "tank/data", "role": "source"},
        {"system": "h2", "dataset": "backup/data", "role": "target"},
    ]
    fleet.witness.apply({"version": 1, "systems": {"h1": {}, "h2": {}}, "sync_groups": {"g": {"members": members}}})
    for name in ("h1", "h2"):
        answer = fleet.install(name)
        assert answer["enrolled"], fleet.entries(name)
        assert answer["running"]
    fleet.trust("h1", "h2")
    return fleet


def units(fleet: Fleet, name: str) -> set[str]:
    return set(fleet.host(name).ssh("ls /etc/systemd/system | grep ^zfs-sync-agent", check=False).stdout.split())


def arrives(fleet: Fleet, label: str) -> None:
    fleet.host("h1").ssh(["zfs", "snapshot", f"tank/data@{label}"])
    wanted = fleet.guids("h1", "tank/data")
    wait_for(lambda: fleet.guids("h2", "backup/data") == wanted, f"{label} arrives", 180)


def test_two_hosts_without_a_running_agent_replicate(fleet: Fleet) -> None:
    assert units(fleet, "h1") == units(fleet, "h2") == TIMER
    arrives(fleet, "one")
    for name in ("h1", "h2"):
        wait_for(lambda name=name: fleet.agent(name, "doctor", "--json", check=False)["ok"], f"{name} is well", 60)  # type: ignore[misc]
    assert {each["_SYSTEMD_UNIT"] for each in fleet.entries("h1", "ZFS_SYNC_PEER=h2")} == {
        "zfs-sync-agent-gate.service"
    }


def test_one_form_takes_the_place_of_the_other_and_a_second_run_changes_nothing(fleet: Fleet) -> None:
    for timer, wanted in (("off", SERVICE), ("3s", TIMER)):
        predicted = fleet.installer("h1", "upgrade", "--timer", timer, "--check")
        done = fleet.installer("h1", "upgrade", "--timer", timer)
        assert done["actions"] == predicted["actions"] != []
        assert done["running"]
        assert units(fleet, "h1") == wanted
        for words in (("--timer", timer), ()):
            assert not fleet.installer("h1", "upgrade", *words)["changed"]
        going = fleet.host("h1").ssh("systemctl list-units --all --plain --no-legend 'zfs-sync-agent*'").stdout
        assert {line.split()[0] for line in going.splitlines()} <= wanted
        arrives(fleet, f"after-{timer}")
    assert (
        fleet.host("h1").ssh("systemctl is-failed 'zfs-sync-agent*'", check=False).stdout.split().count("failed") == 0
    )


def test_the_gate_ends_when_nobody_asks_and_is_there_when_somebody_does(fleet: Fleet) -> None:
    host = fleet.host("h1")
    host.ssh("systemctl stop zfs-sync-agent-gate.service")
    assert fleet.agent("h2", "doctor", "--json", check=False)["ok"]
    assert host.ssh(["systemctl", "is-active", "zfs-sync-agent-gate.service"], check=False).stdout.strip() == "active"


def test_a_peer_of_a_host_without_socket_is_told_what_to_start(fleet: Fleet) -> None:
    host = fleet.host("h1")
    host.ssh("systemctl stop zfs-sync-agent-gate.socket zfs-sync-agent-gate.service")
    checks = fleet.agent("h2", "doctor", "--json", check=False)["checks"]
    (found,) = [each for each in checks if each["status"] == "failed"]
    assert found["id"] == "peer-agent-stopped"
    here = fleet.agent("h1", "doctor", "--json", check=False)["checks"]
    assert {"service-stopped", "gate-silent"} <= {each["id"] for each in here if each["status"] == "failed"}
    host.ssh(found["remedy"])
    assert fleet.agent("h2", "doctor", "--json")["ok"]


def test_uninstall_leaves_no_unit(fleet: Fleet) -> None:
    predicted = fleet.installer("h2", "uninstall", "--purge", "--check")
    assert fleet.installer("h2", "uninstall", "--purge")["actions"] == predicted["actions"]
    assert units(fleet, "h2") == set()
    assert not fleet.installer("h2", "uninstall", "--purge")["changed"]
