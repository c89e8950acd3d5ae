# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0

import pytest

from zfs_sync.core.edges import Edge, Member, edges_of, member_faults
from zfs_sync.core.selection import Selection

SOURCE = Member("nas1", "tank/photos", "source")
NAS2 = Member("nas2", "backup/photos", "target")
VAULT = Member("vault", "safe/photos", "target", "nas2")


def test_each_target_has_one_edge_from_its_feeder() -> None:
    assert edges_of("photos", [VAULT, NAS2, SOURCE]) == (
        Edge("photos", "nas2", "backup/photos", "vault", "safe/photos", True),
        Edge("photos", "nas1", "tank/photos", "nas2", "backup/photos", True),
    )


def test_an_edge_is_named_by_its_target() -> None:
    (edge,) = edges_of("copy", [SOURCE, Member("nas1", "backup/vm images", "target")], recursive=False)
    assert edge.id == "copy:nas1:backup/vm images"
    assert edge.local
    assert not edge.recursive


def test_a_feeder_with_two_datasets_has_to_be_named_whole() -> None:
    second = Member("nas2", "other/photos", "target")
    faults = member_faults([SOURCE, NAS2, second, VAULT])
    assert [fault.index for fault in faults] == [3]
    assert "'nas2:backup/photos' or 'nas2:other/photos'" in faults[0].message
    exact = Member("vault", "safe/photos", "target", "nas2:other/photos")
    assert edges_of("g", [SOURCE, NAS2, second, exact])[2].from_root == "other/photos"


@pytest.mark.parametrize(
    ("members", "sentences"),
    [
        ([], ["exactly one member with role source", "at least one member with role target"]),
        ([SOURCE], ["at least one member with role target"]),
        ([SOURCE, Member("nas2", "t", "source"), NAS2], ["another one"]),
        ([SOURCE, NAS2, NAS2], ["is a member already"]),
        ([SOURCE, Member("a", "t", "target", "b")], ["'b' is no other member"]),
        ([Member("nas1", "t", "source", "nas2"), NAS2], ["a source is fed by no other member"]),
        ([SOURCE, Member("a", "t", "target", "b"), Member("b", "t", "target", "a")], ["circle", "circle"]),
    ],
)
def test_all_faults_are_said_at_once(members, sentences) -> None:
    messages = [fault.message for fault in member_faults(members)]
    assert len(messages) == len(sentences)
    assert all(part in message for part, message in zip(sentences, messages, strict=True))
    with pytest.raises(ValueError, match=r"."):
        edges_of("g", members)


def test_a_target_behind_a_circle_is_not_blamed() -> None:
    members = [
        SOURCE,
        Member("a", "t", "target", "b"),
        Member("b", "t", "target", "a"),
        Member("c", "t", "target", "a"),
    ]
    assert [fault.index for fault in member_faults(members)] == [1, 2]


def test_an_edge_covers_its_root_and_what_the_group_takes_of_the_rest() -> None:
    members = [SOURCE, Member("nas2", "backup/photos", "target")]
    (edge,) = edges_of("photos", members, selection=Selection(exclude=("cache",), include_root=False))
    assert [each for each in ("", "a", "cache", "a/cache") if edge.covers(each)] == ["a"]
    (alone,) = edges_of("photos", members, recursive=False)
    assert [each for each in ("", "a") if alone.covers(each)] == [""]


PEERS = [Member(name, "tank/x", "peer") for name in ("a", "b", "c")]


def test_peers_have_an_edge_each_way_between_each_two() -> None:
    edges = edges_of("g", PEERS, direction="push")
    assert len({edge.id for edge in edges}) == 6
    assert all(edge.peers for edge in edges)
    assert {(edge.from_system, edge.to_system, edge.runner) for edge in edges if edge.to_system == "a"} == {
        ("b", "a", "b"),
        ("c", "a", "c"),
    }
    assert edges[0].id == "g:a:tank/x<b"


def test_an_edge_of_peers_names_the_dataset_where_the_system_does_not_tell() -> None:
    edges = edges_of("g", [*PEERS[:1], Member("b", "x", "peer"), Member("b", "y", "peer")])
    assert {"g:a:tank/x<b:x", "g:a:tank/x<b:y", "g:b:x<a", "g:b:x<b:y"} <= {edge.id for edge in edges}


def test_an_edge_of_peers_with_the_longest_names_has_an_id_that_fits() -> None:
    members = [Member(letter * 63, letter * 255, "peer") for letter in "ab"]
    first, second = (edge.id for edge in edges_of("g" * 63, [*members, Member("a" * 63, "c", "peer")])[:2])
    assert len(first) == len(second) == 400
    assert first != second


@pytest.mark.parametrize(
    ("members", "sentences"),
    [
        (PEERS[:1], ["at least two members with role peer"]),
        ([*PEERS, NAS2], ["never both"]),
        ([SOURCE, *PEERS[:1]], ["never both", "at least two"]),
        ([*PEERS[:1], Member("b", "tank/x", "peer", "a")], ["follows whichever peer is ahead"]),
    ],
)
def test_what_keeps_peers_from_being_peers(members, sentences) -> None:
    messages = [fault.message for fault in member_faults(members)]
    assert len(messages) == len(sentences)
    assert all(part in message for part, message in zip(sentences, messages, strict=True))


def test_who_connects_runs_the_jobs() -> None:
    assert [edges_of("g", [SOURCE, NAS2], direction=each)[0].runner for each in ("pull", "push")] == ["nas2", "nas1"]
