# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Jobs as people handle them: found by each filter, shown with their history, run again."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text

from tests.unit.witness.conftest import Api, ManualClock
from tests.unit.witness.documents import MEMBERS, fleet
from tests.unit.witness.hosts import dataset, full
from tests.unit.witness.test_problems import assert_problem
from zfs_sync.witness.db.database import Database

JOBS = "/api/v1/jobs"
ME = {"installation": "inst-1"}
ERROR = {"code": "E_INTERRUPTED", "message": "cut", "hint": "none"}
GROUPS = {
    "photos": {"members": MEMBERS},
    "music": {
        "members": [
            {"system": "nas2", "dataset": "tank/music", "role": "source"},
            {"system": "nas3", "dataset": "backup/music", "role": "target"},
        ]
    },
}


@pytest.fixture
def agents(operator: Api, agent_of: Callable[[str], Api]) -> dict[str, Api]:
    document = fleet({"nas1": {}, "nas2": {}, "nas3": {}}, GROUPS)
    assert operator.post("/api/v1/fleet/apply", {"fleet": document}).status_code == 200
    return {name: agent_of(name) for name in ("nas1", "nas2", "nas3")}


def report(agents: dict[str, Api], system: str, *datasets: dict[str, Any]) -> None:
    answer = agents[system].post(f"/api/v1/systems/{system}/reports", full(*datasets))
    assert answer.status_code == 200, answer.text


@pytest.fixture
def photos(agents: dict[str, Api]) -> str:
    """The job that brings nas2 from snapshot 1 to snapshot 2."""
    report(agents, "nas1", dataset("tank/photos", 1, 2))
    report(agents, "nas2", dataset("backup/photos", 1, marker="photos"), dataset("tank/music", 5))
    (job,) = agents["nas2"].get("/api/v1/systems/nas2/work").json()["jobs"]
    return str(job["id"])


@pytest.fixture
def music(agents: dict[str, Api], photos: str, clock: ManualClock) -> str:
    """A later job, of another group, to nas3."""
    clock.advance(60)
    report(agents, "nas3")
    (job,) = agents["nas3"].get("/api/v1/systems/nas3/work").json()["jobs"]
    return str(job["id"])


def ended(agent: Api, job: str, result: str, **more: Any) -> None:
    epoch = agent.post(f"{JOBS}/{job}/claim", ME).json()["epoch"]
    assert agent.post(f"{JOBS}/{job}/finish", {"epoch": epoch, "result": result, **more}).status_code == 200


def listed(api: Api, **search: Any) -> list[str]:
    answer = api.get(JOBS, params=search)
    assert answer.status_code == 200, answer.text
    return [each["id"] for each in answer.json()["items"]]


def test_each_filter_finds_its_own(agents: dict[str, Api], viewer: Api, photos: str, music: str) -> None:
    assert listed(viewer) == [music, photos]
    agents["nas2"].post(f"{JOBS}/{photos}/claim", ME)
    assert listed(viewer, state="queued") == [music]
    assert listed(viewer, state=["queued", "running"]) == [music, photos]
    assert listed(viewer, group="photos") == [photos]
    assert listed(viewer, system="nas1") == [photos]
    assert listed(viewer, system="nas2") == [music, photos]
    assert listed(viewer, since="2026-11-24T08:00:30Z") == [music]
    assert listed(viewer, since="2026-11-24T09:00:00+01:00", group="photos") == [photos]
    assert listed(viewer, group="nothing") == []


@pytest.mark.parametrize("search", [{"state": "gone"}, {"since": "1h"}, {"after": "x"}, {"limit": "0"}, {"page": "2"}])
def test_a_search_that_means_nothing_is_refused(viewer: Api, search: dict[str, str]) -> None:
    body = assert_problem(viewer.get(JOBS, params=search), 422, "E_VALIDATION")
    assert body["errors"][0]["pointer"].startswith(f"/query/{next(iter(search))}")


def test_pages_hold_every_job_once_though_the_last_one_is_deleted(
    viewer: Api, photos: str, music: str, database: Database
) -> None:
    first = viewer.get(JOBS, params={"limit": 1}).json()
    assert [each["id"] for each in first["items"]] == [music]
    database.write(lambda each: each.execute(text("DELETE FROM jobs WHERE id = :id"), {"id": music}))
    second = viewer.get(JOBS, params={"limit": 1, "after": first["next"]}).json()
    assert ([each["id"] for each in second["items"]], second["next"]) == ([photos], None)


def test_a_job_is_shown_with_its_history(agents: dict[str, Api], viewer: Api, photos: str, clock: ManualClock) -> None:
    clock.advance(5)
    ended(agents["nas2"], photos, "failed", error=ERROR)
    shown = viewer.get(f"{JOBS}/{photos}").json()
    assert (shown["state"], shown["error"]) == ("failed", ERROR)
    assert shown["history"] == [
        {"at": "2026-11-24T08:00:00Z", "state": "queued", "epoch": 0, "detail": "BEHIND"},
        {"at": "2026-11-24T08:00:05Z", "state": "running", "epoch": 1, "detail": "claimed by inst-1"},
        {"at": "2026-11-24T08:00:05Z", "state": "failed", "epoch": 1, "detail": "E_INTERRUPTED"},
    ]


def test_an_unknown_job_is_none(viewer: Api, operator: Api) -> None:
    assert_problem(viewer.get(f"{JOBS}/nothing"), 404, "E_JOB_NOT_FOUND")
    assert_problem(operator.post(f"{JOBS}/nothing/retry"), 404, "E_JOB_NOT_FOUND")


def test_a_failed_job_is_run_again_at_once(
    agents: dict[str, Api], operator: Api, viewer: Api, photos: str, clock: ManualClock
) -> None:
    ended(agents["nas2"], photos, "failed", error=ERROR)
    assert agents["nas2"].get("/api/v1/systems/nas2/work").json()["jobs"] == []
    fresh = operator.post(f"{JOBS}/{photos}/retry").json()
    assert (fresh["state"], fresh["attempt"], fresh["group"]) == ("queued", 1, "photos")
    assert fresh["id"] != photos
    (waiting,) = agents["nas2"].get("/api/v1/systems/nas2/work").json()["jobs"]
    assert waiting["id"] == fresh["id"]
    assert operator.post(f"{JOBS}/{photos}/retry").json()["id"] == fresh["id"]
    (entry, _) = viewer.get("/api/v1/audit", params={"event": "job.retried"}).json()["items"]
    assert (entry["object_name"], entry["detail"]["job"]) == (photos, fresh["id"])


def test_a_cancelled_job_is_run_again_in_mode_manual_too(agents: dict[str, Api], operator: Api, photos: str) -> None:
    operator.put("/api/v1/sync-groups/photos?owner=ansible/site", {"mode": "manual"})
    operator.post("/api/v1/sync-groups/photos/sync", {})
    (job,) = listed(operator, state="queued", group="photos")
    assert operator.post(f"{JOBS}/{job}/cancel").json()["state"] == "cancelled"
    assert agents["nas2"].get("/api/v1/systems/nas2/work").json()["jobs"] == []
    fresh = operator.post(f"{JOBS}/{job}/retry").json()
    assert listed(operator, state="queued", group="photos") == [fresh["id"]]


def refused(operator: Api, job: str) -> str:
    return str(assert_problem(operator.post(f"{JOBS}/{job}/retry"), 409, "E_JOB_NOT_RETRYABLE")["detail"])


def test_what_cannot_be_run_again_says_why(agents: dict[str, Api], operator: Api, photos: str) -> None:
    assert "it is queued" in refused(operator, photos)
    ended(agents["nas2"], photos, "failed", error=ERROR)
    operator.put("/api/v1/systems/nas1?owner=ansible/site", {"maintenance": True})
    assert "nothing may run for its dataset now, which is BEHIND" in refused(operator, photos)
    operator.put("/api/v1/systems/nas1?owner=ansible/site", {"maintenance": False})
    report(agents, "nas2", dataset("backup/photos", 1, 2, marker="photos"))
    assert "which is IN_SYNC" in refused(operator, photos)
    report(agents, "nas2", dataset("backup/photos", 1, 9, marker="photos"))
    assert "which is DIVERGED" in refused(operator, photos)
    operator.delete("/api/v1/sync-groups/photos?owner=ansible/site")
    assert "is no more" in refused(operator, photos)


def test_a_refusal_leaves_nothing_asked_for(agents: dict[str, Api], operator: Api, photos: str) -> None:
    ended(agents["nas2"], photos, "failed", error=ERROR)
    operator.put("/api/v1/systems/nas1?owner=ansible/site", {"maintenance": True})
    refused(operator, photos)
    operator.put("/api/v1/systems/nas1?owner=ansible/site", {"maintenance": False})
    (job,) = listed(operator, state="queued", group="photos")
    assert agents["nas2"].get("/api/v1/systems/nas2/work").json()["jobs"] == []
    assert job != photos


@pytest.mark.parametrize(
    "condition", ["\"group\" = 'x'", "state IN ('queued')", "created_at >= 5", "from_system = 'x' OR to_system = 'x'"]
)
def test_each_filter_reads_an_index(database: Database, condition: str) -> None:
    plan = text(f"EXPLAIN QUERY PLAN SELECT * FROM jobs WHERE {condition} ORDER BY created_at DESC, id DESC LIMIT 100")
    steps = [row.detail for row in database.read(lambda each: each.execute(plan).all())]
    assert not any(step == "SCAN jobs" for step in steps), steps
