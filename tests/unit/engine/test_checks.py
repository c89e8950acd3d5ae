# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""A step against the pool in front of us: done already, to be sent, or refused with the GUIDs that prove why."""

import pytest

from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.core.graph import DatasetView, Snapshot
from zfs_sync.core.planner import TransferStep
from zfs_sync.core.selection import Selection
from zfs_sync.engine.checks import Step, decide

A, B, C, X = (Snapshot(guid, guid * 10, name) for guid, name in ((1, "a"), (2, "b"), (3, "c"), (9, "x y")))


def view(*snapshots: Snapshot, marker: str | None = "g", encrypted: bool = False) -> DatasetView:
    return DatasetView("tank/a b", 7, snapshots, marker, encrypted)


SOURCE = view(A, B, C, marker=None)


def judged(
    step: Step, target: DatasetView | None, source: DatasetView | None = SOURCE, *, parent: bool = True
) -> object:
    return decide("g", "tank/a b", step, source, target, parent_exists=parent)


@pytest.mark.parametrize(
    ("step", "target", "stream"),
    [
        pytest.param(Step(None, 1), None, TransferStep(None, A), id="first"),
        pytest.param(Step(None, 1), view(A), None, id="done already"),
        pytest.param(Step(1, 3), view(A), TransferStep(A, C), id="incremental"),
        pytest.param(Step(1, 3), view(A, B), TransferStep(B, C), id="taken in part"),
        pytest.param(Step(1, 3), view(A, B, C), None, id="arrived meanwhile"),
    ],
)
def test_a_step_means_what_is_missing_now(step: Step, target: DatasetView | None, stream: object) -> None:
    assert judged(step, target) == stream


@pytest.mark.parametrize(
    ("step", "target", "source", "code"),
    [
        pytest.param(Step(1, 3), view(A), None, "E_SOURCE_GONE", id="no source"),
        pytest.param(Step(1, 4), view(A), SOURCE, "E_SOURCE_GONE", id="no such snapshot"),
        pytest.param(Step(None, 1), view(), SOURCE, "E_NO_COMMON_BASE", id="an empty target of ours"),
        pytest.param(Step(None, 1), view(X, marker=None), SOURCE, "E_TARGET_UNMANAGED", id="somebody's data"),
        pytest.param(Step(None, 1), view(marker=None), SOURCE, "E_TARGET_UNMANAGED", id="somebody's empty dataset"),
        pytest.param(Step(1, 3), view(A, marker=None), SOURCE, "E_TARGET_UNMANAGED", id="not handed over"),
        pytest.param(Step(1, 3), view(A, B, C, marker="other"), SOURCE, "E_TARGET_UNMANAGED", id="another group's"),
        pytest.param(Step(1, 3), view(A, X), SOURCE, "E_DIVERGED", id="diverged"),
        pytest.param(Step(1, 4), view(A, B, C, X), SOURCE, "E_TARGET_AHEAD", id="ahead"),
        pytest.param(Step(1, 3), None, SOURCE, "E_PLAN_STALE", id="the target was destroyed"),
        pytest.param(Step(None, 2), view(A), SOURCE, "E_PLAN_STALE", id="a full one onto a target"),
        pytest.param(Step(1, 1), view(B, C), SOURCE, "E_PLAN_STALE", id="older than the base"),
        pytest.param(Step(1, 3), view(A), view(A, B, C, encrypted=True), "E_ENCRYPTED_SOURCE", id="encrypted"),
    ],
)
def test_anything_else_is_refused(
    step: Step, target: DatasetView | None, source: DatasetView | None, code: str
) -> None:
    with pytest.raises(ZfsSyncError) as caught:
        judged(step, target, source)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("step", "target", "stream"),
    [
        pytest.param(Step(1, 3, alone=True), view(A), TransferStep(A, C, alone=True), id="a jump"),
        pytest.param(Step(1, 3), view(A, B), TransferStep(B, C), id="from a base that is not taken"),
        pytest.param(Step(1, 3), view(A), None, id="what is not taken lies between"),
        pytest.param(Step(1, 2), view(A), None, id="to what is not taken"),
        pytest.param(Step(None, 2), None, None, id="a first one of what is not taken"),
    ],
)
def test_what_the_group_leaves_out_is_in_no_stream(
    step: Step, target: DatasetView | None, stream: TransferStep | None
) -> None:
    def decided() -> TransferStep | None:
        selection = Selection(snapshots_exclude=("b",))
        return decide("g", "tank/a b", step, SOURCE, target, parent_exists=True, selection=selection)

    if stream is not None:
        assert decided() == stream
        return
    with pytest.raises(ZfsSyncError) as caught:
        decided()
    assert caught.value.code == "E_PLAN_STALE"


def test_nothing_is_received_where_nothing_lies_above() -> None:
    with pytest.raises(ZfsSyncError) as caught:
        judged(Step(None, 1), None, parent=False)
    assert caught.value.code == "E_PARENT_MISSING"


def test_a_divergence_is_proved_and_comes_with_the_command_that_a_person_may_choose() -> None:
    with pytest.raises(ZfsSyncError) as caught:
        judged(Step(1, 3), view(A, X))
    assert "common snapshot a (1), head of the source c (3), head of the target x y (9)" in caught.value.message
    assert caught.value.hint.endswith("zfs rollback -r 'tank/a b@a'")


def test_a_dataset_that_could_be_ours_comes_with_the_command_that_hands_it_over() -> None:
    with pytest.raises(ZfsSyncError) as caught:
        judged(Step(1, 3), view(A, marker=None))
    assert caught.value.hint.endswith("zfs set zfs-sync:group=g 'tank/a b'")


def test_a_target_that_was_written_to_is_refused_with_the_command_that_mends_it() -> None:
    dirty = DatasetView("tank/a b", 7, (A,), "g", written=5)
    with pytest.raises(ZfsSyncError) as caught:
        judged(Step(1, 3), dirty)
    assert (caught.value.code, caught.value.hint) == ("E_TARGET_MODIFIED", "zfs rollback 'tank/a b@a'")
