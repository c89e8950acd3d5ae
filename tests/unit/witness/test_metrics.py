# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""/metrics: what a Prometheus reads, true to the fleet, and at a cost that no history makes grow."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import Connection, event, text
from starlette.testclient import TestClient

from tests.unit.witness.conftest import Api, ManualClock
from tests.unit.witness.documents import fleet
from tests.unit.witness.hosts import dataset, full
from tests.unit.witness.process import IDLE_PSS_MIB, Served, pss_mib, run_json
from zfs_sync.witness.app import create_app
from zfs_sync.witness.db.database import Database
from zfs_sync.witness.metric_names import METRICS
from zfs_sync.witness.settings import Settings

ROADMAP = {
    "zfs_sync_systems_total",
    "zfs_sync_systems_online",
    "zfs_sync_sync_operations_total",
    "zfs_sync_sync_operations_success",
    "zfs_sync_sync_operations_failed",
    "zfs_sync_sync_duration_seconds",
    "zfs_sync_snapshots_total",
    "zfs_sync_conflicts_total",
    "zfs_sync_api_requests_total",
    "zfs_sync_api_request_duration_seconds",
}
ME = {"installation": "inst-1"}
ERROR = {"code": "E_INTERRUPTED", "message": "cut", "hint": "none"}
EDGE = {"group": "photos", "dataset": "backup/photos", "source": "nas1", "target": "nas2"}
ENDS = {name: EDGE[name] for name in ("group", "source", "target")}


@pytest.fixture
def agents(operator: Api, agent_of: Callable[[str], Api]) -> dict[str, Api]:
    document = fleet({"nas1": {}, "nas2": {}, "nas3": {}})
    assert operator.post("/api/v1/fleet/apply", {"fleet": document}).status_code == 200
    return {name: agent_of(name) for name in ("nas1", "nas2")}


def report(agents: dict[str, Api], system: str, *datasets: dict[str, Any]) -> None:
    answer = agents[system].post(f"/api/v1/systems/{system}/reports", full(*datasets))
    assert answer.status_code == 200, answer.text


def scrape(api: Api) -> dict[str, list[tuple[dict[str, str], float]]]:
    """Every sample by its name."""
    answer = api.get("/metrics")
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    found: dict[str, list[tuple[dict[str, str], float]]] = {}
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            found.setdefault(sample.name, []).append((sample.labels, sample.value))
    return found


def one(api: Api, name: str, **labels: str) -> float:
    (value,) = [value for each, value in scrape(api).get(name, []) if each.items() >= labels.items()]
    return value


def test_the_roadmaps_ten_are_there_before_anything_has_happened(viewer: Api) -> None:
    viewer.get("/api/v1/version")
    text = viewer.get("/metrics").text
    assert {name for name in ROADMAP if f"\n# TYPE {name} " not in f"\n{text}"} == set()
    assert {each.name for each in METRICS} >= ROADMAP
    assert {name for name in scrape(viewer) if name.startswith("process_")}


def test_systems_and_snapshots(agents: dict[str, Api], viewer: Api, clock: ManualClock) -> None:
    report(agents, "nas1", dataset("tank/photos", 1, 2), dataset("tank/x", 3))
    assert (one(viewer, "zfs_sync_systems_total"), one(viewer, "zfs_sync_systems_online")) == (3, 1)
    assert one(viewer, "zfs_sync_snapshots_total", system="nas1") == 3
    assert one(viewer, "zfs_sync_datasets", system="nas1") == 2
    assert one(viewer, "zfs_sync_snapshots_total", system="nas3") == 0
    assert one(viewer, "zfs_sync_agent_last_seen_timestamp_seconds", system="nas1") == clock().timestamp()
    clock.advance(3600)
    assert one(viewer, "zfs_sync_systems_online") == 0


def test_the_lag_is_the_age_of_the_oldest_snapshot_that_is_lacked(
    agents: dict[str, Api], viewer: Api, clock: ManualClock
) -> None:
    report(agents, "nas2", dataset("backup/photos", 1, marker="photos"))
    report(agents, "nas1", dataset("tank/photos", 1))
    assert one(viewer, "zfs_sync_replication_lag_seconds", **EDGE) == 0
    report(agents, "nas1", dataset("tank/photos", 1, 2))
    clock.advance(40)
    report(agents, "nas1", dataset("tank/photos", 1, 2, 3))
    assert one(viewer, "zfs_sync_replication_lag_seconds", **EDGE) == 40
    assert one(viewer, "zfs_sync_replication_lag_snapshots", **EDGE) == 2
    assert one(viewer, "zfs_sync_replicas", group="photos", outcome="BEHIND") == 1
    assert one(viewer, "zfs_sync_queue_depth", system="nas2") == 1
    assert one(viewer, "zfs_sync_conflicts_total", group="photos") == 0


def test_what_is_not_known_has_no_lag(agents: dict[str, Api], viewer: Api) -> None:
    report(agents, "nas1", dataset("tank/photos", 1))
    assert "zfs_sync_replication_lag_seconds" not in scrape(viewer)


def test_a_conflict_is_counted_while_it_lasts(agents: dict[str, Api], viewer: Api) -> None:
    report(agents, "nas1", dataset("tank/photos", 1, 2))
    report(agents, "nas2", dataset("backup/photos", 1, 9, marker="photos"))
    assert one(viewer, "zfs_sync_conflicts_total", group="photos") == 1
    report(agents, "nas2", dataset("backup/photos", 1, marker="photos"))
    assert one(viewer, "zfs_sync_conflicts_total", group="photos") == 0


def test_syncs_are_counted_by_their_end_and_outlive_their_group(
    agents: dict[str, Api], viewer: Api, operator: Api, clock: ManualClock
) -> None:
    report(agents, "nas1", dataset("tank/photos", 1, 2))
    report(agents, "nas2", dataset("backup/photos", 1, marker="photos"))
    for result, more in (("failed", {"error": ERROR}), ("succeeded", {"moved_snapshots": 1, "moved_bytes": 70})):
        (job,) = operator.post("/api/v1/sync-groups/photos/sync", {}).json()["jobs"]
        epoch = agents["nas2"].post(f"/api/v1/jobs/{job}/claim", ME).json()["epoch"]
        assert one(viewer, "zfs_sync_jobs_running", system="nas2") == 1
        clock.advance(7)
        agents["nas2"].post(f"/api/v1/jobs/{job}/finish", {"epoch": epoch, "result": result, **more})
    assert one(viewer, "zfs_sync_sync_operations_total", result="failed", **ENDS) == 1
    assert one(viewer, "zfs_sync_sync_operations_total", result="succeeded", **ENDS) == 1
    assert one(viewer, "zfs_sync_transfer_bytes_total", **ENDS) == 70
    assert one(viewer, "zfs_sync_transfer_snapshots_total", **ENDS) == 1
    assert one(viewer, "zfs_sync_last_success_timestamp_seconds", **EDGE) == clock().timestamp()
    assert one(viewer, "zfs_sync_sync_duration_seconds_count") == 2
    assert one(viewer, "zfs_sync_sync_duration_seconds_sum") == 14
    assert one(viewer, "zfs_sync_sync_duration_seconds_bucket", le="5.0") == 0
    assert one(viewer, "zfs_sync_sync_duration_seconds_bucket", le="10.0") == 2
    operator.delete("/api/v1/sync-groups/photos?owner=ansible/site")
    assert "zfs_sync_sync_operations_total" not in scrape(viewer)
    assert (one(viewer, "zfs_sync_sync_operations_success"), one(viewer, "zfs_sync_sync_operations_failed")) == (1, 1)


def test_requests_are_counted_by_route_and_not_by_what_clients_write(client: TestClient, viewer: Api) -> None:
    for number in range(3):
        viewer.get(f"/api/v1/jobs/{number}")
        viewer.get(f"/nothing/{number}")
        client.request("ODD", f"/api/v1/odd{number}")
    labels = {"method": "GET", "route": "/api/v1/jobs/{job_id}"}
    assert one(viewer, "zfs_sync_api_requests_total", status="404", **labels) == 3
    assert one(viewer, "zfs_sync_api_request_duration_seconds_count", **labels) == 3
    assert one(viewer, "zfs_sync_api_request_duration_seconds_bucket", le="+Inf", **labels) == 3
    assert one(viewer, "zfs_sync_api_requests_total", method="GET", route="other", status="404") == 3
    assert one(viewer, "zfs_sync_api_requests_total", method="other", route="other") == 3
    assert one(viewer, "zfs_sync_api_requests_total", route="/metrics") > 1


@pytest.fixture
def few(tmp_path: Path, clock: ManualClock, database: Database) -> Iterator[TestClient]:
    """A witness that shows datasets one by one only while there is at most one."""
    app = create_app(Settings(database=tmp_path / "witness.db", metrics_max_datasets=1), clock, database)
    with TestClient(app) as opened:
        yield opened


def test_with_many_datasets_an_edge_is_one_series_the_worst(
    agents: dict[str, Api], few: TestClient, tokens: dict[str, str], clock: ManualClock
) -> None:
    report(agents, "nas1", *(dataset(f"tank/photos{below}", 1) for below in ("", "/a", "/b")))
    report(agents, "nas2", *(dataset(f"backup/photos{below}", 1, marker="photos") for below in ("", "/a", "/b")))
    clock.advance(10)
    report(agents, "nas1", dataset("tank/photos", 1), dataset("tank/photos/a", 1, 2, 3), dataset("tank/photos/b", 1, 4))
    clock.advance(5)
    api = Api(few, tokens["viewer"])
    assert scrape(api)["zfs_sync_replication_lag_seconds"] == [(EDGE, 5)]
    assert scrape(api)["zfs_sync_replication_lag_snapshots"] == [(EDGE, 2)]


def test_a_scrape_reads_no_history(agents: dict[str, Api], viewer: Api, database: Database) -> None:
    statements: list[str] = []
    event.listen(database._readers, "before_cursor_execute", lambda _c, _u, statement, *_: statements.append(statement))
    assert viewer.get("/metrics").status_code == 200

    def plans(connection: Connection) -> list[str]:
        reads = [each for each in statements if each.startswith("SELECT")]
        rows = [connection.execute(text("EXPLAIN QUERY PLAN " + each.replace("?", "1"))) for each in reads]
        return [row.detail for each in rows for row in each]

    steps = database.read(plans)
    history = ("jobs", "job_events", "audit", "audit_systems", "snapshots", "datasets")
    assert [step for step in steps if step.startswith("SCAN") and step.split()[1] in history] == []
    assert len(steps) > 5


def test_the_client_is_loaded_with_the_first_scrape_and_the_witness_stays_small(tmp_path: Path) -> None:
    code = "import sys, zfs_sync.witness.app; raise SystemExit('prometheus_client' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    run_json(tmp_path, "init")
    token = (tmp_path / "state" / "admin.key").read_text().strip()
    with Served(tmp_path) as running, running.client(token) as client:
        for _ in range(5):
            client.get("/metrics").raise_for_status()
        assert pss_mib(running.process.pid) < IDLE_PSS_MIB
