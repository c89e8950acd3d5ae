# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The audit: every change and every sync is in it, it is found by each filter, and it holds no secret."""

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text

from tests.unit.witness.conftest import Api, ManualClock
from tests.unit.witness.documents import fleet
from tests.unit.witness.hosts import dataset, full
from tests.unit.witness.test_problems import assert_problem
from zfs_sync.witness.db.database import Database
from zfs_sync.witness.routes.audit import COLUMNS

AUDIT = "/api/v1/audit"
ME = {"installation": "inst-1"}


@pytest.fixture
def nas1(operator: Api, agent_of: Callable[[str], Api]) -> Api:
    assert operator.post("/api/v1/fleet/apply", {"fleet": fleet()}).status_code == 200
    return agent_of("nas1")


@pytest.fixture
def nas2(nas1: Api, agent_of: Callable[[str], Api]) -> Api:
    return agent_of("nas2")


def report(agent: Api, system: str, *datasets: dict[str, Any]) -> None:
    answer = agent.post(f"/api/v1/systems/{system}/reports", full(*datasets))
    assert answer.status_code == 200, answer.text


def entries(api: Api, **search: Any) -> list[dict[str, Any]]:
    answer = api.get(AUDIT, params=search)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def events(api: Api, **search: Any) -> list[str]:
    return [each["event"] for each in reversed(entries(api, **search))]


def run_job(agent: Api, result: str, **more: Any) -> str:
    (job,) = agent.get("/api/v1/systems/nas2/work").json()["jobs"]
    epoch = agent.post(f"/api/v1/jobs/{job['id']}/claim", ME).json()["epoch"]
    done = agent.post(f"/api/v1/jobs/{job['id']}/finish", {"epoch": epoch, "result": result, **more})
    assert done.status_code == 200, done.text
    return str(job["id"])


def test_a_change_says_who_did_what_when_and_under_which_request(viewer: Api, nas1: Api, clock: ManualClock) -> None:
    (entry,) = entries(viewer, event="sync_group.created")
    assert entry["at"] == clock().strftime("%Y-%m-%dT%H:%M:%SZ")
    assert (entry["actor"], entry["role"], entry["object_kind"], entry["object_name"]) == (
        "operator-test",
        "operator",
        "sync_group",
        "photos",
    )
    assert entry["systems"] == ["nas1", "nas2"]
    assert len(entry["request_id"]) == 32
    assert entry["detail"]["after"]["members"]


def test_a_sync_that_succeeds_and_one_that_fails_are_in_it(nas1: Api, nas2: Api, viewer: Api) -> None:
    report(nas1, "nas1", dataset("tank/photos", 1, 2))
    report(nas2, "nas2", dataset("backup/photos", 1, marker="photos"))
    error = {"code": "E_INTERRUPTED", "message": "cut", "hint": "none"}
    failed = run_job(nas2, "failed", error=error)
    report(nas1, "nas1", dataset("tank/photos", 1, 2, 3))
    report(nas2, "nas2", dataset("backup/photos", 1, marker="photos"))
    done = run_job(nas2, "succeeded", moved_snapshots=2, moved_bytes=9, target_head_guid="3")
    assert events(viewer, event="job") == ["job.started", "job.failed", "job.started", "job.succeeded"]
    (lost,) = entries(viewer, event="job.failed")
    assert (lost["object_name"], lost["detail"]["error"], lost["systems"]) == (failed, error, ["nas1", "nas2"])
    (won,) = entries(viewer, event="job.succeeded")
    assert (won["object_name"], won["detail"]["bytes"], won["actor"]) == (done, 9, "agent-of-nas2")


def test_a_conflict_is_noted_when_it_appears_and_when_it_is_over(nas1: Api, nas2: Api, viewer: Api) -> None:
    report(nas1, "nas1", dataset("tank/photos", 1, 2))
    report(nas2, "nas2", dataset("backup/photos", 1, 9, marker="photos"))
    report(nas2, "nas2", dataset("backup/photos", 1, 9, marker="photos"))
    (found,) = entries(viewer, event="conflict")
    assert (found["event"], found["object_kind"], found["object_name"]) == (
        "conflict.detected",
        "edge",
        "photos:nas2:backup/photos",
    )
    assert (found["detail"]["outcome"], found["systems"], found["actor"]) == ("DIVERGED", ["nas1", "nas2"], "witness")
    assert found["detail"]["evidence"]
    report(nas2, "nas2", dataset("backup/photos", marker="photos"))
    report(nas2, "nas2", dataset("backup/photos", 1, marker="photos"))
    assert events(viewer, event="conflict") == ["conflict.detected", "conflict.detected", "conflict.ended"]
    assert entries(viewer, event="conflict")[1]["detail"]["outcome"] == "NO_COMMON_BASE"


def test_a_conflict_ends_with_its_edge(nas1: Api, nas2: Api, viewer: Api, operator: Api) -> None:
    report(nas1, "nas1", dataset("tank/photos", 1, 2))
    report(nas2, "nas2", dataset("backup/photos", 1, 9, marker="photos"))
    operator.delete("/api/v1/sync-groups/photos?owner=ansible/site")
    assert events(viewer, event="conflict") == ["conflict.detected", "conflict.ended"]


def test_each_filter_finds_its_own(nas1: Api, viewer: Api, operator: Api, admin: Api, clock: ManualClock) -> None:
    clock.advance(60)
    later = clock().isoformat()
    admin.put("/api/v1/systems/nas3", {})
    clock.advance(60)
    assert events(viewer, **{"from": later}) == ["system.created"]
    assert events(viewer, **{"from": clock().isoformat()}) == []
    assert "system.created" in events(viewer, to=later)
    assert [each["object_name"] for each in entries(viewer, event="system", to=later)] == ["nas2", "nas1"]
    assert events(viewer, actor="admin-test") == ["system.created"]
    assert events(viewer, actor="nobody") == []
    about = {each["object_name"] for each in entries(viewer, system="nas1")}
    assert {"nas1", "photos"} < about
    assert "nas2" not in about
    assert events(viewer, system="nas1", event="sync_group", actor="operator-test") == ["sync_group.created"]


@pytest.mark.parametrize(
    "search",
    [
        {"from": "yesterday"},
        {"from": "2026-11-24T08:00:00"},
        {"to": "x"},
        {"event": "job.*"},
        {"after": "x"},
        {"after": "9" * 30},
        {"limit": "0"},
        {"limit": "1001"},
        {"format": "xml"},
        {"since": "2026-11-24T08:00:00Z"},
    ],
)
def test_a_search_that_means_nothing_is_refused(viewer: Api, search: dict[str, str]) -> None:
    body = assert_problem(viewer.get(AUDIT, params=search), 422, "E_VALIDATION")
    assert body["errors"][0]["pointer"] == f"/query/{next(iter(search))}"


def test_pages_hold_everything_once_while_the_audit_grows(nas1: Api, viewer: Api, operator: Api) -> None:
    whole = [each["id"] for each in entries(viewer)]
    found, after = [], None
    while True:
        page = viewer.get(AUDIT, params={"limit": 2} | ({"after": after} if after else {})).json()
        found += [each["id"] for each in page["items"]]
        operator.put(f"/api/v1/systems/new{len(found)}", {})
        if (after := page["next"]) is None:
            break
    assert found == whole
    assert len(found) > 4


@pytest.mark.parametrize("how", [{"params": {"format": "csv"}}, {"headers": {"Accept": "text/csv;q=1, */*;q=0.1"}}])
def test_csv_holds_everything_that_matches(nas1: Api, viewer: Api, how: dict[str, Any]) -> None:
    answer = viewer.get(AUDIT, **how)
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    whole = entries(viewer)
    assert [row["id"] for row in rows] == [each["id"] for each in whole]
    assert tuple(rows[0]) == COLUMNS
    assert [row["systems"] for row in rows] == [" ".join(each["systems"]) for each in whole]


def test_csv_comes_in_batches_and_stops_at_its_limit(
    nas1: Api, viewer: Api, operator: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zfs_sync.witness.routes.audit.PAGE_MOST", 2)
    whole = [each["id"] for each in entries(viewer)]
    for limit in (None, 3):
        params = {"format": "csv"} | ({"limit": limit} if limit else {})
        rows = list(csv.DictReader(io.StringIO(viewer.get(AUDIT, params=params).text)))
        assert [row["id"] for row in rows] == whole[:limit]


@pytest.mark.parametrize("name", ['=cmd|"/c calc"!A1', "+1", "-1", "@SUM(A1)", "\tx", 'a,"b"'])
def test_no_cell_of_csv_is_a_formula(admin: Api, viewer: Api, name: str) -> None:
    token = admin.post("/api/v1/api-keys", {"name": name, "role": "operator"}).json()["token"]
    Api(admin.client, token).put("/api/v1/systems/nas1", {})
    (row,) = csv.DictReader(io.StringIO(viewer.get(AUDIT, params={"format": "csv", "event": "system.created"}).text))
    assert row["actor"] == (name if name.startswith("a") else "'" + name)


def test_no_secret_is_in_it(
    admin: Api, viewer: Api, nas1: Api, tokens: dict[str, str], mint: Callable[..., str], database: Database
) -> None:
    made = admin.post("/api/v1/api-keys", {"name": "ci", "role": "viewer"}).json()
    rotated = admin.post(f"/api/v1/api-keys/{made['id']}/rotate").json()
    admin.delete(f"/api/v1/api-keys/{rotated['id']}")
    every = [*tokens.values(), made["token"], rotated["token"], nas1.token]
    shown = viewer.get(AUDIT, params={"limit": 1000}).text + viewer.get(AUDIT, params={"format": "csv"}).text
    stored = str(database.read(lambda each: each.execute(text("SELECT * FROM audit")).all()))
    hashes = database.read(lambda each: each.execute(text("SELECT token_sha256 FROM api_keys")).scalars().all())
    assert made["id"] in shown
    for secret in [token.split("_", 3)[3] for token in every] + list(hashes):
        assert secret not in shown
        assert secret not in stored


@pytest.mark.parametrize(
    "condition",
    [
        "at >= 5 AND at < 9",
        "event = 'job.failed'",
        "event >= 'job.' AND event < 'job/'",
        "actor = 'x'",
        "id IN (SELECT audit FROM audit_systems WHERE system = 'x')",
    ],
)
def test_each_filter_reads_an_index(database: Database, condition: str) -> None:
    plan = text(f"EXPLAIN QUERY PLAN SELECT * FROM audit WHERE {condition} ORDER BY id DESC LIMIT 100")
    steps = [row.detail for row in database.read(lambda each: each.execute(plan).all())]
    assert any("SEARCH audit USING" in step for step in steps), steps


def test_a_system_is_found_by_its_new_name_from_before_it_had_it(viewer: Api, operator: Api, nas1: Api) -> None:
    before = events(viewer, system="nas1")
    assert operator.post("/api/v1/systems/nas1/rename", {"name": "berlin"}).status_code == 200
    found = events(viewer, system="berlin")
    assert found[: len(before)] == before
    assert "system.renamed" in found
