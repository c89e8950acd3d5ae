# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Which roots get into each other's way, held against the definition by brute force."""

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from zfs_sync.core.names import is_inside
from zfs_sync.core.overlap import Root, overlaps

PATHS = ("t", "t/a", "t/a/b", "t/a-b", "t/ab", "u")


def root(group: str, dataset: str, *, target: bool, recursive: bool = True, system: str = "nas1") -> Root:
    return Root(group, 0, system, dataset, target, recursive)


ROOTS = st.builds(
    Root,
    group=st.sampled_from("abcd"),
    index=st.integers(0, 1),
    system=st.sampled_from(["nas1", "nas2"]),
    dataset=st.sampled_from(PATHS),
    target=st.booleans(),
    recursive=st.booleans(),
)


def in_the_way(one: Root, other: Root) -> bool:
    """The definition: same host, not two sources, and what one covers meets what the other covers."""
    if one.system != other.system or not (one.target or other.target):
        return False
    if one.dataset == other.dataset:
        return one.group != other.group
    inside = is_inside(one.dataset, other.dataset) and other.recursive
    return inside or (is_inside(other.dataset, one.dataset) and one.recursive)


@given(st.sets(ROOTS, max_size=8))
def test_the_pairs_found_are_those_of_the_definition(roots: set[Root]) -> None:
    found = {frozenset((each.inner, each.outer)) for each in overlaps(roots)}
    assert found == {frozenset(pair) for pair in combinations(roots, 2) if in_the_way(*pair)}


@given(st.sets(ROOTS, max_size=8))
def test_each_pair_is_found_once_a_target_first(roots: set[Root]) -> None:
    found = overlaps(roots)
    assert len({frozenset((each.inner, each.outer)) for each in found}) == len(found)
    assert all(each.roots[0].target for each in found)


def test_a_fault_can_be_told_at_either_end() -> None:
    target, source = root("a", "t/x", target=True), root("b", "t", target=False)
    (overlap,) = overlaps([source, target])
    assert overlap.roots == (target, source)
    assert overlap.sentence(target) == "a target must not lie inside the source nas1:t of group 'b'"
    assert overlap.sentence(source) == "a source must not lie above the target nas1:t/x of group 'a'"


def test_one_dataset_fed_twice_and_one_passed_on_are_told_apart() -> None:
    target, other, source = (root(group, "t", target=group != "c") for group in "abc")
    (twice,) = overlaps([target, other])
    assert "fed by one edge at most" in twice.sentence(target)
    (passed,) = overlaps([target, source])
    assert "use 'from'" in passed.sentence(source)


def test_a_peer_is_held_to_what_holds_for_targets_and_may_feed_another_group() -> None:
    peer = Root("g", 0, "nas1", "tank/x", target=True, recursive=True, peer=True)
    source = Root("h", 0, "nas1", "tank/x", target=False, recursive=True)
    target = Root("h", 1, "nas1", "tank/x/y", target=True, recursive=True)
    assert overlaps([peer, source]) == []
    (found,) = overlaps([peer, target])
    assert found.sentence(peer) == "a peer must not lie above the target nas1:tank/x/y of group 'h'"
    assert len(overlaps([peer, Root("h", 0, "nas1", "tank/x", target=True, recursive=False)])) == 1
