# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zfs_sync.core.errors import CATALOGUE
from zfs_sync.core.graph import DatasetView, Snapshot, newest_common
from zfs_sync.core.planner import ACTIONABLE, ERROR_CODES, Outcome, TransferStep, judge, transfer_steps
from zfs_sync.core.selection import Selection

GROUP = "photos"


def dataset(*guids: int, path: str = "tank/photos", marker: str | None = None, **more) -> DatasetView:
    snapshots = tuple(Snapshot(guid, txg, f"s{guid}") for txg, guid in enumerate(guids, start=100))
    return DatasetView(path, 1, snapshots, marker, **more)


def target(*guids: int, marker: str | None = GROUP) -> DatasetView:
    return dataset(*guids, path="backup/photos", marker=marker)


@pytest.mark.parametrize(
    ("source", "other", "outcome", "lag"),
    [
        (dataset(1, 2, 3), None, Outcome.INITIAL, 3),
        (dataset(), None, Outcome.IN_SYNC, 0),
        (dataset(1, 2, 3), target(1, 2, 3), Outcome.IN_SYNC, 0),
        (dataset(1, 2, 3), target(1, 2), Outcome.BEHIND, 1),
        (dataset(2, 3), target(1, 2), Outcome.BEHIND, 1),
        (dataset(1, 2), target(1, 2, 9), Outcome.TARGET_AHEAD, 0),
        (dataset(1, 2, 3), target(1, 2, 9), Outcome.DIVERGED, 1),
        (dataset(3, 4), target(1, 2), Outcome.NO_COMMON_BASE, 2),
        (dataset(), target(1), Outcome.NO_COMMON_BASE, 0),
        (dataset(1), target(), Outcome.NO_COMMON_BASE, 1),
        (dataset(), target(), Outcome.IN_SYNC, 0),
        (dataset(1, 2), target(1, marker=None), Outcome.TARGET_UNMANAGED, 1),
        (dataset(1, 2), target(8, marker=None), Outcome.TARGET_UNMANAGED, 2),
        (dataset(1, 2), target(1, marker="other"), Outcome.TARGET_UNMANAGED, 1),
        (dataset(1, encrypted=True), None, Outcome.FEATURE_GAP, 0),
        (None, target(1), Outcome.UNREPORTED, 0),
    ],
)
def test_outcomes(source, other, outcome, lag) -> None:
    verdict = judge(GROUP, source, other)
    assert (verdict.outcome, verdict.lag_snapshots) == (outcome, lag)
    assert verdict.message.endswith(".")


def test_a_side_that_has_not_reported_is_named() -> None:
    verdict = judge(GROUP, None, None, source_reported=True, target_reported=False)
    assert verdict.outcome is Outcome.UNREPORTED
    assert "target" in verdict.message
    assert "source" not in verdict.message


def test_a_child_waits_for_the_dataset_above_it() -> None:
    assert judge(GROUP, dataset(1), None, parent_ready=False).outcome is Outcome.BLOCKED_BY_PARENT


def test_names_and_clocks_do_not_matter_only_guids_and_txgs() -> None:
    renamed = DatasetView("b/p", 2, (Snapshot(1, 9000, "zzz"), Snapshot(2, 9001, "aaa")), GROUP)
    assert judge(GROUP, dataset(1, 2), renamed).outcome is Outcome.IN_SYNC


def test_divergence_carries_the_guids_that_prove_it() -> None:
    evidence = judge(GROUP, dataset(1, 2, 3), target(1, 9)).evidence
    assert evidence["base"] == {"guid": "1", "name": "s1"}
    assert [each["guid"] for each in evidence["only_on_target"]] == ["9"]
    assert [each["guid"] for each in evidence["only_on_source"]] == ["2", "3"]


@pytest.mark.parametrize(
    ("source", "other", "steps"),
    [
        (dataset(1, 2, 3), None, [(None, 1), (1, 3)]),
        (dataset(1), None, [(None, 1)]),
        (dataset(1, 2, 3), target(1), [(1, 3)]),
        (dataset(1, 2), target(1, 2), []),
        (dataset(1, 2, 3), target(1, 9), []),
        (dataset(), None, []),
    ],
)
def test_steps(source, other, steps) -> None:
    found = transfer_steps(judge(GROUP, source, other), source)
    assert [(step.base.guid if step.base else None, step.to.guid) for step in found] == steps


def test_every_outcome_for_a_person_has_a_page() -> None:
    assert set(ERROR_CODES.values()) <= CATALOGUE.keys()
    assert not ERROR_CODES.keys() & ACTIONABLE


histories = st.lists(st.integers(1, 12), unique=True, max_size=8)


@given(source=histories, other=histories, seeded=st.booleans())
def test_steps_lead_to_the_head_and_need_nothing_that_is_not_there(source, other, seeded) -> None:
    one, two = dataset(*source), target(*sorted(other)) if seeded else None
    verdict = judge(GROUP, one, two)
    steps = transfer_steps(verdict, one)
    assert bool(steps) == (verdict.outcome in ACTIONABLE)
    if not steps:
        return
    assert steps[-1].to == one.head
    have = two.head.guid if two else None
    for step in steps:
        assert (step.base.guid if step.base else None) == have
        have = step.to.guid


EVEN = Selection(snapshots_include=("s*[02468]",))
NEWEST = Selection(snapshots_include=("s*[02468]",), intermediate=False)


@pytest.mark.parametrize(
    ("source", "other", "outcome", "lag"),
    [
        pytest.param(dataset(1, 2, 3, 4), None, Outcome.INITIAL, 2, id="first"),
        pytest.param(dataset(1, 3), None, Outcome.IN_SYNC, 0, id="nothing is taken"),
        pytest.param(dataset(1, 2, 3), target(2), Outcome.IN_SYNC, 0, id="newer ones are not taken"),
        pytest.param(dataset(1, 2, 3, 4), target(2), Outcome.BEHIND, 1, id="behind"),
        pytest.param(dataset(1, 2, 4), target(1), Outcome.BEHIND, 2, id="a base that is not taken"),
        pytest.param(dataset(2, 3), target(2, 3), Outcome.IN_SYNC, 0, id="a common head that is not taken"),
        pytest.param(dataset(2, 3), target(2, 9), Outcome.TARGET_AHEAD, 0, id="ahead by what is not taken"),
        pytest.param(dataset(2, 4), target(2, 9), Outcome.DIVERGED, 1, id="diverged by what is not taken"),
        pytest.param(dataset(3), target(2), Outcome.NO_COMMON_BASE, 0, id="no base"),
        pytest.param(dataset(1, 2), target(7, marker=None), Outcome.TARGET_UNMANAGED, 1, id="unmanaged"),
    ],
)
def test_only_snapshots_that_are_taken_are_missing(source, other, outcome, lag) -> None:
    verdict = judge(GROUP, source, other, selection=EVEN)
    assert (verdict.outcome, verdict.lag_snapshots) == (outcome, lag)
    assert verdict.message.endswith(".")


def test_heads_are_those_that_are_taken_unless_another_stands_in_the_way() -> None:
    def heads(verdict):
        return [each and each.guid for each in (verdict.source_head, verdict.target_head)]

    assert heads(judge(GROUP, dataset(2, 4, 5), target(2, 4, 5), selection=EVEN)) == [4, 4]
    assert heads(judge(GROUP, dataset(2, 4, 5), target(2, 4, 9), selection=EVEN)) == [4, 9]
    assert heads(judge(GROUP, dataset(1), target(1), selection=EVEN)) == [None, None]


@pytest.mark.parametrize(
    ("source", "other", "selection", "steps"),
    [
        pytest.param(dataset(1, 2, 3, 4), None, EVEN, [(None, 2, False), (2, 4, True)], id="first"),
        pytest.param(dataset(2, 4, 6), target(2), EVEN, [(2, 6, False)], id="nothing in between"),
        pytest.param(dataset(2, 3, 4, 6), target(2), EVEN, [(2, 4, True), (4, 6, False)], id="a jump, then all"),
        pytest.param(
            dataset(2, 4, 6, 7, 8, 9, 10, 12, 14, 15),
            target(2),
            EVEN,
            [(2, 6, False), (6, 8, True), (8, 10, True), (10, 14, False)],
            id="stretches",
        ),
        pytest.param(dataset(1, 2, 4), target(1), EVEN, [(1, 4, False)], id="from a base that is not taken"),
        pytest.param(dataset(1, 2, 3, 4), None, NEWEST, [(None, 4, False)], id="first, the newest only"),
        pytest.param(dataset(2, 4, 6, 7), target(2), NEWEST, [(2, 6, True)], id="the newest only"),
        pytest.param(dataset(4, 6, 7), target(4), NEWEST, [(4, 6, False)], id="the newest is the next"),
    ],
)
def test_steps_bring_what_is_taken_in_as_few_streams_as_can_be(source, other, selection, steps) -> None:
    found = transfer_steps(judge(GROUP, source, other, selection=selection), source, selection)
    assert [(step.base.guid if step.base else None, step.to.guid, step.alone) for step in found] == steps


@given(source=histories, other=histories, seeded=st.booleans(), intermediate=st.booleans())
def test_exactly_what_is_taken_travels(source, other, seeded, intermediate) -> None:
    selection = Selection(snapshots_include=EVEN.snapshots_include, intermediate=intermediate)
    one, two = dataset(*source), target(*sorted(other)) if seeded else None
    verdict = judge(GROUP, one, two, selection=selection)
    steps = transfer_steps(verdict, one, selection)
    assert bool(steps) == (verdict.outcome in ACTIONABLE)
    sent = [each for step in steps for each in step.sent(one)]
    missing = selection.of(one.after(verdict.base.guid) if verdict.base else one.snapshots)
    if steps:
        assert sent == list(missing if intermediate else missing[-1:])
        assert [step.base for step in steps] == [verdict.base, *(step.to for step in steps[:-1])]
        assert steps[-1].to == verdict.source_head


def test_a_stream_brings_what_lies_between_unless_it_goes_alone() -> None:
    one = dataset(1, 2, 3, 4)
    base, *_, to = one.snapshots[:3]
    assert [each.guid for each in TransferStep(base, to).sent(one)] == [2, 3]
    assert TransferStep(base, to, alone=True).sent(one) == (to,)
    assert TransferStep(None, to).sent(one) == (to,)


def test_graph_lookups() -> None:
    view = dataset(5, 6, 7)
    assert (view.oldest.guid, view.head.guid) == (5, 7)
    assert dataset().head is None
    assert dataset().oldest is None
    assert view.find(6).name == "s6"
    assert view.find(1) is None
    assert [each.guid for each in view.after(5)] == [6, 7]
    assert [each.guid for each in view.after(99)] == [5, 6, 7]
    assert newest_common(view, dataset(9)) is None


def test_snapshots_are_put_into_the_order_of_the_pool() -> None:
    view = DatasetView("t", 1, (Snapshot(2, 20, "b"), Snapshot(1, 10, "a")))
    assert [each.guid for each in view.snapshots] == [1, 2]
