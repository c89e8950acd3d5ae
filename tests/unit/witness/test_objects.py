# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""/api/v1/systems and /api/v1/sync-groups: the same service as the document, for one object."""

from typing import Any

import pytest

from tests.unit.witness.conftest import Api
from tests.unit.witness.documents import MEMBERS, OWNER, fleet

SYSTEMS = "/api/v1/systems"
GROUPS = "/api/v1/sync-groups"


@pytest.fixture
def applied(operator: Api) -> Api:
    operator.post("/api/v1/fleet/apply", {"fleet": fleet()})
    return operator


def test_one_object_is_declared_shown_and_deleted(operator: Api) -> None:
    created = operator.put(f"{SYSTEMS}/nas1", {"description": "Berlin"}, params={"owner": OWNER})
    assert created.json()["summary"]["created"] == 1
    shown = operator.get(f"{SYSTEMS}/nas1").json()
    assert (shown["name"], shown["owner"], shown["description"]) == ("nas1", OWNER, "Berlin")
    assert shown["created"] == "2026-11-24T08:00:00Z"
    again = operator.put(f"{SYSTEMS}/nas1", {"description": "Berlin"}, params={"owner": OWNER}).json()
    assert again["summary"]["unchanged"] == 1
    assert again["state"] == created.headers["ETag"]
    deleted = operator.delete(f"{SYSTEMS}/nas1", params={"owner": OWNER}).json()
    assert deleted["changes"][0]["action"] == "deleted"
    assert operator.delete(f"{SYSTEMS}/nas1", params={"owner": OWNER}).json()["summary"]["unchanged"] == 1


def test_faults_point_into_the_body(applied: Api) -> None:
    answer = applied.put(f"{GROUPS}/photos", {"interval": 5, "members": [{**MEMBERS[0], "role": "master"}]})
    assert [fault["pointer"] for fault in answer.json()["errors"]] == ["/members/0/role", "/interval"]
    answer = applied.put(f"{GROUPS}/film", {"members": [MEMBERS[0], {**MEMBERS[1], "system": "gone"}]})
    assert [fault["pointer"] for fault in answer.json()["errors"]] == ["/members/1/system"]


@pytest.mark.parametrize("name", ["x; touch y", "A", "-x", "a" * 64])
@pytest.mark.parametrize("path", [SYSTEMS, GROUPS])
def test_a_hostile_name_is_refused_where_it_would_be_stored(operator: Api, path: str, name: str) -> None:
    answer = operator.put(f"{path}/{name}", {})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/path/name")
    assert operator.get(f"{path}/{name}").status_code == 404


@pytest.mark.parametrize(
    ("path", "code"), [(f"{SYSTEMS}/gone", "E_SYSTEM_NOT_FOUND"), (f"{GROUPS}/gone", "E_SYNC_GROUP_NOT_FOUND")]
)
def test_an_unknown_object_is_not_found(viewer: Api, path: str, code: str) -> None:
    answer = viewer.get(path)
    assert (answer.status_code, answer.json()["code"]) == (404, code)


def test_an_object_of_another_owner_is_kept_unless_adopted(applied: Api) -> None:
    other = {"owner": "cli/default"}
    assert applied.put(f"{SYSTEMS}/nas1", {"maintenance": True}, params=other).json()["code"] == "E_OWNED_BY_OTHER"
    assert applied.delete(f"{GROUPS}/photos", params=other).json()["code"] == "E_OWNED_BY_OTHER"
    assert applied.delete(f"{GROUPS}/photos").json()["code"] == "E_OWNED_BY_OTHER"
    adopted = applied.put(f"{SYSTEMS}/nas1", {"maintenance": True}, params={**other, "adopt": True})
    assert adopted.status_code == 200
    assert applied.get(f"{SYSTEMS}/nas1").json()["owner"] == "cli/default"


def test_create_only_fails_on_what_exists(applied: Api) -> None:
    answer = applied.put(f"{SYSTEMS}/nas1", {}, params={"create_only": True})
    assert answer.json()["code"] == "E_ALREADY_EXISTS"


def test_a_system_in_use_is_not_deleted(applied: Api) -> None:
    answer = applied.delete(f"{SYSTEMS}/nas1", params={"owner": OWNER})
    assert (answer.status_code, answer.json()["code"]) == (409, "E_SYSTEM_IN_USE")


def test_a_stale_if_match_is_refused(applied: Api) -> None:
    headers = {"If-Match": '"stale-1"'}
    assert applied.put(f"{SYSTEMS}/nas1", {}, headers=headers).status_code == 412
    assert applied.delete(f"{SYSTEMS}/nas1", headers=headers).status_code == 412
    current = f'"x", {applied.get("/api/v1/fleet").headers["ETag"]}'
    assert applied.put(f"{SYSTEMS}/nas1", {}, headers={"If-Match": current}).status_code == 200


def test_lists_page_by_name(applied: Api) -> None:
    first = applied.get(SYSTEMS, params={"limit": 1}).json()
    assert ([each["name"] for each in first["items"]], first["next"]) == (["nas1"], "nas1")
    second = applied.get(SYSTEMS, params={"limit": 1, "after": "nas1"}).json()
    assert ([each["name"] for each in second["items"]], second["next"]) == (["nas2"], None)


@pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 1001}, {"limit": "x"}, {"offset": 1}, {"owner": "x"}])
def test_wrong_query_parameters_are_errors(viewer: Api, query: dict[str, Any]) -> None:
    answer = viewer.get(SYSTEMS, params=query)
    assert (answer.status_code, answer.json()["code"]) == (422, "E_VALIDATION")
    assert answer.json()["errors"][0]["pointer"] == f"/query/{next(iter(query))}"
