# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Datasets that were renamed on either side: seen by their GUID, not sent anew by themselves, settled by a person."""

from typing import Any

import pytest

from tests.unit.witness.conftest import Api
from tests.unit.witness.documents import MEMBERS, fleet
from tests.unit.witness.hosts import dataset, delta, full
from tests.unit.witness.test_fleet_apply import apply
from tests.unit.witness.test_work import nas1, nas2, report, row, work

__all__ = ["nas1", "nas2"]


def kept(path: str, guid: int, marker: str | None = None) -> dict[str, Any]:
    """A dataset with a GUID of its own, which stays with it under another name, and a snapshot."""
    return {**dataset(path, guid, marker=marker), "guid": str(guid if marker is None else 1000 + guid)}


def outcomes(viewer: Api) -> dict[str, str]:
    return {each["relative"]: each["outcome"] for each in viewer.get("/api/v1/status").json()["items"]}


@pytest.fixture
def synced(nas1: Api, nas2: Api, viewer: Api) -> tuple[str, str]:
    """Group photos with children a, a/x and b, in sync; the generations of both hosts."""
    places = ("", "/a", "/a/x", "/b")
    first = report(nas1, "nas1", full(*(kept(f"tank/photos{each}", place) for place, each in enumerate(places, 1))))
    copies = (kept(f"backup/photos{each}", place, "photos") for place, each in enumerate(places, 1))
    second = report(nas2, "nas2", full(*copies))
    assert set(outcomes(viewer).values()) == {"IN_SYNC"}
    return first, second


def test_a_root_that_was_renamed_is_seen_and_followed_by_a_declaration(
    operator: Api, nas1: Api, nas2: Api, viewer: Api, synced: tuple[str, str]
) -> None:
    moved = (kept("tank/pics", 1), kept("tank/pics/a", 2), kept("tank/pics/a/x", 3), kept("tank/pics/b", 4))
    report(nas1, "nas1", full(*moved))
    assert set(outcomes(viewer).values()) == {"SOURCE_RENAMED"}
    found = row(viewer)
    assert (found["evidence"]["was"], found["evidence"]["now"]) == ("tank/photos", "tank/pics")
    assert found["evidence"]["dataset_guid"] == "1"
    assert found["error"]["code"] == "E_SOURCE_RENAMED"
    assert "tank/photos is tank/pics now (its GUID is 1)" in found["message"]
    assert found["error"]["hint"].startswith("Declare dataset tank/pics for nas1")
    assert row(viewer, "a/x")["error"]["hint"].startswith("Declare dataset tank/pics for nas1")
    assert work(nas2, "nas2")["jobs"] == []
    members = [{**MEMBERS[0], "dataset": "tank/pics"}, MEMBERS[1]]
    apply(operator, fleet(sync_groups={"photos": {"members": members}}))
    assert outcomes(viewer) == {"": "IN_SYNC", "a": "IN_SYNC", "a/x": "IN_SYNC", "b": "IN_SYNC"}


def test_a_root_that_turns_up_later_is_seen_then(nas1: Api, nas2: Api, viewer: Api, synced: tuple[str, str]) -> None:
    """The host's allow-list did not have its new path at first."""
    held = report(nas1, "nas1", full())
    assert outcomes(viewer) == {"": "UNREPORTED"}
    report(nas1, "nas1", delta(held, kept("tank/pics", 1)))
    assert outcomes(viewer) == {"": "SOURCE_RENAMED"}
    report(nas1, "nas1", full(kept("tank/photos", 1)))
    assert outcomes(viewer) == {"": "IN_SYNC"}


def renamed_child(nas1: Api, generation: str) -> str:
    moved = (kept("tank/photos/c", 2), kept("tank/photos/c/x", 3))
    return report(nas1, "nas1", delta(generation, *moved, gone=["tank/photos/a", "tank/photos/a/x"]))


def test_a_child_that_was_renamed_is_not_sent_anew_and_its_copy_follows_by_hand(
    nas1: Api, nas2: Api, viewer: Api, synced: tuple[str, str]
) -> None:
    renamed_child(nas1, synced[0])
    assert outcomes(viewer) == {
        "": "IN_SYNC", "b": "IN_SYNC", "a": "SOURCE_RENAMED", "a/x": "SOURCE_RENAMED", "c": "SOURCE_RENAMED",
        "c/x": "SOURCE_RENAMED",
    }  # fmt: skip
    for name in ("a", "a/x", "c", "c/x"):
        hint = row(viewer, name)["error"]["hint"]
        assert hint.startswith("To let the copy follow, run on nas2: zfs rename backup/photos/a backup/photos/c;")
    assert work(nas2, "nas2")["jobs"] == []
    followed = (kept("backup/photos/c", 2, "photos"), kept("backup/photos/c/x", 3, "photos"))
    report(nas2, "nas2", delta(synced[1], *followed, gone=["backup/photos/a", "backup/photos/a/x"]))
    assert outcomes(viewer) == {"": "IN_SYNC", "b": "IN_SYNC", "c": "IN_SYNC", "c/x": "IN_SYNC"}


def test_a_copy_that_is_let_go_makes_room_for_a_new_one(
    nas1: Api, nas2: Api, viewer: Api, synced: tuple[str, str]
) -> None:
    renamed_child(nas1, synced[0])
    let_go = [
        kept(f"backup/photos/a{below}", place) | {"guid": str(1000 + place)} for place, below in ((2, ""), (3, "/x"))
    ]
    report(nas2, "nas2", delta(synced[1], *let_go))
    assert outcomes(viewer) == {"": "IN_SYNC", "b": "IN_SYNC", "c": "INITIAL", "c/x": "BLOCKED_BY_PARENT"}
    assert [job["relative"] for job in work(nas2, "nas2")["jobs"]] == ["c"]


def test_a_child_that_left_the_tree_is_told_of_until_its_copy_is_decided_about(
    nas1: Api, nas2: Api, viewer: Api, synced: tuple[str, str]
) -> None:
    report(nas1, "nas1", delta(synced[0], kept("tank/b", 4), gone=["tank/photos/b"]))
    assert outcomes(viewer)["b"] == "SOURCE_RENAMED"
    assert row(viewer, "b")["error"]["hint"].startswith("It is outside of the group. Run on nas1: zfs rename tank/b")
    report(nas2, "nas2", delta(synced[1], gone=["backup/photos/b"]))
    assert "b" not in outcomes(viewer)


def test_a_child_that_was_destroyed_is_no_more(nas1: Api, viewer: Api, synced: tuple[str, str]) -> None:
    report(nas1, "nas1", delta(synced[0], gone=["tank/photos/b"]))
    assert "b" not in outcomes(viewer)


@pytest.mark.parametrize(("name", "place"), [("", 1), ("b", 4)])
def test_a_target_that_was_renamed_is_not_received_anew(
    nas1: Api, nas2: Api, viewer: Api, synced: tuple[str, str], name: str, place: int
) -> None:
    path = f"backup/photos/{name}" if name else "backup/photos"
    gone = [path] if name else [f"{path}{each}" for each in ("", "/a", "/a/x", "/b")]
    held = report(nas2, "nas2", delta(synced[1], kept("backup/pics", place, "photos"), gone=gone))
    found = row(viewer, name)
    assert found["outcome"] == "TARGET_RENAMED"
    assert f"{path} is backup/pics now (its GUID is {1000 + place})" in found["message"]
    assert found["error"]["code"] == "E_TARGET_RENAMED"
    assert f"zfs rename backup/pics {path}" in found["error"]["hint"]
    assert [job for job in work(nas2, "nas2")["jobs"] if job["relative"] == name] == []
    report(nas2, "nas2", delta(held, {**kept("backup/pics", place), "guid": str(1000 + place)}))
    assert row(viewer, name)["outcome"] == "INITIAL", "its mark was taken away: it is somebody's own"


def test_a_target_that_was_renamed_goes_on_where_it_is_declared(
    operator: Api, nas1: Api, nas2: Api, viewer: Api, synced: tuple[str, str]
) -> None:
    places = ("", "/a", "/a/x", "/b")
    report(nas2, "nas2", full(*(kept(f"backup/pics{each}", place, "photos") for place, each in enumerate(places, 1))))
    assert set(outcomes(viewer).values()) == {"TARGET_RENAMED"}
    apply(operator, fleet(sync_groups={"photos": {"members": [MEMBERS[0], {**MEMBERS[1], "dataset": "backup/pics"}]}}))
    assert set(outcomes(viewer).values()) == {"IN_SYNC"}


def test_a_child_whose_name_is_too_long_on_the_target_has_an_outcome_and_no_job(
    nas1: Api, nas2: Api, viewer: Api, synced: tuple[str, str]
) -> None:
    long = "y" * 240
    report(nas1, "nas1", delta(synced[0], kept(f"tank/photos/{long}", 9)))
    found = row(viewer, long)
    assert (found["outcome"], found["error"]["code"]) == ("NAME_TOO_LONG", "E_NAME_TOO_LONG")
    assert "ZFS allows 255" in found["message"]
    assert work(nas2, "nas2")["jobs"] == []
