# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""One shape for every error, a request id on every answer, and nothing of the inside in either."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from tests.unit.witness.conftest import Api, ManualClock
from zfs_sync.witness.app import create_app
from zfs_sync.witness.auth import open_to_all
from zfs_sync.witness.db.database import Database
from zfs_sync.witness.logs import make_logger
from zfs_sync.witness.routing import new_router
from zfs_sync.witness.settings import Settings

FIELDS = {"type", "title", "status", "detail", "code", "hint", "docs_url", "request_id", "errors"}


def assert_problem(answer: Any, status: int, code: str) -> dict[str, Any]:
    body: dict[str, Any] = answer.json()
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert set(body) == FIELDS
    assert (answer.status_code, body["status"], body["code"]) == (status, status, code)
    assert body["request_id"] == answer.headers["X-Request-Id"]
    assert body["hint"]
    return body


def test_an_unknown_path(client: TestClient) -> None:
    assert_problem(client.get("/api/v1/nothing"), 404, "E_ROUTE_NOT_FOUND")


def test_a_wrong_method(client: TestClient) -> None:
    answer = client.patch("/api/v1/fleet")
    assert_problem(answer, 405, "E_METHOD_NOT_ALLOWED")
    assert answer.headers["Allow"]


def test_a_body_that_is_not_json(admin: Api) -> None:
    answer = admin("POST", "/api/v1/api-keys", content="{", headers={"Content-Type": "application/json"})
    assert_problem(answer, 422, "E_VALIDATION")


def test_a_body_without_a_content_type(admin: Api) -> None:
    assert_problem(admin("POST", "/api/v1/api-keys", content="{}"), 422, "E_VALIDATION")


@pytest.fixture
def small(tmp_path: Any, clock: ManualClock, database: Database, log_stream: Any) -> FastAPI:
    settings = Settings(database=tmp_path / "witness.db", max_body_bytes=64 * 1024)
    return create_app(settings, clock, database, make_logger("debug", log_stream))


def _chunks() -> Any:
    for _ in range(3):
        yield b" " * 30_000


@pytest.mark.parametrize("body", [lambda: b" " * 65_537, _chunks])
@pytest.mark.parametrize("path", ["/api/v1/fleet/apply", "/api/v1/api-keys"])
def test_a_body_over_the_limit(small: FastAPI, tokens: dict[str, str], body: Callable[[], Any], path: str) -> None:
    headers = {"Content-Type": "application/json"}
    with TestClient(small, raise_server_exceptions=False) as client:
        assert_problem(
            Api(client, tokens["admin"])("POST", path, content=body(), headers=headers), 413, "E_BODY_TOO_LARGE"
        )


def test_an_error_of_the_program_tells_nothing_but_its_request_id(
    app: FastAPI, client: TestClient, log_lines: Callable[[], list[dict[str, Any]]], tokens: dict[str, str]
) -> None:
    router = new_router("test", prefix="")

    @router.get("/broken", dependencies=[open_to_all])
    def broken() -> None:
        raise LookupError(f"inside {tokens['admin']}")

    app.router.routes.extend(router.routes)
    body = assert_problem(client.get("/broken"), 500, "E_INTERNAL")
    assert "inside" not in json.dumps(body)
    (entry,) = [line for line in log_lines() if line["event"] == "request failed"]
    assert entry["request_id"] == body["request_id"]
    assert "LookupError: inside zs_admin_" in entry["exception"]
    assert tokens["admin"] not in entry["exception"]


def test_a_request_id_is_taken_over_if_it_is_one(client: TestClient) -> None:
    assert client.get("/health/live", headers={"X-Request-Id": "abc-1"}).headers["X-Request-Id"] == "abc-1"
    for bad in ("", "a b", "x" * 65, "a\tb"):
        assert client.get("/health/live", headers={"X-Request-Id": bad}).headers["X-Request-Id"] != bad


def test_each_request_is_one_line_of_json(viewer: Api, log_lines: Callable[[], list[dict[str, Any]]]) -> None:
    answer = viewer.get("/api/v1/version", headers={"X-Request-Id": "abc"})
    assert answer.status_code == 200
    line = log_lines()[-1]
    assert line.pop("milliseconds") >= 0
    assert line.pop("timestamp")
    assert line == {
        "event": "request",
        "key": "viewer-test",
        "level": "info",
        "method": "GET",
        "path": "/api/v1/version",
        "request_id": "abc",
        "status": 200,
    }


def test_security_headers_are_on_every_answer(client: TestClient) -> None:
    for path in ("/health/live", "/api/v1/nothing"):
        headers = client.get(path).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert headers["Cache-Control"] == "no-store"
