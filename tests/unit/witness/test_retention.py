# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""What is older than it is kept is deleted, in small batches; what goes on, and what is counted, is not."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import Connection, insert, text

from tests.unit.witness.conftest import Api, ManualClock
from tests.unit.witness.documents import fleet
from tests.unit.witness.hosts import dataset, full
from zfs_sync.witness.db.database import Database
from zfs_sync.witness.db.desired import audit
from zfs_sync.witness.services import retention
from zfs_sync.witness.settings import Settings
from zfs_sync.witness.sweep import sweep

DAY = 86_400
ME = {"installation": "inst-1"}
ERROR = {"code": "E_INTERRUPTED", "message": "cut", "hint": "none"}


@pytest.fixture
def target(operator: Api, agent_of: Callable[[str], Api]) -> Api:
    """The agent of nas2, which has a job to run."""
    assert operator.post("/api/v1/fleet/apply", {"fleet": fleet()}).status_code == 200
    source, target = agent_of("nas1"), agent_of("nas2")
    source.post("/api/v1/systems/nas1/reports", full(dataset("tank/photos", 1, 2)))
    target.post("/api/v1/systems/nas2/reports", full(dataset("backup/photos", 1, marker="photos")))
    return target


def run(operator: Api, target: Api, *, ended: bool) -> str:
    (job,) = operator.post("/api/v1/sync-groups/photos/sync", {}).json()["jobs"]
    epoch = target.post(f"/api/v1/jobs/{job}/claim", ME).json()["epoch"]
    if ended:
        target.post(f"/api/v1/jobs/{job}/finish", {"epoch": epoch, "result": "failed", "error": ERROR})
    return str(job)


def rows(database: Database, query: str) -> list[Any]:
    return database.read(lambda each: [tuple(row) for row in each.execute(text(query))])


def test_ended_jobs_go_with_their_history_and_what_runs_stays(
    app: FastAPI, operator: Api, target: Api, database: Database, clock: ManualClock
) -> None:
    old = run(operator, target, ended=True)
    running = run(operator, target, ended=False)
    clock.advance(89 * DAY)
    sweep(app.state.witness)
    assert {each["id"] for each in operator.get("/api/v1/jobs").json()["items"]} == {old, running}
    clock.advance(DAY + 1)
    sweep(app.state.witness)
    assert [each["id"] for each in operator.get("/api/v1/jobs").json()["items"]] == [running]
    assert rows(database, "SELECT DISTINCT job FROM job_events") == [(running,)]
    assert rows(database, "SELECT result, jobs FROM job_totals") == [("failed", 1)]
    assert operator.get("/api/v1/status").json()["items"][0]["error"]["code"] == "E_INTERRUPTED"


def test_the_audit_and_ended_keys_go_later(
    app: FastAPI, admin: Api, mint: Callable[..., str], database: Database, clock: ManualClock
) -> None:
    mint("viewer", name="gone")
    lookup = admin.get("/api/v1/api-keys").json()["items"]
    (ended,) = [each["id"] for each in lookup if each["name"] == "gone"]
    admin.delete(f"/api/v1/api-keys/{ended}")
    clock.advance(400 * DAY)
    sweep(app.state.witness)
    assert rows(database, f"SELECT count(*) FROM api_keys WHERE id = '{ended}'") == [(1,)]
    clock.advance(1)
    admin.put("/api/v1/systems/nas9", {})
    sweep(app.state.witness)
    assert rows(database, f"SELECT count(*) FROM api_keys WHERE id = '{ended}'") == [(0,)]
    assert rows(database, "SELECT event FROM audit") == [("system.created",)]
    assert rows(database, "SELECT system FROM audit_systems") == [("nas9",)]
    assert admin.get("/api/v1/fleet").status_code == 200


def test_much_goes_in_batches_and_over_several_rounds(
    app: FastAPI, database: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH", 3)
    monkeypatch.setattr("zfs_sync.witness.sweep.BATCHES", 4)
    entry = {
        "at": clock() - timedelta(days=401),
        "actor": "x",
        "actor_role": "admin",
        "event": "x.y",
        "object_kind": "x",
        "object_name": "y",
        "detail": {},
    }
    database.write(lambda each: each.execute(insert(audit), [entry] * 20))
    sizes = []
    for _ in range(3):
        sweep(app.state.witness)
        sizes.append(rows(database, "SELECT count(*) FROM audit")[0][0])
    assert sizes == [8, 0, 0]


def test_each_age_is_a_setting(database: Database, clock: ManualClock, settings: Settings) -> None:
    entry = {"at": clock() - timedelta(days=3), "actor": "x", "actor_role": "admin", "event": "x.y"}
    entry |= {"object_kind": "x", "object_name": "y", "detail": {}}
    database.write(lambda each: each.execute(insert(audit), entry))
    for days, left in ((4, 1), (2, 0)):
        chosen = settings.model_copy(update={"audit_kept_days": days})
        database.write(lambda each, chosen=chosen: retention.prune(each, chosen, clock()))
        assert rows(database, "SELECT count(*) FROM audit") == [(left,)]


def test_looking_for_what_is_old_reads_indexes(database: Database) -> None:
    def plans(connection: Connection) -> list[str]:
        found = []
        for query in (
            "SELECT id FROM jobs WHERE finished_at < 5 ORDER BY finished_at LIMIT 500",
            "SELECT id FROM audit WHERE at < 5 ORDER BY at LIMIT 500",
            "DELETE FROM job_events WHERE job IN ('x')",
            "DELETE FROM audit WHERE id IN (1)",
        ):
            found += [row.detail for row in connection.execute(text("EXPLAIN QUERY PLAN " + query))]
        return found

    assert not [step for step in database.read(plans) if step.startswith("SCAN") or "TEMP B-TREE" in step]
