# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""/api/v1/api-keys: made, listed, shown, revoked, rotated."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from tests.unit.witness.conftest import Api, ManualClock
from zfs_sync.core import tokens as core_tokens
from zfs_sync.witness.db.database import Database
from zfs_sync.witness.db.desired import audit

KEYS = "/api/v1/api-keys"


def test_a_new_key_is_answered_once_and_works(admin: Api, client: TestClient) -> None:
    answer = admin.post(KEYS, {"name": "ci", "role": "viewer", "expires_in": "1h"})
    assert answer.status_code == 201
    key = answer.json()
    assert key["expires"] == "2026-11-24T09:00:00Z"
    assert core_tokens.parse(key["token"]).lookup == key["id"]
    assert Api(client, key["token"]).get("/api/v1/version").status_code == 200
    shown = admin.get(f"{KEYS}/{key['id']}").json()
    assert shown["token"] is None
    assert {**shown, "token": key["token"], "last_used": None} == key


def test_the_name_of_a_live_key_is_taken(admin: Api) -> None:
    first = admin.post(KEYS, {"name": "ci", "role": "viewer"}).json()
    second = admin.post(KEYS, {"name": "ci", "role": "admin"})
    assert (second.status_code, second.json()["code"]) == (409, "E_ALREADY_EXISTS")
    admin.delete(f"{KEYS}/{first['id']}")
    assert admin.post(KEYS, {"name": "ci", "role": "admin"}).status_code == 201


@pytest.mark.parametrize("role", ["admin", "operator", "viewer"])
def test_only_host_keys_are_bound_to_a_system(admin: Api, role: str) -> None:
    answer = admin.post(KEYS, {"name": "x", "role": role, "system": "nas1"})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/system")


def test_agent_keys_are_bound_to_a_system(admin: Api) -> None:
    assert admin.post(KEYS, {"name": "x", "role": "agent"}).json()["errors"][0]["pointer"] == "/system"


def test_an_enrol_key_lives_an_hour_unless_told_otherwise(operator: Api) -> None:
    key = operator.post(KEYS, {"name": "x", "role": "enrol", "system": "nas9"}).json()
    assert key["expires"] == "2026-11-24T09:00:00Z"


@pytest.mark.parametrize("role", ["admin", "operator", "viewer", "agent"])
def test_an_operator_makes_enrol_keys_only(operator: Api, role: str) -> None:
    system = {"system": "nas1"} if role == "agent" else {}
    answer = operator.post(KEYS, {"name": "x", "role": role, **system})
    assert (answer.status_code, answer.json()["code"]) == (403, "E_FORBIDDEN")


def test_all_faults_of_a_key_are_told_at_once(admin: Api) -> None:
    answer = admin.post(KEYS, {"name": "", "role": "root", "expires_in": "60", "system": "../x", "colour": "red"})
    pointers = sorted(fault["pointer"] for fault in answer.json()["errors"])
    assert pointers == ["/colour", "/expires_in", "/name", "/role", "/system"]


def test_a_revoked_key_can_do_nothing_at_once(admin: Api, client: TestClient, tokens: dict[str, str]) -> None:
    viewer = Api(client, tokens["viewer"])
    assert viewer.get("/api/v1/version").status_code == 200
    for _ in range(2):
        assert admin.delete(f"{KEYS}/{core_tokens.parse(tokens['viewer']).lookup}").status_code == 200
    assert viewer.get("/api/v1/version").json()["code"] == "E_UNAUTHENTICATED"


def test_a_rotated_key_is_replaced_under_its_name_and_end(admin: Api, client: TestClient) -> None:
    old = admin.post(KEYS, {"name": "ci", "role": "viewer", "expires_in": "1h"}).json()
    new = admin.post(f"{KEYS}/{old['id']}/rotate").json()
    assert (new["name"], new["role"], new["expires"]) == ("ci", "viewer", old["expires"])
    assert Api(client, old["token"]).get("/api/v1/version").status_code == 401
    assert Api(client, new["token"]).get("/api/v1/version").status_code == 200
    assert admin.post(f"{KEYS}/{old['id']}/rotate").json()["code"] == "E_KEY_NOT_FOUND"


@pytest.mark.parametrize(("method", "suffix"), [("GET", ""), ("DELETE", ""), ("POST", "/rotate")])
def test_an_unknown_key_is_not_found(admin: Api, method: str, suffix: str) -> None:
    answer = admin(method, f"{KEYS}/unknown{suffix}")
    assert (answer.status_code, answer.json()["code"]) == (404, "E_KEY_NOT_FOUND")


def test_keys_are_paged_by_name(admin: Api, mint: Callable[..., str]) -> None:
    for number in range(3):
        mint("viewer", name=f"key-{number}")
    names: list[str] = []
    after: dict[str, Any] = {}
    while True:
        page = admin.get(KEYS, params={"limit": 2, **after}).json()
        names += [key["name"] for key in page["items"]]
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    assert names == sorted(names)
    assert len(names) == 8


def test_the_last_use_is_known_to_about_a_minute(
    admin: Api, viewer: Api, clock: ManualClock, database: Database
) -> None:
    lookup = core_tokens.parse(viewer.token).lookup
    admin.get(KEYS)
    clock.advance(61)
    viewer.get("/api/v1/version")
    clock.advance(61)
    admin.get(KEYS)
    database.write(lambda _: None)  # behind what that request has queued, and did not wait for
    assert admin.get(f"{KEYS}/{lookup}").json()["last_used"] == "2026-11-24T08:01:01Z"


def test_making_and_ending_keys_is_audited_without_the_secret(admin: Api, database: Database) -> None:
    key = admin.post(KEYS, {"name": "ci", "role": "viewer"}).json()
    new = admin.post(f"{KEYS}/{key['id']}/rotate").json()
    admin.delete(f"{KEYS}/{new['id']}")
    query = select(audit).where(audit.c.actor == "admin-test").order_by(audit.c.id)
    rows = database.read(lambda connection: connection.execute(query).all())
    assert [row.event for row in rows] == ["key.created", "key.created", "key.rotated", "key.revoked"]
    assert all(each["token"] not in str(row.detail) for each in (key, new) for row in rows)


def test_a_rotated_key_goes_on_for_the_overlap_and_no_longer(
    admin: Api, client: TestClient, clock: ManualClock
) -> None:
    old = admin.post(KEYS, {"name": "ci", "role": "viewer"}).json()
    new = admin.post(f"{KEYS}/{old['id']}/rotate", {"overlap": "10m"}).json()
    both = [Api(client, each["token"]) for each in (old, new)]
    assert [each.get("/api/v1/version").status_code for each in both] == [200, 200]
    shown = admin.get(f"{KEYS}/{old['id']}").json()
    assert (shown["superseded_by"], shown["expires"]) == (new["id"], "2026-11-24T08:10:00Z")
    assert {each["name"] for each in admin.get(KEYS).json()["items"]} >= {"ci", f"ci (replaced by {new['id']})"}
    clock.advance(601)
    assert [each.get("/api/v1/version").status_code for each in both] == [401, 200]


def test_an_overlap_makes_no_key_live_longer(admin: Api) -> None:
    old = admin.post(KEYS, {"name": "ci", "role": "viewer", "expires_in": "1m"}).json()
    admin.post(f"{KEYS}/{old['id']}/rotate", {"overlap": "1d"})
    assert admin.get(f"{KEYS}/{old['id']}").json()["expires"] == old["expires"]


def test_revoking_a_key_ends_the_one_that_it_replaced(admin: Api, client: TestClient) -> None:
    old = admin.post(KEYS, {"name": "ci", "role": "viewer"}).json()
    new = admin.post(f"{KEYS}/{old['id']}/rotate", {"overlap": "1h"}).json()
    admin.delete(f"{KEYS}/{new['id']}")
    assert Api(client, old["token"]).get("/api/v1/version").status_code == 401


def test_a_key_is_replaced_once(admin: Api) -> None:
    old = admin.post(KEYS, {"name": "ci", "role": "viewer"}).json()
    admin.post(f"{KEYS}/{old['id']}/rotate", {"overlap": "1h"})
    assert admin.post(f"{KEYS}/{old['id']}/rotate").json()["code"] == "E_KEY_NOT_FOUND"


def test_a_bad_overlap_is_a_fault(admin: Api) -> None:
    old = admin.post(KEYS, {"name": "ci", "role": "viewer"}).json()
    answer = admin.post(f"{KEYS}/{old['id']}/rotate", {"overlap": "60"})
    assert [fault["pointer"] for fault in answer.json()["errors"]] == ["/overlap"]
