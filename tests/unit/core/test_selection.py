# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""What a selection leaves out."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zfs_sync.core.graph import Snapshot
from zfs_sync.core.selection import EVERYTHING, Selection, check_dataset_pattern, check_label_pattern


@pytest.mark.parametrize(
    ("pattern", "left_out", "kept"),
    [
        ("cache", ["cache", "a/cache", "a/b/cache", "cache/x", "a/cache/x/y"], ["caches", "a/my cache", "a"]),
        ("**/cache", ["cache", "a/cache", "a/b/cache", "cache/x"], ["caches", "a/mycache"]),
        ("/cache", ["cache", "cache/x"], ["a/cache", "caches"]),
        ("tmp/*", ["tmp/a", "tmp/a/b"], ["tmp", "a/tmp/b"]),
        ("tmp/**", ["tmp/a", "tmp/a/b"], ["tmp", "a/tmp/b"]),
        ("a/**/z", ["a/z", "a/b/z", "a/b/c/z", "a/b/z/below"], ["z", "b/a/z", "a/b"]),
        ("a/b", ["a/b", "a/b/c"], ["x/a/b", "a", "b"]),
        ("**", ["a", "a/b"], [""]),
        ("*", ["a", "a/b"], [""]),
        ("vm-[0-9]?", ["vm-10", "x/vm-99/disk"], ["vm-1", "vm-a1", "vm-100"]),
        ("[!a]*", ["b", "a/b"], ["a", "a/a"]),
        ("**/x/**", ["x/a", "a/x/b/c"], ["x", "a/x"]),
        ("old stuff", ["old stuff", "a/old stuff"], ["old", "stuff"]),
    ],
)
def test_a_pattern_leaves_out_what_it_matches_and_all_below(pattern: str, left_out: list[str], kept: list[str]) -> None:
    assert check_dataset_pattern(pattern) == pattern
    selection = Selection(exclude=(pattern,))
    assert [each for each in left_out if selection.covers(each)] == []
    assert [each for each in kept if not selection.covers(each)] == []


def test_any_of_several_patterns_leaves_out() -> None:
    selection = Selection(exclude=("**/cache", "tmp/*"))
    assert [each for each in ("", "a", "a/cache", "tmp", "tmp/x") if selection.covers(each)] == ["", "a", "tmp"]


def test_the_root_is_left_out_by_name_only() -> None:
    assert EVERYTHING.covers("")
    assert Selection(exclude=("**",)).covers("")
    assert not Selection(include_root=False).covers("")
    assert Selection(include_root=False).covers("a")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "there is a name"),
        ("/", "there is a name"),
        ("a/", "behind the last"),
        ("a//b", "between slashes"),
        ("!a", "taken back"),
        ("a/!b", "taken back"),
        ("a**", "stands alone"),
        ("***", "stands alone"),
        ("a@b", "letters, digits"),
        ("a\nb", "letters, digits"),
        ("[ab", "letters, digits"),
        ("a]", "letters, digits"),
        ("ü", "letters, digits"),
        ("x" * 256, "255 bytes"),
    ],
)
def test_what_is_no_pattern_on_datasets_is_refused(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        check_dataset_pattern(text)


@pytest.mark.parametrize("text", ["", "a/b", "!a", "a@b", "[a", "x" * 256])
def test_what_is_no_pattern_on_labels_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a pattern"):
        check_label_pattern(text)


def test_labels_are_taken_where_one_includes_and_none_excludes() -> None:
    selection = Selection(snapshots_include=("auto-*", "manual"), snapshots_exclude=("*-frequent",))
    labels = ["auto-1", "auto-1-frequent", "manual", "manual2", "scratch"]
    assert [each for each in labels if selection.takes(each)] == ["auto-1", "manual"]
    assert check_label_pattern("auto-[0-9]*") == "auto-[0-9]*"
    snapshots = [Snapshot(place, place, label) for place, label in enumerate(labels)]
    assert [each.name for each in selection.of(snapshots)] == ["auto-1", "manual"]
    assert EVERYTHING.of(snapshots) == tuple(snapshots)


def test_a_hostile_pattern_is_answered_at_once() -> None:
    selection = Selection(
        exclude=("/".join(["**"] * 80) + "/no", "*a" * 120 + "b"), snapshots_exclude=("*a" * 120 + "b",)
    )
    began = time.monotonic()
    assert selection.covers("/".join("a" * 127))
    assert selection.covers("a" * 255)
    assert selection.takes("a" * 255)
    assert time.monotonic() - began < 2


level = st.text("ab*?", min_size=1, max_size=3).filter(lambda text: "**" not in text) | st.just("**")
name = st.text("ab", min_size=1, max_size=3)


@given(st.lists(level, min_size=1, max_size=4), st.lists(name, min_size=1, max_size=5))
def test_matching_is_what_the_equivalent_regular_expression_says(levels: list[str], path: list[str]) -> None:
    """The rule as one expression, which would be slow for a hostile pattern."""
    pattern = "/" + "/".join(levels)
    steps = [*levels, "*"] if levels[-1] == "**" else levels
    expressions = ["(?:[^/]+/)*" if each == "**" else each.replace("*", "[^/]*").replace("?", "[^/]") for each in steps]
    whole = "".join(each if each.endswith(")*") else each + "/" for each in expressions)
    expected = any(re.fullmatch(whole, "/".join(path[:count]) + "/") for count in range(1, len(path) + 1))
    assert Selection(exclude=(pattern,)).covers("/".join(path)) == (not expected)
