# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Holds as people and programs read them."""

from dataclasses import replace

import pytest

from tests.unit.agent.conftest import FEEDS, work_of
from zfs_sync.agent.config import AgentConfig
from zfs_sync.agent.holds import Listing, NoHolds, carried_in, listing
from zfs_sync.agent.work_cache import WorkCache
from zfs_sync.api.work import EdgeSelection, WorkEdge
from zfs_sync.engine.continuity import Held

NEEDED = Held("tank/photos", 1, "mon", "zfs-sync:photos:nas2", (FEEDS.id,))
LEFT = Held("tank/old", 2, "sun", "zfs-sync:old:nas2", ("old:nas2:backup/old",))
GONE = replace(LEFT, snapshot=None)


def test_what_no_edge_in_force_needs_is_said() -> None:
    lines = Listing((NEEDED, LEFT, GONE), frozenset({FEEDS.id})).lines()
    assert lines == [
        "tank/photos@mon  zfs-sync:photos:nas2  for photos:nas2:backup/photos",
        "tank/old@sun  zfs-sync:old:nas2  for old:nas2:backup/old  (not in the fleet any more)",
        "tank/old@(GUID 2, not there now)  zfs-sync:old:nas2  for old:nas2:backup/old  (not in the fleet any more)",
    ]


def test_before_the_witness_was_heard_nothing_is_known_of_edges() -> None:
    assert Listing((LEFT,), None).lines() == ["tank/old@sun  zfs-sync:old:nas2  for old:nas2:backup/old"]
    assert Listing((LEFT,), None).document()["holds"][0]["in_force"] is None


def test_programs_read_guids_as_text() -> None:
    assert Listing((NEEDED,), frozenset({FEEDS.id})).document() == {
        "holds": [
            {
                "dataset": "tank/photos",
                "guid": "1",
                "snapshot": "mon",
                "tag": "zfs-sync:photos:nas2",
                "edges": (FEEDS.id,),
                "in_force": True,
            }
        ]
    }


@pytest.mark.parametrize(
    ("edge", "dataset", "carried"),
    [
        (FEEDS, "tank/photos", True),
        (FEEDS, "tank/photos/a/cache", True),
        (replace(FEEDS, selection=EdgeSelection(exclude=["cache"])), "tank/photos/a/cache", False),
        (replace(FEEDS, selection=EdgeSelection(exclude=["cache"])), "tank/photos/a", True),
        (replace(FEEDS, selection=EdgeSelection(include_root=False)), "tank/photos", False),
        (replace(FEEDS, recursive=False), "tank/photos/a", False),
        (replace(FEEDS, recursive=False), "tank/elsewhere", True),
        (replace(FEEDS, id="another"), "tank/photos/a", True),
    ],
)
def test_holds_of_what_an_edge_leaves_out_by_now_are_given_back(edge: WorkEdge, dataset: str, carried: bool) -> None:
    """A dataset that was renamed, and an edge that is not told of in full, are no reason."""
    assert carried_in(work_of("nas1", edge))(FEEDS.id, dataset) is carried


def test_a_host_that_never_held_anything_needs_no_zfs_to_say_so(
    config: AgentConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zfs_sync.agent.holds.LocalRunner", None)
    WorkCache(config.state, "nas1").replace(work_of("nas1", FEEDS), "")
    assert listing(config) == Listing((), frozenset({FEEDS.id}))
    assert NoHolds(config).change() is None
