# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Holds: the new one before the old one goes, shared by edges that share a tag, and given back when an edge is gone."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.engine.conftest import ASKED, listed, look
from tests.unit.zfs.program import Program
from zfs_sync.core.graph import DatasetView, Snapshot
from zfs_sync.engine import state
from zfs_sync.engine.continuity import Held, Holds, source_tag, target_tag
from zfs_sync.zfs import commands
from zfs_sync.zfs.host import Zfs

TAG = source_tag("g", "nas2")
TANK = DatasetView("tank", 9, tuple(Snapshot(guid, guid, f"s{guid}") for guid in (1, 2, 3)))
OLD = replace(TANK, path="tank/old")
"""The same dataset before it was renamed."""


@pytest.fixture(autouse=True)
def recorded(program: Program) -> None:
    program.say(look("tank"), listed("tank", 1, 2, 3))
    program.say(commands.hold(TAG, "tank/old", "s1"))
    program.say(commands.list_pools(), "tank\t7\tONLINE\n")
    for label in ("s1", "s2", "s3"):
        program.say(commands.hold(TAG, "tank", label))
        program.say(commands.release(TAG, "tank", label))


def changes(program: Program) -> list[str]:
    asked = [line.split() for line in program.asked]
    return [f"{words[1]} {words[-1].rpartition('@')[2]}" for words in asked if words[1] in ("hold", "release")]


def moved(program: Program) -> None:
    """tank/old is gone, and tank has its snapshots."""
    program.say(look("tank/old"), stderr="cannot open 'tank/old': dataset does not exist\n", status=1)
    program.say(commands.get(ASKED, ["tank"], depth=None), listed("tank", 1, 2, 3))


def test_each_end_has_a_tag_of_its_own() -> None:
    assert (target_tag("g"), TAG) == ("zfs-sync:g", "zfs-sync:g:nas2")


def test_the_new_hold_comes_before_the_old_one_goes(holds: Holds, program: Program) -> None:
    holds.keep("e", TAG, TANK, [1])
    holds.keep("e", TAG, TANK, [2])
    assert changes(program) == ["hold s1", "hold s2", "release s1"]


def test_a_hold_that_another_edge_needs_stays(holds: Holds, program: Program) -> None:
    holds.keep("e", TAG, TANK, [1])
    holds.keep("f", TAG, TANK, [1])
    holds.keep("e", TAG, TANK, [2])
    assert "release s1" not in changes(program)
    holds.only(["e"])
    assert changes(program)[-1] == "release s1"


def test_what_is_gone_from_the_fleet_is_given_back_once(holds: Holds, program: Program, folder: Path) -> None:
    holds.keep("e", TAG, TANK, [1, 2])
    holds.only(["e"])
    assert changes(program) == ["hold s1", "hold s2"]
    holds.only([])
    holds.only([])
    assert changes(program)[2:] == ["release s1", "release s2"]
    assert list(state.read_all(folder / "holds")) == []


def test_holds_of_a_dataset_that_is_destroyed_are_forgotten(holds: Holds, program: Program, folder: Path) -> None:
    holds.keep("e", TAG, OLD, [1])
    moved(program)
    holds.keep("e", TAG, TANK, [1])
    holds.only([])
    assert changes(program) == ["hold s1", "hold s1", "release s1"]
    assert list(state.read_all(folder / "holds")) == []


def test_holds_of_a_dataset_that_was_renamed_are_given_back_where_it_is_now(
    holds: Holds, program: Program, folder: Path
) -> None:
    holds.keep("e", TAG, OLD, [1])
    moved(program)
    assert holds.listed() == (Held("tank", 1, "s1", TAG, ("e",)),)
    holds.only([])
    assert program.asked[-1].endswith(f"release {TAG} tank@s1")
    assert list(state.read_all(folder / "holds")) == []


def test_holds_in_a_pool_that_is_not_imported_wait_for_it(holds: Holds, program: Program) -> None:
    holds.keep("e", TAG, TANK, [1])
    program.say(look("tank"), stderr="cannot open 'tank': dataset does not exist\n", status=1)
    program.say(commands.list_pools(), "other\t7\tONLINE\n")
    holds.only([])
    assert holds.listed() == (Held("tank", 1, None, TAG, ("e",)),)
    program.say(look("tank"), listed("tank", 1, 2, 3))
    holds.only([])
    assert changes(program) == ["hold s1", "release s1"]
    assert holds.listed() == ()


def test_what_is_held_is_listed_with_whose_base_it_is(holds: Holds, program: Program) -> None:
    holds.keep("e", TAG, TANK, [1])
    holds.keep("f", TAG, TANK, [1, 4])
    assert holds.listed() == (Held("tank", 1, "s1", TAG, ("e", "f")), Held("tank", 4, None, TAG, ("f",)))


def test_a_crash_before_a_hold_leaves_a_record_of_it(holds: Holds, program: Program) -> None:
    """What is recorded and not held is given back in vain; what is held and not recorded would stay for ever."""
    program.say(commands.hold(TAG, "tank", "s2"), stderr="cannot hold: I/O error\n", status=1)
    holds.keep("e", TAG, TANK, [1])
    with pytest.raises(Exception, match="I/O error"):
        holds.keep("e", TAG, TANK, [2])
    holds.only([])
    assert changes(program)[-2:] == ["release s1", "release s2"]


def test_a_dataset_that_its_edge_carries_no_more_is_not_held(holds: Holds, program: Program) -> None:
    holds.keep("e", TAG, TANK, [1])
    assert holds.only(["e"], carries=lambda edge, dataset: (edge, dataset) == ("e", "tank"))
    assert changes(program) == ["hold s1"]
    assert holds.only(["e"], carries=lambda *_: False)
    assert changes(program) == ["hold s1", "release s1"]


def test_without_holds_nothing_is_held(zfs: Zfs, program: Program, folder: Path) -> None:
    zfs.capabilities = replace(zfs.capabilities, holds=False)
    Holds(zfs, folder).keep("e", TAG, TANK, [1])
    assert program.asked == []


def test_a_record_that_is_none_is_not_guessed_at(holds: Holds, folder: Path) -> None:
    state.write(folder / "holds" / "x.json", {"tag": TAG, "dataset": "tank", "edges": 7})
    with pytest.raises(TypeError):
        holds.only([])


def test_what_an_heir_needs_stays_held_until_it_holds_something_itself(holds: Holds, program: Program) -> None:
    holds.keep("g:nas2:a", TAG, TANK, [1])

    def heirs(edge: str, dataset: str) -> list[str]:
        return ["g:munich:a"] if (edge, dataset) == ("g:nas2:a", "tank") else []

    assert not holds.only(["g:munich:a"], heirs)
    assert changes(program) == ["hold s1"]
    holds.keep("g:munich:a", TAG, TANK, [2])
    assert holds.only(["g:munich:a"], heirs)
    assert changes(program) == ["hold s1", "hold s2", "release s1"]
