# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""What disappears at a source stays on its target, and nothing but replicas appears anywhere."""

import pytest

from tests.integration.agent.fleet import Fleet, wait_for

pytestmark = pytest.mark.lab

MEMBERS = [
    {"system": "h1", "dataset": "tank/data", "role": "source"},
    {"system": "h1", "dataset": "backup/data", "role": "target"},
]


@pytest.fixture(scope="module")
def fleet(bare_fleet: Fleet) -> Fleet:
    """Two pools of one host, in sync."""
    fleet, host = bare_fleet, bare_fleet.host("h1")
    host.create_pool("backup")
    host.ssh("zfs create tank/data && zfs create tank/data/child && zfs snapshot -r tank/data@one")
    host.ssh("zfs snapshot -r tank/data@two")
    fleet.configure(
        "h1", [{"dataset": "tank", "operations": ["send"]}, {"dataset": "backup", "operations": ["receive"]}]
    )
    fleet.witness.apply({"version": 1, "systems": {"h1": {}}, "sync_groups": {"g": {"members": MEMBERS}}})
    assert fleet.install("h1")["enrolled"], fleet.journal("h1")
    fleet.witness.in_sync(2)
    return fleet


def snapshots(fleet: Fleet, root: str) -> set[str]:
    """Dataset below the root, and snapshot."""
    said = fleet.host("h1").ssh(["zfs", "list", "-rH", "-t", "snapshot", "-o", "name", root]).stdout
    return {line.removeprefix(root) for line in said.splitlines()}


def test_what_disappears_at_the_source_stays_on_the_target(fleet: Fleet) -> None:
    host = fleet.host("h1")
    first = {"@one", "@two", "/child@one", "/child@two"}
    assert snapshots(fleet, "tank/data") == snapshots(fleet, "backup/data") == first
    host.ssh("zfs snapshot -r tank/data@three")
    wait_for(lambda: "/child@three" in snapshots(fleet, "backup/data"), "the third snapshot arrived")
    fleet.witness.in_sync(2)
    host.ssh("zfs destroy tank/data@one")  # it is no base any more, so nothing of ours holds it
    host.ssh("zfs unmount tank/data/child && zfs rename tank/data/child tank/elsewhere")
    host.ssh("zfs snapshot tank/data@four")
    wait_for(lambda: "@four" in snapshots(fleet, "backup/data"), "the newest snapshot arrived")
    seen = {"g:h1:backup/data/": "IN_SYNC", "g:h1:backup/data/child": "SOURCE_RENAMED"}
    wait_for(lambda: fleet.witness.outcomes("g") == seen, "the rename is seen, and the rest is in sync")
    assert snapshots(fleet, "tank/data") == {"@two", "@three", "@four"}
    copies = {"@one", "@two", "@three", "@four", "/child@one", "/child@two", "/child@three"}
    assert snapshots(fleet, "backup/data") == copies
