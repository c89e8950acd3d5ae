# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Reported snapshots, listed in the order of history and compared by GUID, whatever their names are."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text

from tests.unit.witness.conftest import Api
from tests.unit.witness.documents import fleet
from tests.unit.witness.hosts import dataset, full
from tests.unit.witness.test_problems import assert_problem
from zfs_sync.witness.db.database import Database

LIST = "/api/v1/snapshots"
COMPARE = "/api/v1/snapshots/compare"
Report = Callable[..., None]
BIG = 2**64 - 1


@pytest.fixture
def report(operator: Api, agent_of: Callable[[str], Api]) -> Report:
    document = fleet({"nas1": {}, "nas2": {}, "nas3": {}})
    assert operator.post("/api/v1/fleet/apply", {"fleet": document}).status_code == 200
    agents = {name: agent_of(name) for name in ("nas1", "nas2", "nas3")}

    def send(system: str, *datasets: dict[str, Any]) -> None:
        answer = agents[system].post(f"/api/v1/systems/{system}/reports", full(*datasets))
        assert answer.status_code == 200, answer.text

    return send


def named(path: str, *snapshots: tuple[int, int, str]) -> dict[str, Any]:
    """A dataset with snapshots of these GUIDs, transaction groups and names."""
    add = [{"guid": str(guid), "createtxg": str(txg), "name": name} for guid, txg, name in snapshots]
    return dataset(path) | {"add": add}


def listed(api: Api, **search: Any) -> list[tuple[str, str, str]]:
    answer = api.get(LIST, params=search)
    assert answer.status_code == 200, answer.text
    return [(each["system"], each["dataset"], each["guid"]) for each in answer.json()["items"]]


def test_snapshots_come_by_system_and_dataset_in_the_order_of_history(report: Report, viewer: Api) -> None:
    report("nas2", named("backup/photos", (BIG, 7, "b"), (5, 9, "a")))
    report("nas1", named("tank/photos", (5, 200, "a"), (BIG, 100, "z")), named("tank/a b", (8, 1, "x")))
    assert listed(viewer) == [
        ("nas1", "tank/a b", "8"),
        ("nas1", "tank/photos", str(BIG)),
        ("nas1", "tank/photos", "5"),
        ("nas2", "backup/photos", str(BIG)),
        ("nas2", "backup/photos", "5"),
    ]
    assert listed(viewer, system="nas2", dataset="backup/photos") == listed(viewer)[3:]
    assert listed(viewer, dataset="tank/a b") == listed(viewer)[:1]
    assert listed(viewer, guid=str(BIG)) == [listed(viewer)[1], listed(viewer)[3]]
    assert listed(viewer, system="nas9") == []


def test_a_snapshot_says_when_it_was_made_and_first_seen(report: Report, viewer: Api) -> None:
    made = named("tank/photos", (1, 10, "s1"), (2, 20, "s2"))
    made["add"][0]["creation"] = 1_700_000_000
    report("nas1", made)
    first, second = viewer.get(LIST).json()["items"]
    assert first == {
        "system": "nas1",
        "dataset": "tank/photos",
        "guid": "1",
        "createtxg": "10",
        "name": "s1",
        "created": "2023-11-14T22:13:20Z",
        "seen": "2026-11-24T08:00:00Z",
    }
    assert second["created"] is None


@pytest.mark.parametrize("limit", [1, 2, 3, 7])
def test_pages_hold_every_snapshot_once(report: Report, viewer: Api, limit: int) -> None:
    report("nas1", dataset("tank/photos", *range(1, 8)), dataset("tank/empty"), dataset("tank/z", 50, 51))
    report("nas2", *(dataset(f"backup/d{number:03}", 1000 + number) for number in range(120)))
    whole = listed(viewer, limit=1000)
    assert len(whole) == 129
    found: list[tuple[str, str, str]] = []
    after = None
    for _ in range(130):
        body = viewer.get(LIST, params={"limit": limit} | ({"after": after} if after else {})).json()
        found += [(each["system"], each["dataset"], each["guid"]) for each in body["items"]]
        assert len(body["items"]) <= limit
        if (after := body["next"]) is None:
            break
    assert found == whole


@pytest.mark.parametrize(
    "search",
    [{"guid": "x"}, {"guid": str(2**64)}, {"after": "x"}, {"after": "WzEsMl0"}, {"after": "W1tb"}, {"limit": "0"}],
)
def test_a_search_that_means_nothing_is_refused(viewer: Api, search: dict[str, str]) -> None:
    body = assert_problem(viewer.get(LIST, params=search), 422, "E_VALIDATION")
    assert body["errors"][0]["pointer"] == f"/query/{next(iter(search))}"


def test_one_guid_is_looked_up_by_keys(database: Database) -> None:
    wanted = "id IN (SELECT dataset_id FROM snapshots WHERE dataset_id = datasets.id AND guid = 5)"
    plan = text(f"EXPLAIN QUERY PLAN SELECT id FROM datasets WHERE {wanted} ORDER BY system, path LIMIT 100")
    steps = [row.detail for row in database.read(lambda each: each.execute(plan).all())]
    assert "SEARCH snapshots USING PRIMARY KEY (dataset_id=? AND guid=?)" in steps


def compared(api: Api, **asked: Any) -> dict[str, Any]:
    answer = api.get(COMPARE, params=asked)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def lacks(member: dict[str, Any]) -> dict[str, list[str]]:
    return {each["system"]: [snapshot["guid"] for snapshot in each["snapshots"]] for each in member["lacks"]}


def test_each_lacks_what_the_other_has_by_guid_and_not_by_name(report: Report, viewer: Api) -> None:
    report("nas1", named("tank/photos", (1, 10, "daily"), (2, 20, "b"), (3, 15, "c"), (4, 40, "d")))
    report("nas2", named("backup/photos", (9, 5, "daily"), (1, 3, "renamed"), (3, 4, "c")))
    body = compared(viewer, member=["nas1:tank/photos", "nas2:backup/photos"])
    source, target = body["members"]
    assert body["identical"] is False
    assert lacks(source) == {"nas2": ["9"]}
    assert lacks(target) == {"nas1": ["2", "4"]}
    assert target["lacks"][0]["common"] == {"guid": "3", "name": "c"}
    assert (target["count"], target["oldest"]["guid"], target["head"]["guid"]) == (3, "1", "9")


def test_a_gap_is_what_no_later_sync_brings(report: Report, viewer: Api) -> None:
    report("nas1", dataset("tank/photos", 1, 2, 3, 4, 5))
    report("nas2", dataset("backup/photos", 1, 4))
    _, target = compared(viewer, member=["nas1:tank/photos", "nas2:backup/photos"])["members"]
    (found,) = target["lacks"]
    assert (found["count"], found["gaps"]) == (3, 2)


def test_equal_datasets_are_identical_whatever_their_order_and_names(report: Report, viewer: Api) -> None:
    report("nas1", named("tank/photos", (1, 10, "a"), (2, 20, "b")))
    report("nas2", named("backup/photos", (2, 8, "x"), (1, 7, "y")))
    body = compared(viewer, group="photos")
    assert body["identical"] is True
    assert [each["lacks"] for each in body["members"]] == [[], []]


def test_a_group_is_compared_across_its_members(report: Report, viewer: Api, operator: Api) -> None:
    third = {"system": "nas3", "dataset": "safe/photos", "role": "target"}
    members = operator.get("/api/v1/sync-groups/photos").json()["members"]
    operator.put("/api/v1/sync-groups/photos?owner=ansible/site", {"members": [*members, third]})
    report("nas1", dataset("tank/photos", 1), dataset("tank/photos/raw", 7, 8))
    report("nas2", dataset("backup/photos", 1), dataset("backup/photos/raw", 7))
    report("nas3", dataset("safe/photos", 1))
    body = compared(viewer, group="photos", relative="raw")
    assert [(each["system"], each["dataset"], each["reported"]) for each in body["members"]] == [
        ("nas1", "tank/photos/raw", True),
        ("nas2", "backup/photos/raw", True),
        ("nas3", "safe/photos/raw", False),
    ]
    assert [lacks(each) for each in body["members"]] == [{}, {"nas1": ["8"]}, {"nas1": ["7", "8"], "nas2": ["7"]}]
    assert compared(viewer, group="photos", relative="nothing")["identical"] is False


def test_no_more_are_named_than_asked_for_and_all_are_counted(report: Report, viewer: Api) -> None:
    report("nas1", dataset("tank/photos", *range(1, 301)))
    report("nas2", dataset("backup/photos", 1))
    _, target = compared(viewer, group="photos")["members"][::-1]
    source, target = compared(viewer, group="photos", limit=2)["members"][::-1]
    found = {each["system"]: each for each in (source, target)}["nas2"]["lacks"][0]
    assert (found["count"], [each["guid"] for each in found["snapshots"]]) == (299, ["2", "3"])


@pytest.mark.parametrize(
    ("asked", "pointer"),
    [
        ({}, "/query/member"),
        ({"member": ["nas1:tank/photos"]}, "/query/member"),
        ({"member": ["nas1:tank/photos", "nas1:tank/photos"]}, "/query/member"),
        ({"member": ["nas1:tank/photos", "nas2"]}, "/query/member/1"),
        ({"member": ["nas1:tank/photos", "NAS2:x"]}, "/query/member/1"),
        ({"member": ["nas1:tank/photos", "nas2:x"], "group": "photos"}, "/query/member"),
        ({"member": ["nas1:tank/photos", "nas2:x"], "relative": "raw"}, "/query/relative"),
        ({"group": "photos", "relative": "../x"}, "/query/relative"),
        ({"member": [f"nas1:tank/d{number}" for number in range(21)]}, "/query/member"),
    ],
)
def test_a_comparison_that_means_nothing_is_refused(viewer: Api, asked: dict[str, Any], pointer: str) -> None:
    body = assert_problem(viewer.get(COMPARE, params=asked), 422, "E_VALIDATION")
    assert pointer in [each["pointer"] for each in body["errors"]]


def test_an_unknown_group_is_none(viewer: Api) -> None:
    assert_problem(viewer.get(COMPARE, params={"group": "nothing"}), 404, "E_SYNC_GROUP_NOT_FOUND")
