# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Liveness and readiness."""

from starlette.testclient import TestClient

from tests.unit.witness.conftest import Api
from zfs_sync.witness.db.database import Database


def test_a_live_witness_says_so_without_a_key(client: TestClient) -> None:
    answer = client.get("/health/live")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok"}


def test_a_witness_is_ready_when_its_database_reads_and_writes(client: TestClient) -> None:
    assert client.get("/health/ready").json() == {"status": "ok", "database": "ok"}


def test_a_witness_whose_database_is_closed_is_not_ready(client: TestClient, database: Database) -> None:
    database.close()
    answer = client.get("/health/ready")
    assert answer.status_code == 503
    assert answer.json()["code"] == "E_DATABASE_UNAVAILABLE"
    assert answer.headers["Retry-After"]


def test_the_version_names_the_protocols_that_are_served(viewer: Api) -> None:
    assert viewer.get("/api/v1/version").json()["protocol"] == [1, 2]
