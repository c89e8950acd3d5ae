# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Agents with a general enrol key: they wait, get nothing, and are approved by being declared, or turned away."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from tests.unit.witness.conftest import Api, ManualClock
from tests.unit.witness.documents import fleet
from tests.unit.witness.hosts import full
from zfs_sync.core import tokens
from zfs_sync.core.tokens import Token
from zfs_sync.witness.db.database import Database
from zfs_sync.witness.db.desired import audit

KEYS = "/api/v1/api-keys"


def own(letter: bytes = b"a") -> Token:
    return tokens.mint("agent", lambda count: letter * count)


def words(system: str, key: Token, installation: str = "inst-1") -> dict[str, Any]:
    return {
        "system": system,
        "installation": installation,
        "token_lookup": key.lookup,
        "token_sha256": key.sha256,
        "agent_version": "0.1.0",
        "protocol": 2,
    }


@pytest.fixture
def general(admin: Api, client: TestClient) -> Callable[..., Api]:
    """A key that lets in agents of any name: ``general(uses=2)``."""

    def make(**more: Any) -> Api:
        answer = admin.post(KEYS, {"name": f"general {more}", "role": "enrol", **more})
        assert answer.status_code == 201, answer.json()
        return Api(client, answer.json()["token"])

    return make


@pytest.fixture
def waiting(general: Callable[..., Api], client: TestClient) -> Api:
    """An agent that calls itself nas7, which nobody has declared."""
    key = own()
    answer = general().post("/api/v1/enrol", words("nas7", key))
    assert (answer.status_code, answer.json()) == (200, {"system": "nas7", "state": "pending"})
    return Api(client, key.text)


def test_it_is_listed_and_in_the_status(waiting: Api, viewer: Api) -> None:
    (shown,) = viewer.get("/api/v1/pending-systems").json()["items"]
    assert (shown["name"], shown["installation"], shown["enrolled_with"]) == ("nas7", "inst-1", "general {}")
    assert [each["name"] for each in viewer.get("/api/v1/status").json()["pending"]] == ["nas7"]
    assert viewer.get("/api/v1/systems").json()["items"] == []


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/work", None),
        ("POST", "/reports", full()),
        ("POST", "/heartbeat", {"protocol": 2, "installation": "inst-1", "agent_version": "1", "running": []}),
        ("POST", "/key", {"installation": "inst-1", "token_lookup": "aaaaaaaa", "token_sha256": "0" * 64}),
    ],
)
def test_it_gets_no_work_and_nothing_is_taken_from_it(waiting: Api, method: str, path: str, body: Any) -> None:
    answer = waiting(method, f"/api/v1/systems/nas7{path}", json=body)
    assert (answer.status_code, answer.json()["code"]) == (403, "E_SYSTEM_PENDING")


def test_it_can_ask_how_it_stands(waiting: Api) -> None:
    answer = waiting.get("/api/v1/systems/nas7/enrolment", params={"installation": "inst-1"})
    assert answer.json() == {"system": "nas7", "state": "pending"}


def approve(operator: Api) -> Any:
    return operator.post("/api/v1/systems/nas7/approve")


def declare(operator: Api) -> Any:
    return operator.post("/api/v1/fleet/apply", {"fleet": fleet({"nas7": {}}, {})})


def put(operator: Api) -> Any:
    return operator.put("/api/v1/systems/nas7", {})


@pytest.mark.parametrize("way", [approve, declare, put])
def test_it_is_approved_by_being_declared(
    waiting: Api, operator: Api, viewer: Api, database: Database, way: Callable[[Api], Any]
) -> None:
    assert way(operator).json()["summary"]["created"] == 1
    assert waiting.post("/api/v1/systems/nas7/reports", full()).status_code == 200
    assert viewer.get("/api/v1/pending-systems").json()["items"] == []
    assert viewer.get("/api/v1/systems/nas7").json()["observed"]["enrolled"]
    query = select(audit.c.event).where(audit.c.object_name == "nas7").order_by(audit.c.id)
    events = database.read(lambda each: each.execute(query).scalars().all())
    assert events == ["system.pending", "system.created", "system.approved"]


def test_only_the_installation_that_waited_is_approved(waiting: Api, operator: Api) -> None:
    approve(operator)
    answer = waiting.post("/api/v1/systems/nas7/reports", full(installation="another"))
    assert answer.json()["code"] == "E_AGENT_CLONED"


def test_a_plan_approves_nobody(waiting: Api, operator: Api, viewer: Api) -> None:
    assert operator.post("/api/v1/fleet/plan", {"fleet": fleet({"nas7": {}}, {})}).status_code == 200
    assert len(viewer.get("/api/v1/pending-systems").json()["items"]) == 1


def test_it_is_turned_away(waiting: Api, operator: Api, viewer: Api) -> None:
    assert operator.post("/api/v1/systems/nas7/reject").json()["name"] == "nas7"
    assert waiting.get("/api/v1/systems/nas7/work").status_code == 401
    assert viewer.get("/api/v1/pending-systems").json()["items"] == []
    again = operator.post("/api/v1/systems/nas7/reject")
    assert (again.status_code, again.json()["code"]) == (404, "E_SYSTEM_NOT_FOUND")


def test_what_does_not_wait_is_not_approved(operator: Api) -> None:
    assert operator.post("/api/v1/systems/nas8/approve").json()["code"] == "E_SYSTEM_NOT_FOUND"


def test_the_same_words_are_answered_the_same(general: Callable[..., Api]) -> None:
    key, enrol = own(), general()
    for _ in range(2):
        assert enrol.post("/api/v1/enrol", words("nas7", key)).json()["state"] == "pending"


def test_another_installation_does_not_take_the_name_of_one_that_is_there(
    waiting: Api, general: Callable[..., Api]
) -> None:
    answer = general(uses=2).post("/api/v1/enrol", words("nas7", own(b"b"), "inst-2"))
    assert (answer.status_code, answer.json()["code"]) == (409, "E_AGENT_CLONED")


def test_it_lets_in_as_many_as_it_says(general: Callable[..., Api]) -> None:
    enrol = general(uses=2)
    answers = [enrol.post("/api/v1/enrol", words(f"n{number}", own(bytes([number])))) for number in (1, 2, 3)]
    assert [each.status_code for each in answers] == [200, 200, 401]
    assert answers[2].json()["code"] == "E_ENROL_USED"
    assert enrol.post("/api/v1/enrol", words("n2", own(bytes([2])))).status_code == 200, "a replay"


def test_it_ends_after_its_time(general: Callable[..., Api], clock: ManualClock) -> None:
    enrol = general(expires_in="10m")
    clock.advance(601)
    assert enrol.post("/api/v1/enrol", words("n1", own())).json()["code"] == "E_ENROL_EXPIRED"


def test_a_declared_system_without_an_agent_is_enrolled_at_once(operator: Api, general: Callable[..., Api]) -> None:
    declare(operator)
    assert general().post("/api/v1/enrol", words("nas7", own())).json()["state"] == "enrolled"


def test_nobody_takes_the_place_of_an_agent_with_it(waiting: Api, operator: Api, general: Callable[..., Api]) -> None:
    approve(operator)
    answer = general(uses=3).post("/api/v1/enrol", words("nas7", own(b"b"), "inst-2"))
    assert (answer.status_code, answer.json()["code"]) == (403, "E_FORBIDDEN")


def test_only_an_admin_makes_it(operator: Api) -> None:
    answer = operator.post(KEYS, {"name": "x", "role": "enrol"})
    assert (answer.status_code, answer.json()["code"]) == (403, "E_FORBIDDEN")


def test_only_it_has_uses(admin: Api) -> None:
    for body in ({"role": "enrol", "system": "nas1", "uses": 2}, {"role": "viewer", "uses": 2}):
        answer = admin.post(KEYS, {"name": "x", **body})
        assert [fault["pointer"] for fault in answer.json()["errors"]] == ["/uses"]
