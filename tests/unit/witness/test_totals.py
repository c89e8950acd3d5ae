# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Counts that are kept as things happen are those that one look at everything gives."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Connection, text

from tests.unit.witness.conftest import Api, ManualClock
from tests.unit.witness.documents import fleet
from tests.unit.witness.hosts import dataset, delta, full
from zfs_sync.witness.db.database import Database

ME = {"installation": "inst-1"}
ERROR = {"code": "E_INTERRUPTED", "message": "cut", "hint": "none"}
COUNTED = """
SELECT h.system, h.dataset_count, h.snapshot_count,
  (SELECT count(*) FROM datasets d WHERE d.system = h.system),
  (SELECT count(*) FROM snapshots s JOIN datasets d ON d.id = s.dataset_id WHERE d.system = h.system)
FROM hosts h ORDER BY h.system
"""
SUMMED = 'SELECT "group", result, jobs, microseconds, snapshots, bytes FROM job_totals ORDER BY result'


@pytest.fixture
def agents(operator: Api, agent_of: Callable[[str], Api]) -> dict[str, Api]:
    assert operator.post("/api/v1/fleet/apply", {"fleet": fleet()}).status_code == 200
    return {name: agent_of(name) for name in ("nas1", "nas2")}


def send(agents: dict[str, Api], system: str, body: dict[str, Any]) -> str:
    answer = agents[system].post(f"/api/v1/systems/{system}/reports", body)
    assert answer.status_code == 200, answer.text
    return str(body["generation"])


def rows(database: Database, query: str) -> list[Any]:
    def read(connection: Connection) -> list[Any]:
        return [tuple(row) for row in connection.execute(text(query))]

    return database.read(read)


def test_the_snapshots_of_a_host_are_counted_with_each_report(
    agents: dict[str, Api], viewer: Api, database: Database
) -> None:
    base = send(agents, "nas1", full(dataset("tank/a", 1, 2), dataset("tank/b", 3)))
    assert rows(database, COUNTED) == [("nas1", 2, 3, 2, 3)]
    change = dataset("tank/a", 5) | {"remove": ["1"]}
    base = send(agents, "nas1", delta(base, change, dataset("tank/c", 7), gone=["tank/b"]))
    assert rows(database, COUNTED) == [("nas1", 2, 3, 2, 3)]
    part = full(dataset("tank/a", *range(1, 9)), last=False)
    send(agents, "nas1", part)
    send(agents, "nas1", part | {"seq": 1, "last": True, "datasets": [dataset("tank/a", 20)]})
    assert rows(database, COUNTED) == [("nas1", 1, 9, 1, 9)]
    assert viewer.get("/api/v1/status").json()["systems"][0]["snapshots"] == 9
    send(agents, "nas1", full())
    assert rows(database, COUNTED) == [("nas1", 0, 0, 0, 0)]


def test_jobs_that_ran_are_counted_when_they_end(
    agents: dict[str, Api], operator: Api, database: Database, clock: ManualClock
) -> None:
    send(agents, "nas1", full(dataset("tank/photos", 1, 2)))
    send(agents, "nas2", full(dataset("backup/photos", 1, marker="photos")))
    (never,) = agents["nas2"].get("/api/v1/systems/nas2/work").json()["jobs"]
    operator.post(f"/api/v1/jobs/{never['id']}/cancel")
    assert rows(database, SUMMED) == []
    for result, more in (
        ("failed", {"error": ERROR, "moved_bytes": 5}),
        ("failed", {"error": ERROR}),
        ("succeeded", {"moved_snapshots": 1, "moved_bytes": 70, "target_head_guid": "2"}),
    ):
        (job,) = operator.post("/api/v1/sync-groups/photos/sync", {}).json()["jobs"]
        epoch = agents["nas2"].post(f"/api/v1/jobs/{job}/claim", ME).json()["epoch"]
        clock.advance(7)
        done = {"epoch": epoch, "result": result, **more}
        for _ in range(2):
            assert agents["nas2"].post(f"/api/v1/jobs/{job}/finish", done).status_code == 200
    assert rows(database, SUMMED) == [
        ("photos", "failed", 2, 14_000_000, 0, 5),
        ("photos", "succeeded", 1, 7_000_000, 1, 70),
    ]
    assert rows(database, "SELECT seconds, jobs FROM job_durations") == [(10, 3)]
