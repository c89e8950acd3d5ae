# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""JSON that is nested as deeply as no one means it is refused by every route, and is no error of the witness."""

import re

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

from tests.unit.witness.conftest import Api
from tests.unit.witness.test_problems import assert_problem

JSON = {"Content-Type": "application/json"}
DEPTHS = (150, 900, 100_000)
"""Below the limits of both parsers, near that of the standard library, and far beyond."""


def bodies() -> list[str]:
    found = []
    for depth in DEPTHS:
        found += ["[" * depth, "[" * depth + "]" * depth, '{"a":' * depth + "1" + "}" * depth]
        for field in ("fleet", "labels", "datasets", "error", "name"):
            found.append(f'{{"{field}":' + "[" * depth + "]" * depth + "}")
    return found


def routes(app: FastAPI) -> list[tuple[str, str, list[str]]]:
    """Method, path and roles of every route that takes a body."""
    found = []
    for route in app.router.routes:
        if isinstance(route, APIRoute) and route.path.startswith("/api/"):
            path = re.sub(r"{[^}]*}", "nas1", route.path)
            found += [(method, path, [*route.guard.roles]) for method in route.methods & {"POST", "PUT"}]  # type: ignore[attr-defined]
    return found


def test_json_that_is_nested_too_deeply_is_refused_by_every_route(
    app: FastAPI, admin: Api, tokens: dict[str, str]
) -> None:
    asked = routes(app)
    assert len(asked) > 10
    admin.put("/api/v1/systems/nas1", {})
    for method, path, roles in asked:
        api = Api(admin.client, tokens[roles[0]])
        for body in bodies():
            answer = api(method, path, content=body, headers=JSON)
            assert 400 <= answer.status_code < 500, f"{method} {path} with {body[:40]}: {answer.text}"
            assert answer.headers["Content-Type"] == "application/problem+json"
            assert len(answer.content) < 10_000
    assert admin.get("/health/ready").status_code == 200


@pytest.mark.parametrize("path", ["/api/v1/fleet/apply", "/api/v1/api-keys"])
def test_the_answer_says_that_the_body_is_at_fault(admin: Api, path: str) -> None:
    assert_problem(admin("POST", path, content="[" * 100_000, headers=JSON), 422, "E_VALIDATION")
