# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""What is said of a dataset that was renamed, and what to do about it."""

import pytest

from zfs_sync.core.edges import Edge
from zfs_sync.core.errors import CATALOGUE
from zfs_sync.core.planner import ACTIONABLE, ERROR_CODES, Outcome
from zfs_sync.core.renames import RENAMED, Rename, advice, source_renamed, target_renamed

EDGE = Edge("photos", "nas1", "tank/photos", "nas2", "backup/photos", True)


@pytest.mark.parametrize(
    ("was", "now", "gone", "whole"),
    [
        ("t/a", "t/b", {"t/a"}, ("t/a", "t/b")),
        ("t/a/x/y", "t/b/x/y", {"t/a/x/y", "t/a/x", "t/a"}, ("t/a", "t/b")),
        ("t/a/x", "t/b/x", {"t/a/x"}, ("t/a/x", "t/b/x")),
        ("t/x", "other/x", {"t/x", "t"}, ("t", "other")),
        ("t", "other", {"t"}, ("t", "other")),
        ("t/x", "x", {"t/x", "t"}, ("t/x", "x")),
        ("x", "t/x", {"x"}, ("x", "t/x")),
    ],
)
def test_children_that_moved_along_are_told_by_the_dataset_that_moved(
    was: str, now: str, gone: set[str], whole: tuple[str, str]
) -> None:
    found = Rename(7, was, now).whole(lambda path: path not in gone)
    assert (found.guid, found.was, found.now) == (7, *whole)


def of_source(was: str, now: str) -> str:
    rename = Rename(7, was, now)
    verdict = source_renamed(rename, rename)
    assert verdict.message.startswith(f"{was} is {now} now (its GUID is 7):")
    return advice(Outcome.SOURCE_RENAMED, EDGE, verdict.evidence)


def of_target(was: str, now: str) -> str:
    rename = Rename(7, was, now)
    verdict = target_renamed(rename, rename)
    assert (verdict.outcome, verdict.evidence["dataset_guid"]) == (Outcome.TARGET_RENAMED, "7")
    return advice(Outcome.TARGET_RENAMED, EDGE, verdict.evidence)


def test_a_root_is_declared_where_it_is_or_renamed_back() -> None:
    assert of_source("tank/photos", "tank/my pics") == (
        "Declare dataset tank/my pics for nas1, or run on nas1: zfs rename 'tank/my pics' tank/photos"
    )
    assert "Declare dataset tank2/photos for nas1" in of_source("tank", "tank2")
    assert of_target("backup/photos", "backup/pics") == (
        "Declare dataset backup/pics for nas2, or run on nas2: zfs rename backup/pics backup/photos;"
        " to receive it anew, run there: zfs inherit zfs-sync:group backup/pics"
    )


def test_the_copy_of_a_child_follows_by_hand() -> None:
    assert of_source("tank/photos/a", "tank/photos/b c") == (
        "To let the copy follow, run on nas2: zfs rename backup/photos/a 'backup/photos/b c'; to keep the copy as it is"
        " and let it go, run there: zfs inherit -r zfs-sync:group backup/photos/a"
    )
    outside = of_source("tank/photos/a", "tank/other")
    assert outside.startswith(
        "It is outside of the group. Run on nas1: zfs rename tank/other tank/photos/a; or on nas2,"
    )
    assert of_target("backup/photos/a", "backup/photos/b").startswith(
        "Run on nas2: zfs rename backup/photos/b backup/photos/a; to receive it anew"
    )


def test_evidence_of_something_else_has_no_advice() -> None:
    with pytest.raises(TypeError, match="names no rename"):
        advice(Outcome.SOURCE_RENAMED, EDGE, {"renamed": None, "now": "x"})


def test_a_rename_is_for_a_person_and_has_a_page() -> None:
    assert not RENAMED & ACTIONABLE
    assert {ERROR_CODES[each] for each in RENAMED} <= CATALOGUE.keys()
