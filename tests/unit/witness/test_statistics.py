# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The fleet in numbers: what is there, and what went on in a window of time."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.witness.conftest import Api, ManualClock
from tests.unit.witness.documents import fleet
from tests.unit.witness.hosts import dataset, full
from tests.unit.witness.test_problems import assert_problem

STATISTICS = "/api/v1/statistics"
ME = {"installation": "inst-1"}
ERROR = {"code": "E_INTERRUPTED", "message": "cut", "hint": "none"}


@pytest.fixture
def agents(operator: Api, agent_of: Callable[[str], Api]) -> dict[str, Api]:
    document = fleet({"nas1": {}, "nas2": {}, "nas3": {}})
    assert operator.post("/api/v1/fleet/apply", {"fleet": document}).status_code == 200
    return {name: agent_of(name) for name in ("nas1", "nas2")}


def report(agents: dict[str, Api], system: str, *datasets: dict[str, Any]) -> None:
    assert agents[system].post(f"/api/v1/systems/{system}/reports", full(*datasets)).status_code == 200


def statistics(api: Api, **search: Any) -> dict[str, Any]:
    answer = api.get(STATISTICS, params=search)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def run(operator: Api, agents: dict[str, Api], result: str, **more: Any) -> None:
    (job,) = operator.post("/api/v1/sync-groups/photos/sync", {}).json()["jobs"]
    epoch = agents["nas2"].post(f"/api/v1/jobs/{job}/claim", ME).json()["epoch"]
    done = {"epoch": epoch, "result": result, **more}
    assert agents["nas2"].post(f"/api/v1/jobs/{job}/finish", done).status_code == 200


def test_a_fleet_that_has_done_nothing_yet(agents: dict[str, Api], viewer: Api) -> None:
    found = statistics(viewer)["fleet"]
    assert (found["systems"], found["sync_groups"], found["online"]) == (3, 1, 0)
    assert (found["jobs"], found["success_rate"], found["moved_bytes"]) == ({}, None, 0)


def test_what_is_used_is_counted_once(agents: dict[str, Api], viewer: Api) -> None:
    report(
        agents,
        "nas1",
        dataset("tank/photos", 1, used=100),
        dataset("tank/photos/a", 2, used=40),
        dataset("tank/photos-old", 3, used=7),
        dataset("tank/photos/a/b", 4, used=5),
        dataset("other", used=1000),
        dataset("other/x", used=900),
    )
    body = statistics(viewer)
    assert [each["used_bytes"] for each in body["items"]] == [1107, 0, 0]
    assert (body["fleet"]["used_bytes"], body["fleet"]["datasets"], body["fleet"]["snapshots"]) == (1107, 6, 4)
    assert (body["fleet"]["online"], body["items"][0]["online"], body["items"][2]["online"]) == (1, True, False)


def test_jobs_are_counted_by_state_within_the_window(
    agents: dict[str, Api], viewer: Api, operator: Api, clock: ManualClock
) -> None:
    report(agents, "nas1", dataset("tank/photos", 1, 2))
    report(agents, "nas2", dataset("backup/photos", 1, marker="photos"))
    run(operator, agents, "failed", error=ERROR)
    clock.advance(7200)
    run(operator, agents, "failed", error=ERROR, moved_bytes=5)
    run(operator, agents, "succeeded", moved_snapshots=1, moved_bytes=70, target_head_guid="2")
    report(agents, "nas1", dataset("tank/photos", 1, 2, 3))
    report(agents, "nas2", dataset("backup/photos", 1, 2, marker="photos"))
    body = statistics(viewer, window="1h")
    assert body["since"] == "2026-11-24T09:00:00Z"
    assert body["fleet"]["jobs"] == {"failed": 1, "queued": 1, "succeeded": 1}
    assert (body["fleet"]["moved_bytes"], body["fleet"]["moved_snapshots"], body["fleet"]["success_rate"]) == (
        75,
        1,
        0.5,
    )
    source, target, _ = body["items"]
    assert (source["sent_bytes"], source["received_bytes"], source["jobs"]) == (75, 0, {})
    assert (target["sent_bytes"], target["received_bytes"], target["success_rate"]) == (0, 75, 0.5)
    assert statistics(viewer)["fleet"]["jobs"]["failed"] == 2


def test_a_conflict_is_counted(agents: dict[str, Api], viewer: Api) -> None:
    report(agents, "nas1", dataset("tank/photos", 1, 2))
    report(agents, "nas2", dataset("backup/photos", 1, 9, marker="photos"))
    assert statistics(viewer)["fleet"]["conflicts"] == 1


def test_systems_come_in_pages_and_the_fleet_with_each(agents: dict[str, Api], viewer: Api) -> None:
    first = statistics(viewer, limit=2)
    second = statistics(viewer, limit=2, after=first["next"])
    assert [each["name"] for each in first["items"] + second["items"]] == ["nas1", "nas2", "nas3"]
    assert second["next"] is None
    assert first["fleet"] == second["fleet"]


@pytest.mark.parametrize("search", [{"window": "60"}, {"window": "0s"}, {"limit": "0"}, {"since": "1d"}])
def test_a_question_that_means_nothing_is_refused(viewer: Api, search: dict[str, str]) -> None:
    body = assert_problem(viewer.get(STATISTICS, params=search), 422, "E_VALIDATION")
    assert body["errors"][0]["pointer"] == f"/query/{next(iter(search))}"
