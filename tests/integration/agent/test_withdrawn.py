# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""A transfer ends on both hosts at once when its edge is taken out of the fleet, and goes on when that is back."""

from typing import Any

import pytest

from tests.integration.agent.fleet import Fleet, wait_for

pytestmark = [pytest.mark.lab, pytest.mark.story, pytest.mark.timeout(900)]

SLOW = 2_000.0
MEGABYTES = 60
AT_ONCE = 20.0
"""In seconds, on a machine that is busy with other things; the rest of the transfer would take longer."""
MEMBERS = [
    {"system": "h1", "dataset": "tank/data", "role": "source"},
    {"system": "h2", "dataset": "backup/data", "role": "target"},
]
ENDS = (("h1", "[z]fs send"), ("h2", "[z]fs receive"))


def declared(members: list[dict[str, str]] | None) -> dict[str, Any]:
    groups = {} if members is None else {"g": {"members": members}}
    return {"version": 1, "systems": {"h1": {}, "h2": {}}, "sync_groups": groups}


@pytest.fixture(scope="module")
def fleet(bare_fleet: Fleet) -> Fleet:
    fleet = bare_fleet
    fleet.host("h1").ssh("zfs create tank/data && zfs snapshot tank/data@first")
    fleet.configure("h1", [{"dataset": "tank/data", "operations": ["send"]}])
    fleet.configure("h2", [{"dataset": "backup/data", "operations": ["receive"]}])
    fleet.witness.apply(declared(MEMBERS))
    for name in ("h1", "h2"):
        assert fleet.install(name)["enrolled"], fleet.journal(name)
    fleet.trust("h1", "h2")
    fleet.witness.in_sync(1)
    return fleet


@pytest.fixture
def transfer(fleet: Fleet) -> Any:
    """A transfer that has moved some bytes and has half a minute to go."""
    source = fleet.host("h1")
    source.delay(rate_kilobytes_per_second=SLOW)
    label = f"s{len(fleet.guids('h1', 'tank/data'))}"
    source.ssh(f"dd if=/dev/urandom of=/tank/data/{label} bs=1M count={MEGABYTES} 2>/dev/null")
    source.ssh(["zfs", "snapshot", f"tank/data@{label}"])
    yield wait_for(lambda: moving(fleet), "bytes move")
    fleet.lab.heal_all()


def moving(fleet: Fleet) -> Any:
    jobs = fleet.witness.call("GET", "/jobs?state=running")["items"]
    return next((job for job in jobs if job["bytes_done"] > 1_000_000), None)


def run(fleet: Fleet) -> dict[str, bool]:
    """Whose zfs moves data now."""
    return {name: fleet.host(name).ssh(["pgrep", "-f", what], check=False).returncode == 0 for name, what in ENDS}


def test_it_ends_on_both_hosts_and_nothing_is_lost(fleet: Fleet, transfer: Any) -> None:
    assert run(fleet) == {"h1": True, "h2": True}
    before = fleet.guids("h2", "backup/data")
    fleet.witness.call("DELETE", "/sync-groups/g")
    wait_for(lambda: run(fleet) == {"h1": False, "h2": False}, f"both ends end: {run(fleet)}", AT_ONCE)
    assert fleet.guids("h2", "backup/data") == before
    fleet.lab.heal_all()
    fleet.witness.apply(declared(MEMBERS))
    fleet.witness.call("POST", "/sync-groups/g/sync", {})
    wait_for(lambda: fleet.guids("h2", "backup/data") == fleet.guids("h1", "tank/data"), "it arrives after all", 180)
    assert fleet.guids("h2", "backup/data")[: len(before)] == before
