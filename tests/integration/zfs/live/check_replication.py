# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Replication between two pools of one host, as a local pair."""

import filecmp
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.zfs.live.conftest import Pair, sh
from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.engine.checks import Step


def code(pair: Pair, **arguments: object) -> ZfsSyncError:
    with pytest.raises(ZfsSyncError) as caught:
        pair.sync(**arguments)  # type: ignore[arg-type]
    return caught.value


def test_a_new_target_has_every_snapshot_and_is_read_only_marked_and_not_mounted(pair: Pair) -> None:
    for label in ("monday", "daily-1", "tuesday"):
        pair.snapshot(label, file=label)
    moved = pair.sync()
    assert pair.guids(pair.target) == pair.guids(pair.source)
    assert moved.snapshots == 3
    assert moved.head_guid == pair.guids(pair.source)[-1]
    assert moved.warnings == ()
    assert moved.bytes > 0
    assert pair.property("readonly") == ("on", "local")
    assert pair.property("canmount") == ("noauto", "local")
    assert pair.property("zfs-sync:group") == ("g", "local")
    assert pair.property("mounted")[0] == "no"
    assert pair.receiver.targets.unfinished() == frozenset()


def test_incrementals_follow_without_force_and_files_are_the_same(pair: Pair) -> None:
    pair.snapshot("s0", first="0")
    pair.sync()
    for number in range(1, 4):
        pair.snapshot(f"s{number}", **{f"file{number}": str(number)})
        assert pair.sync().snapshots == 1
    sh("zfs", "mount", pair.target)
    assert (Path("/") / pair.target / "file3").read_text() == "3"
    pair.snapshot("s4", file4="4")
    pair.sync()
    same = filecmp.dircmp(f"/{pair.source}", f"/{pair.target}")
    assert [*same.left_only, *same.right_only, *same.diff_files] == []
    sh("zfs", "unmount", pair.target)


def test_a_second_sync_has_nothing_to_do(pair: Pair) -> None:
    pair.snapshot("a")
    steps = pair.steps()
    pair.sync(steps=steps)
    again = pair.sync(steps=steps)
    assert (again.snapshots, again.bytes) == (0, 0)
    assert pair.steps() == ()


def test_two_hundred_snapshots_behind(pair: Pair) -> None:
    pair.snapshot("base")
    pair.sync()
    for number in range(200):
        sh("zfs", "snapshot", f"{pair.source}@n{number}")
    assert pair.sync().snapshots == 200
    assert pair.guids(pair.target) == pair.guids(pair.source)


def test_an_empty_dataset_replicates(pair: Pair) -> None:
    pair.snapshot("empty")
    assert pair.sync().snapshots == 1


def test_a_source_without_snapshots_asks_for_nothing(pair: Pair) -> None:
    assert pair.steps() == ()
    assert pair.sync().head_guid is None


@pytest.mark.parametrize("name", ["a b", "-x", "a:b.c_d-e"])
def test_odd_names_replicate(make_pair: Callable[[str], Pair], name: str) -> None:
    pair = make_pair(name)
    pair.snapshot("-y")
    pair.snapshot("0 z")
    pair.sync()
    assert pair.guids(pair.target) == pair.guids(pair.source)


def test_a_tree_goes_parent_first(pair: Pair) -> None:
    sh("zfs", "create", f"{pair.source}/child")
    sh("zfs", "snapshot", "-r", f"{pair.source}@a")
    child = Pair(pair.zfs, pair.state, f"{pair.source}/child", f"{pair.target}/child")
    assert code(child).code == "E_PARENT_MISSING"
    pair.sync()
    child.sync()
    assert pair.guids(child.target) == pair.guids(child.source)
    assert child.property("zfs-sync:group") == ("g", "local")


def test_the_base_is_held_on_both_sides_and_the_hold_moves_forward(pair: Pair) -> None:
    pair.snapshot("a")
    pair.snapshot("b")
    pair.sync()
    assert [pair.userrefs(pair.target, each) for each in "ab"] == ["0", "1"]
    assert [pair.userrefs(pair.source, each) for each in "ab"] == ["1", "1"]
    pair.snapshot("c")
    pair.sync()
    assert [pair.userrefs(pair.target, each) for each in "abc"] == ["0", "0", "1"]
    assert [pair.userrefs(pair.source, each) for each in "abc"] == ["0", "1", "1"]
    pair.holds.only([])
    assert [pair.userrefs(pair.source, each) for each in "abc"] == ["0", "0", "0"]
    assert pair.userrefs(pair.target, "c") == "0"


def test_progress_has_bytes_rate_and_estimate(pair: Pair) -> None:
    pair.fill("f", 20)
    pair.snapshot("a")
    moved = pair.sync()
    assert pair.seen[0].bytes_done == 0
    assert max(each.bytes_done for each in pair.seen) <= moved.bytes
    assert pair.seen[0].bytes_total is not None
    assert pair.seen[0].bytes_total > 20 << 20
    assert "receiving a into" in pair.seen[0].message
    assert moved.bytes > 20 << 20


def test_a_target_that_was_written_to_is_refused_and_the_hint_mends_it(make_pair: Callable[[str], Pair]) -> None:
    pair = make_pair("wr itten")
    pair.snapshot("a b")
    pair.sync()
    sh("zfs", "set", "readonly=off", pair.target)
    sh("zfs", "mount", pair.target)
    (Path("/") / pair.target / "mine").write_text("do not lose me")
    sh("zfs", "unmount", pair.target)
    pair.snapshot("c")
    error = code(pair)
    assert error.code == "E_TARGET_MODIFIED"
    assert error.hint == f"zfs rollback '{pair.target}@a b'"
    sh("sh", "-c", error.hint)
    pair.sync()
    assert pair.guids(pair.target) == pair.guids(pair.source)


def test_a_target_with_data_of_its_own_is_left_alone(pair: Pair) -> None:
    pair.snapshot("a")
    sh("zfs", "create", pair.target)
    steps = (Step(None, pair.guids(pair.source)[0]),)
    assert code(pair, steps=steps).code == "E_TARGET_UNMANAGED"
    assert pair.guids(pair.target) == []


def test_an_inherited_marker_does_not_make_a_target_ours(pair: Pair) -> None:
    pair.snapshot("a")
    sh("zfs", "create", pair.target)
    sh("zfs", "set", "zfs-sync:group=g", pair.target)
    sh("zfs", "create", f"{pair.target}/child")
    child = Pair(pair.zfs, pair.state, pair.source, f"{pair.target}/child")
    assert code(child, steps=(Step(None, pair.guids(pair.source)[0]),)).code == "E_TARGET_UNMANAGED"


def test_a_replica_of_somebody_else_is_refused_and_the_hint_hands_it_over(pair: Pair) -> None:
    pair.snapshot("a")
    sh("sh", "-c", f"zfs send {pair.source}@a | zfs receive -u {pair.target}")
    base = pair.guids(pair.source)[0]
    pair.snapshot("b")
    steps = (Step(base, pair.guids(pair.source)[-1]),)
    error = code(pair, steps=steps)
    assert error.code == "E_TARGET_UNMANAGED"
    sh("sh", "-c", error.hint.rpartition(": ")[2])
    assert pair.sync(steps=steps).snapshots == 1


def test_a_diverged_target_is_untouched_and_the_guids_prove_it(pair: Pair) -> None:
    pair.snapshot("a")
    pair.sync()
    steps = (Step(pair.guids(pair.source)[0], 0),)
    sh("zfs", "snapshot", f"{pair.target}@mine")
    pair.snapshot("b")
    error = code(pair, steps=(Step(steps[0].base_guid, pair.guids(pair.source)[-1]),))
    assert error.code == "E_DIVERGED"
    for guid in (pair.guids(pair.source)[0], pair.guids(pair.source)[1], pair.guids(pair.target)[1]):
        assert str(guid) in error.message
    assert error.hint.endswith(f"zfs rollback -r {pair.target}@a")
    assert len(pair.guids(pair.target)) == 2


def test_a_plan_from_yesterday_goes_on_from_where_the_target_is(pair: Pair) -> None:
    pair.snapshot("a")
    pair.sync()
    base = pair.guids(pair.source)[0]
    pair.snapshot("b")
    pair.sync()
    pair.snapshot("c")
    moved = pair.sync(steps=(Step(base, pair.guids(pair.source)[-1]),))
    assert moved.snapshots == 1


def test_a_snapshot_that_is_gone_is_said_to_be(pair: Pair) -> None:
    pair.snapshot("a")
    pair.sync()
    assert code(pair, steps=(Step(pair.guids(pair.source)[0], 12345),)).code == "E_SOURCE_GONE"
    pair.source = "alpha/none"
    assert code(pair, steps=(Step(None, 1),)).code == "E_SOURCE_GONE"


def test_no_room_is_said_to_be(make_pair: Callable[[str], Pair]) -> None:
    pair = make_pair("big")
    pair.snapshot("a")
    pair.sync()
    sh("zfs", "set", "quota=4M", pair.target)
    pair.fill("f", 16)
    pair.snapshot("b")
    assert code(pair).code == "E_SPACE"
    sh("zfs", "set", "quota=none", pair.target)
    pair.sync()


def test_a_dataset_outside_the_allow_list_is_not_even_looked_at(pair: Pair) -> None:
    def allow(dataset: str) -> None:
        raise ZfsSyncError("E_NOT_ALLOWED_HERE", dataset)

    from zfs_sync.engine.receiving import Job

    with pytest.raises(ZfsSyncError) as caught:
        pair.receiver.run(
            Job(pair.edge, "g", pair.target, ()),
            pair.feeder(),
            allow=allow,
            on_progress=pair.seen.append,
            cancelled=pair.cancelled,
        )
    assert caught.value.code == "E_NOT_ALLOWED_HERE"
    assert not pair.state.exists()
