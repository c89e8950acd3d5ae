# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Who is behind: the worst first, page by page, and only the part of the fleet that was asked for."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.witness.conftest import Api, ManualClock
from tests.unit.witness.documents import MEMBERS, fleet
from tests.unit.witness.hosts import dataset, full
from tests.unit.witness.test_problems import assert_problem
from tests.unit.witness.test_work import nas1, nas2, report

__all__ = ["nas1", "nas2"]

STATUS = "/api/v1/status"
MUSIC = [
    {"system": "nas2", "dataset": "tank/music", "role": "source"},
    {"system": "nas3", "dataset": "backup/music", "role": "target"},
]


@pytest.fixture
def reported(operator: Api, agent_of: Callable[[str], Api]) -> None:
    """Of group photos one dataset is in sync, one behind and one diverged; group music is not reported whole."""
    groups = {"photos": {"members": MEMBERS}, "music": {"members": MUSIC}}
    systems: dict[str, Any] = {"nas1": {}, "nas2": {}, "nas3": {}, "spare": {}}
    assert operator.post("/api/v1/fleet/apply", {"fleet": fleet(systems, groups)}).status_code == 200
    source = [dataset(f"tank/photos{below}", 1, 2) for below in ("", "/a", "/b")]
    target = [
        dataset("backup/photos", 1, 2, marker="photos"),
        dataset("backup/photos/a", 1, marker="photos"),
        dataset("backup/photos/b", 1, 9, marker="photos"),
    ]
    agent_of("nas1").post("/api/v1/systems/nas1/reports", full(*source))
    agent_of("nas2").post("/api/v1/systems/nas2/reports", full(*target, dataset("tank/music", 1)))


def status(api: Api, **search: Any) -> dict[str, Any]:
    answer = api.get(STATUS, params=search)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def outcomes(body: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(each["group"], each["relative"], each["outcome"]) for each in body["items"]]


def test_the_worst_comes_first(reported: None, viewer: Api) -> None:
    body = status(viewer)
    assert outcomes(body) == [
        ("photos", "b", "DIVERGED"),
        ("music", "", "UNREPORTED"),
        ("photos", "a", "BEHIND"),
        ("photos", "", "IN_SYNC"),
    ]
    assert body["summary"] == {"BEHIND": 1, "DIVERGED": 1, "IN_SYNC": 1, "UNREPORTED": 1}
    assert [each["name"] for each in body["systems"]] == ["nas1", "nas2", "nas3", "spare"]
    assert body["next"] is None


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_pages_hold_every_dataset_once_and_the_hosts_come_with_the_first(
    reported: None, viewer: Api, limit: int
) -> None:
    found: list[tuple[str, str, str]] = []
    search: dict[str, Any] = {"limit": limit}
    while True:
        body = status(viewer, **search)
        found += outcomes(body)
        assert sum(body["summary"].values()) == 4
        assert bool(body["systems"]) == ("after" not in search)
        if body["next"] is None:
            break
        search["after"] = body["next"]
    assert found == outcomes(status(viewer))


def test_a_filter_shows_its_edges_and_their_hosts(reported: None, viewer: Api) -> None:
    body = status(viewer, group="music")
    assert (outcomes(body), body["summary"]) == ([("music", "", "UNREPORTED")], {"UNREPORTED": 1})
    assert [each["name"] for each in body["systems"]] == ["nas2", "nas3"]
    body = status(viewer, system="nas1")
    assert {each["group"] for each in body["items"]} == {"photos"}
    assert [each["name"] for each in body["systems"]] == ["nas1", "nas2"]
    assert [each["name"] for each in status(viewer, system="spare")["systems"]] == ["spare"]
    assert status(viewer, group="photos", system="nas3")["items"] == []


@pytest.mark.parametrize("search", [{"limit": "0"}, {"limit": "1001"}, {"after": "x"}, {"page": "2"}])
def test_a_search_that_means_nothing_is_refused(viewer: Api, search: dict[str, str]) -> None:
    body = assert_problem(viewer.get(STATUS, params=search), 422, "E_VALIDATION")
    assert body["errors"][0]["pointer"] == f"/query/{next(iter(search))}"


def test_a_target_is_late_when_it_lacks_a_snapshot_for_longer_than_its_limit(
    operator: Api, nas1: Api, nas2: Api, clock: ManualClock
) -> None:
    groups = {"photos": {"members": MEMBERS, "mode": "manual", "lag_limit": "30m"}}
    assert operator.post("/api/v1/fleet/apply", {"fleet": fleet(sync_groups=groups)}).status_code == 200
    report(nas1, "nas1", full(dataset("tank/photos", 1, 2)))
    report(nas2, "nas2", full(dataset("backup/photos", 1, marker="photos")))
    for minutes, late in ((0, False), (30, False), (1, True)):
        clock.advance(minutes * 60)
        (found,) = status(operator)["items"]
        assert found["late"] is late
    assert (found["lag_seconds"], found["job"]) == (31 * 60, None)
