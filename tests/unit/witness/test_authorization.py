# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Every route has a role and refuses the others: walked from the route table itself."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi import Depends, FastAPI
from starlette.testclient import TestClient

from tests.unit.witness.conftest import Api, ManualClock
from zfs_sync.core import tokens as core_tokens
from zfs_sync.witness.auth import NoRole, RequireRole, open_to_all, require_role
from zfs_sync.witness.db.database import Database
from zfs_sync.witness.routing import GuardedRoute, new_router

VIEWER = {"viewer", "operator", "admin"}
OPERATOR = {"operator", "admin"}
ADMIN = {"admin"}
AGENT = {"agent"}
OPEN: set[str] = set()
V1 = "/api/v1"

CONTRACT: dict[tuple[str, str], set[str]] = {
    ("GET", "/health/live"): OPEN,
    ("GET", "/health/ready"): OPEN,
    ("GET", "/docs"): OPEN,
    ("GET", "/static/{name}"): OPEN,
    ("GET", V1 + "/openapi.json"): OPEN,
    ("GET", V1 + "/version"): VIEWER | {"agent", "enrol"},
    ("POST", V1 + "/fleet/plan"): VIEWER,
    ("POST", V1 + "/fleet/apply"): OPERATOR,
    ("GET", V1 + "/fleet"): VIEWER,
    ("GET", V1 + "/systems"): VIEWER,
    ("GET", V1 + "/systems/{name}"): VIEWER,
    ("PUT", V1 + "/systems/{name}"): OPERATOR,
    ("DELETE", V1 + "/systems/{name}"): OPERATOR,
    ("POST", V1 + "/systems/{name}/rename"): OPERATOR,
    ("GET", V1 + "/sync-groups"): VIEWER,
    ("GET", V1 + "/sync-groups/{name}"): VIEWER,
    ("PUT", V1 + "/sync-groups/{name}"): OPERATOR,
    ("DELETE", V1 + "/sync-groups/{name}"): OPERATOR,
    ("POST", V1 + "/sync-groups/{name}/rename"): OPERATOR,
    ("POST", V1 + "/sync-groups/{name}/sync"): OPERATOR,
    ("GET", V1 + "/api-keys"): ADMIN,
    ("POST", V1 + "/api-keys"): OPERATOR,
    ("GET", V1 + "/api-keys/{key_id}"): ADMIN,
    ("DELETE", V1 + "/api-keys/{key_id}"): ADMIN,
    ("POST", V1 + "/api-keys/{key_id}/rotate"): ADMIN,
    ("POST", V1 + "/enrol"): {"enrol"},
    ("GET", V1 + "/systems/{name}/enrolment"): AGENT,
    ("GET", V1 + "/pending-systems"): VIEWER,
    ("POST", V1 + "/systems/{name}/approve"): OPERATOR,
    ("POST", V1 + "/systems/{name}/reject"): OPERATOR,
    ("POST", V1 + "/systems/{name}/key"): AGENT,
    ("POST", V1 + "/systems/{name}/heartbeat"): AGENT,
    ("POST", V1 + "/systems/{name}/reports"): AGENT,
    ("GET", V1 + "/systems/{name}/reports"): VIEWER | AGENT,
    ("GET", V1 + "/systems/{name}/work"): AGENT,
    ("POST", V1 + "/jobs/{id}/claim"): AGENT,
    ("POST", V1 + "/jobs/{id}/progress"): AGENT,
    ("POST", V1 + "/jobs/{id}/finish"): AGENT,
    ("GET", V1 + "/jobs"): VIEWER,
    ("GET", V1 + "/jobs/{id}"): VIEWER,
    ("POST", V1 + "/jobs/{id}/cancel"): OPERATOR,
    ("POST", V1 + "/jobs/{id}/abandon"): OPERATOR,
    ("POST", V1 + "/jobs/{id}/retry"): OPERATOR,
    ("GET", V1 + "/status"): VIEWER,
    ("GET", V1 + "/snapshots"): VIEWER,
    ("GET", V1 + "/snapshots/compare"): VIEWER,
    ("GET", V1 + "/audit"): VIEWER,
    ("GET", "/metrics"): VIEWER,
    ("GET", V1 + "/statistics"): VIEWER,
    ("GET", V1 + "/jobs/{id}/events"): VIEWER,
    ("GET", V1 + "/events"): VIEWER,
}
"""Who may call what. A route that is not here does not belong into the application."""
ENDLESS = V1 + "/events"
"""Whoever is let in here gets an answer that does not end: test_events.py has that."""
ROLES = ("admin", "operator", "viewer", "agent", "enrol")


def _routes(app: FastAPI) -> list[tuple[str, GuardedRoute]]:
    assert all(isinstance(route, GuardedRoute) for route in app.routes)
    return [(method, route) for route in app.routes for method in sorted(route.methods)]  # type: ignore[attr-defined]


def _path(route: GuardedRoute) -> str:
    path = route.path
    for parameter in route.param_convertors:
        path = path.replace("{" + parameter + "}", "nas1")
    return path


def _contract(method: str, route: GuardedRoute) -> set[str]:
    path = route.path.replace("{job_id}", "{id}")
    return CONTRACT[method, path]


def test_every_route_has_the_roles_of_the_contract(app: FastAPI) -> None:
    for method, route in _routes(app):
        guard = route.guard
        allowed = set() if isinstance(guard, NoRole) else _allowed(guard)
        assert allowed == _contract(method, route), f"{method} {route.path}"


def _allowed(guard: RequireRole) -> set[str]:
    covers = {"viewer": VIEWER, "operator": OPERATOR, "admin": ADMIN}
    return set().union(*(covers.get(role, {role}) for role in guard.roles))


def test_every_route_refuses_the_other_roles_and_nobody(
    app: FastAPI, client: TestClient, tokens: dict[str, str]
) -> None:
    for method, route in _routes(app):
        allowed = _contract(method, route)
        if not allowed:
            assert client.request(method, _path(route)).status_code not in (401, 403)
            continue
        _assert_refused(client.request(method, _path(route)), 401, "E_UNAUTHENTICATED", f"{method} {route.path}")
        for role in ROLES:
            if role not in allowed:
                answer = Api(client, tokens[role])(method, _path(route))
                _assert_refused(answer, 403, "E_FORBIDDEN", f"{role} {method} {route.path}")


def _assert_refused(answer: Any, status: int, code: str, what: str) -> None:
    assert (answer.status_code, answer.json()["code"]) == (status, code), what


def test_every_route_lets_its_roles_in(app: FastAPI, client: TestClient, tokens: dict[str, str]) -> None:
    for method, route in _routes(app):
        if route.path == ENDLESS:
            continue
        for role in _contract(method, route):
            answer = Api(client, tokens[role])(method, _path(route))
            assert answer.status_code not in (401, 403, 500), f"{role} {method} {route.path}: {answer.text}"


def test_a_route_without_a_role_cannot_be_made() -> None:
    router = new_router("test")
    with pytest.raises(RuntimeError, match="must name its role"):
        router.get("/nobody")(lambda: None)


def test_a_route_with_two_roles_cannot_be_made() -> None:
    router = new_router("test")
    with pytest.raises(RuntimeError, match="must name its role once"):
        router.get("/both", dependencies=[open_to_all, Depends(require_role("viewer"))])(lambda: None)


def test_the_key_is_checked_before_the_body_is_read(client: TestClient) -> None:
    answer = client.post(V1 + "/fleet/apply", content=b"{", headers={"Content-Type": "application/json"})
    assert answer.status_code == 401


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic YTpi", "zs_admin_x"])
def test_a_request_without_a_bearer_key_is_not_authenticated(client: TestClient, header: str) -> None:
    answer = client.get(V1 + "/version", headers={"Authorization": header})
    assert (answer.status_code, answer.json()["code"]) == (401, "E_UNAUTHENTICATED")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_mistyped_key_is_told_from_an_unknown_one(client: TestClient, tokens: dict[str, str]) -> None:
    mistyped = tokens["viewer"][:-1] + ("a" if tokens["viewer"][-1] != "a" else "b")
    assert Api(client, mistyped).get(V1 + "/version").json()["code"] == "E_KEY_MALFORMED"
    unknown = core_tokens.mint("viewer", lambda count: b"\1" * count).text
    assert Api(client, unknown).get(V1 + "/version").json()["code"] == "E_UNAUTHENTICATED"


def test_a_key_with_the_lookup_of_another_is_refused(client: TestClient, tokens: dict[str, str]) -> None:
    lookup = core_tokens.parse(tokens["viewer"]).lookup
    forged = core_tokens.mint("viewer", lambda count: b"\1" * count).text
    body = forged[:-6].replace(core_tokens.parse(forged).lookup, lookup)
    checksum = core_tokens._checksum(body)
    assert Api(client, body + checksum).get(V1 + "/version").json()["code"] == "E_UNAUTHENTICATED"


def test_a_key_ends_at_its_time(client: TestClient, mint: Callable[..., str], clock: ManualClock) -> None:
    viewer = Api(client, mint("viewer", name="short", seconds=60))
    enrol = Api(client, mint("enrol", system="nas1", name="enrol", seconds=60))
    clock.advance(59)
    assert viewer.get(V1 + "/version").status_code == 200
    assert enrol.get(V1 + "/version").status_code == 200
    clock.advance(1)
    assert viewer.get(V1 + "/version").json()["code"] == "E_UNAUTHENTICATED"
    assert enrol.get(V1 + "/version").json()["code"] == "E_ENROL_EXPIRED"


def test_no_key_is_in_a_log_or_in_the_database(
    client: TestClient, tokens: dict[str, str], log_stream: Any, database: Database
) -> None:
    for token in tokens.values():
        Api(client, token).get(V1 + "/version")
        client.get(V1 + "/" + token)
        client.get(V1 + "/systems", params={"after": token}, headers={"X-Request-Id": token})
    log = log_stream.getvalue()
    stored = b"".join(path.read_bytes() for path in _files(database))
    for token in tokens.values():
        secret = token.split("_", 3)[3]
        assert secret not in log
        assert secret.encode() not in stored


def _files(database: Database) -> list[Any]:
    path = Path(str(database.url.database))
    return list(path.parent.glob(path.name + "*"))
