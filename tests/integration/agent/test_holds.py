# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Our holds on real hosts: listed, given back when a group goes while the agent is off, and by uninstall."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.integration.agent.fleet import Fleet, wait_for

pytestmark = [pytest.mark.lab, pytest.mark.story]

SYSTEMS: Mapping[str, Any] = {"h1": {}, "h2": {}}


def group(name: str) -> dict[str, Any]:
    return {
        "members": [
            {"system": "h1", "dataset": f"tank/{name}", "role": "source"},
            {"system": "h2", "dataset": f"backup/{name}", "role": "target"},
        ]
    }


@pytest.fixture(scope="module")
def fleet(bare_fleet: Fleet) -> Fleet:
    """Two groups from h1 to h2, in sync, each with a base that is held."""
    fleet = bare_fleet
    for name in ("kept", "ended"):
        fleet.host("h1").ssh(f"zfs create tank/{name} && zfs snapshot tank/{name}@base")
    fleet.configure("h1", [{"dataset": "tank", "operations": ["send"]}])
    fleet.configure("h2", [{"dataset": "backup", "operations": ["receive"]}])
    fleet.witness.apply({"version": 1, "systems": SYSTEMS, "sync_groups": {g: group(g) for g in ("kept", "ended")}})
    for name in SYSTEMS:
        assert fleet.install(name)["enrolled"], fleet.journal(name)
    fleet.trust("h1", "h2")
    fleet.witness.in_sync(2)
    return fleet


def held(fleet: Fleet, name: str) -> dict[str, tuple[str, bool]]:
    """Tag and whether an edge in force needs it, by snapshot."""
    answer = fleet.agent(name, "holds", "--json")
    return {f"{each['dataset']}@{each['snapshot']}": (each["tag"], each["in_force"]) for each in answer["holds"]}


def destroyed(fleet: Fleet, name: str, snapshot: str) -> bool:
    return fleet.host(name).ssh(["zfs", "destroy", snapshot], check=False).returncode == 0


def test_holds_go_with_their_group_and_with_the_agent(fleet: Fleet) -> None:
    """One story, for each step needs the one before."""
    assert held(fleet, "h1") == {
        "tank/kept@base": ("zfs-sync:kept:h2", True),
        "tank/ended@base": ("zfs-sync:ended:h2", True),
    }
    assert held(fleet, "h2") == {
        "backup/kept@base": ("zfs-sync:kept", True),
        "backup/ended@base": ("zfs-sync:ended", True),
    }
    assert not destroyed(fleet, "h1", "tank/ended@base"), "a hold keeps the base"

    refused = fleet.agent("h1", "holds", "--release", "--json", check=False)
    assert refused["error"]["code"] == "E_BUSY", "the agent that runs would hold again"

    fleet.host("h1").ssh(["systemctl", "stop", "zfs-sync-agent"])
    fleet.witness.call(
        "POST", "/fleet/apply", {"fleet": {"version": 1}, "delete": {"systems": [], "sync_groups": ["ended"]}}
    )
    wait_for(lambda: set(held(fleet, "h2")) == {"backup/kept@base"}, "the agent that runs gives back")
    assert "tank/ended@base" in held(fleet, "h1")
    fleet.host("h1").ssh(["systemctl", "start", "zfs-sync-agent"])
    wait_for(lambda: set(held(fleet, "h1")) == {"tank/kept@base"}, "the agent that was off gives back too")
    assert destroyed(fleet, "h1", "tank/ended@base")
    assert destroyed(fleet, "h2", "backup/ended@base")

    fleet.host("h1").ssh(["systemctl", "stop", "zfs-sync-agent"])
    predicted = fleet.agent("h1", "holds", "--release", "--check", "--json")
    assert set(held(fleet, "h1")) == {"tank/kept@base"}
    assert fleet.agent("h1", "holds", "--release", "--json")["actions"] == predicted["actions"] != []
    assert held(fleet, "h1") == {}

    predicted = fleet.installer("h2", "uninstall", "--check")
    done = fleet.installer("h2", "uninstall")
    assert done["actions"] == predicted["actions"]
    assert "give back 1 hold on snapshots" in done["actions"]
    assert destroyed(fleet, "h2", "backup/kept@base")
    assert not fleet.installer("h2", "uninstall")["changed"]
