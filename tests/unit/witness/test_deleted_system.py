# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""A system that is deleted takes its keys along, in the same transaction, whoever deletes it and however."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from tests.unit.witness.conftest import Api
from tests.unit.witness.documents import OWNER, fleet
from tests.unit.witness.hosts import full
from zfs_sync.core import tokens
from zfs_sync.witness.db.database import Database
from zfs_sync.witness.db.desired import api_keys, audit

LONELY = fleet({"nas1": {}, "nas2": {}, "nas9": {}})


def prune(operator: Api) -> Any:
    return operator.post("/api/v1/fleet/apply", {"fleet": fleet(), "prune": True})


def delete(operator: Api) -> Any:
    return operator.delete("/api/v1/systems/nas9", params={"owner": OWNER})


@pytest.fixture
def nas9(operator: Api, agent_of: Callable[[str], Api]) -> Api:
    assert operator.post("/api/v1/fleet/apply", {"fleet": LONELY}).status_code == 200
    return agent_of("nas9")


@pytest.mark.parametrize("remove", [prune, delete])
def test_agent_and_enrol_keys_end_with_the_system(
    operator: Api, nas9: Api, mint: Callable[..., str], client: TestClient, remove: Callable[[Api], Any]
) -> None:
    waiting = Api(client, mint("enrol", system="nas9"))
    other = Api(client, mint("agent", system="nas1", name="another"))
    assert remove(operator).status_code == 200
    for api in (nas9, waiting):
        answer = api.get("/api/v1/version")
        assert (answer.status_code, answer.json()["code"]) == (401, "E_UNAUTHENTICATED")
    assert other.get("/api/v1/version").status_code == 200


def test_an_old_key_speaks_for_no_later_system_of_the_same_name(operator: Api, nas9: Api) -> None:
    delete(operator)
    assert operator.post("/api/v1/fleet/apply", {"fleet": LONELY}).status_code == 200
    assert nas9.post("/api/v1/systems/nas9/reports", full()).status_code == 401


def test_each_key_that_ends_has_an_audit_row_of_who_deleted_the_system(
    operator: Api, nas9: Api, mint: Callable[..., str], database: Database
) -> None:
    lookups = {tokens.parse(nas9.token).lookup, tokens.parse(mint("enrol", system="nas9")).lookup}
    prune(operator)
    query = select(audit).where(audit.c.event == "key.revoked")
    rows = database.read(lambda connection: connection.execute(query).all())
    assert {row.object_name for row in rows} == lookups
    assert {(row.actor, row.detail["reason"]) for row in rows} == {("operator-test", "system nas9 was deleted")}


def test_a_refused_deletion_ends_no_key(operator: Api, nas9: Api, database: Database) -> None:
    body = {"fleet": {**fleet(), "systems": {"nas1": {}, "bad name": {}}}, "prune": True}
    assert operator.post("/api/v1/fleet/apply", body).status_code == 422
    query = select(api_keys.c.revoked_at).where(api_keys.c.system == "nas9")
    assert database.read(lambda connection: connection.execute(query).scalars().all()) == [None]


def test_a_long_poll_of_a_deleted_system_ends_at_once(operator: Api, nas9: Api) -> None:
    tag = nas9.get("/api/v1/systems/nas9/work").headers["ETag"]
    answers: list[Any] = []
    ask = threading.Thread(
        target=lambda: answers.append(
            nas9.get("/api/v1/systems/nas9/work", params={"wait": 30}, headers={"If-None-Match": tag})
        )
    )
    ask.start()
    delete(operator)
    ask.join(20)
    assert not ask.is_alive()
    assert (answers[0].status_code, answers[0].json()["code"]) == (401, "E_UNAUTHENTICATED")
