# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Names that would not fit on a target."""

import pytest

from zfs_sync.core.graph import DatasetView, Snapshot
from zfs_sync.core.planner import Outcome, judge
from zfs_sync.core.room import fits, with_room
from zfs_sync.core.selection import Selection

SOURCE = DatasetView("t", 1, (Snapshot(1, 1, "a"), Snapshot(2, 2, "b" * 50), Snapshot(3, 3, "c")))


@pytest.mark.parametrize(
    ("length", "label", "fine"), [(255, "", True), (256, "", False), (253, "a", True), (254, "a", False)]
)
def test_zfs_counts_dataset_and_snapshot_together(length: int, label: str, fine: bool) -> None:
    assert fits("x" * length, label) is fine


@pytest.mark.parametrize(
    ("target", "held", "selection", "outcome"),
    [
        pytest.param("x" * 204, (), Selection(), Outcome.INITIAL, id="it fits"),
        pytest.param("x" * 205, (), Selection(), Outcome.NAME_TOO_LONG, id="a snapshot is too long"),
        pytest.param("x" * 205, (), Selection(snapshots_exclude=("b*",)), Outcome.INITIAL, id="it is left out"),
        pytest.param("x" * 205, (1,), Selection(), Outcome.NAME_TOO_LONG, id="an increment"),
        pytest.param("x" * 205, (2,), Selection(), Outcome.BEHIND, id="it is there already"),
        pytest.param("x" * 256, (), Selection(), Outcome.NAME_TOO_LONG, id="the dataset is too long"),
        pytest.param("x" * 205, (3,), Selection(), Outcome.IN_SYNC, id="nothing is sent"),
    ],
)
def test_what_would_fail_on_a_name_is_not_sent(
    target: str, held: tuple[int, ...], selection: Selection, outcome: Outcome
) -> None:
    there = DatasetView(target, 2, tuple(each for each in SOURCE.snapshots if each.guid in held), "g") if held else None
    verdict = with_room(judge("g", SOURCE, there, selection=selection), SOURCE, target, selection)
    assert verdict.outcome is outcome
    if outcome is Outcome.NAME_TOO_LONG:
        assert f"would have {len(target) if len(target) > 255 else len(target) + 51} bytes" in verdict.message


def test_what_waits_for_the_dataset_above_is_told_of_its_own_name_first() -> None:
    verdict = judge("g", SOURCE, None, parent_ready=False)
    assert with_room(verdict, SOURCE, "x" * 300).outcome is Outcome.NAME_TOO_LONG
    assert with_room(verdict, SOURCE, "x").outcome is Outcome.BLOCKED_BY_PARENT
    assert with_room(verdict, None, "x" * 300) is verdict
