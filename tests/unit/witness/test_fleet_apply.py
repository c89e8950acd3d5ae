# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""POST /api/v1/fleet/apply and /plan: what changes, what does not, what is refused."""

import itertools
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import select

from tests.unit.witness.conftest import Api
from tests.unit.witness.documents import MEMBERS, fleet, many
from zfs_sync.witness.db.database import Database
from zfs_sync.witness.db.desired import audit

APPLY = "/api/v1/fleet/apply"
PLAN = "/api/v1/fleet/plan"


def apply(api: Api, document: dict[str, Any], **flags: Any) -> dict[str, Any]:
    answer = api.post(APPLY, {"fleet": document, **flags})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def refused(api: Api, document: dict[str, Any], code: str, **flags: Any) -> dict[str, str]:
    """The faults of a request that is refused, by pointer."""
    for path in (PLAN, APPLY):
        answer = api.post(path, {"fleet": document, **flags})
        assert answer.json()["code"] == code, answer.text
    return {fault["pointer"]: fault["message"] for fault in answer.json()["errors"]}


def actions(answer: dict[str, Any]) -> dict[str, str]:
    return {change["name"]: change["action"] for change in answer["changes"]}


def test_a_new_fleet_is_created_with_every_default_filled_in(operator: Api) -> None:
    answer = apply(operator, fleet())
    assert answer["summary"] == {"created": 3, "updated": 0, "deleted": 0, "unchanged": 0}
    nas1, _, photos = (change["after"] for change in answer["changes"])
    assert nas1 == {
        "description": "",
        "platform": None,
        "ssh": {"host": "nas1", "user": "zfs-sync", "port": 22},
        "labels": {},
        "limits": {},
        "maintenance": False,
    }
    assert photos["interval"] == "continuous"
    assert photos["members"] == MEMBERS


def test_a_second_apply_changes_nothing_and_keeps_the_state(operator: Api) -> None:
    first = apply(operator, fleet())
    second = apply(operator, fleet())
    assert second["summary"] == {"created": 0, "updated": 0, "deleted": 0, "unchanged": 3}
    assert second["state"] == first["state"]


def test_plan_answers_what_apply_then_does_and_writes_nothing(operator: Api, viewer: Api, database: Database) -> None:
    apply(operator, fleet())
    document = fleet({"nas1": {"description": "Berlin"}, "nas3": {}}, {})
    request = {"fleet": document, "delete": {"sync_groups": ["photos"]}, "prune": True, "prune_limit": 5}
    planned = viewer.post(PLAN, request).json()
    assert viewer.post(PLAN, request).json() == planned
    applied = operator.post(APPLY, request).json()
    assert {**applied, "state": ""} == {**planned, "state": ""}
    assert actions(applied) == {"nas1": "updated", "nas2": "deleted", "nas3": "created", "photos": "deleted"}


def test_other_spellings_of_the_same_content_are_unchanged(operator: Api) -> None:
    members = [*MEMBERS, {"system": "nas3", "dataset": "safe/photos", "role": "target", "from": "nas2"}]
    systems = {"nas1": {}, "nas2": {}, "nas3": {}}
    apply(operator, fleet(systems, {"photos": {"members": members, "interval": "90m", "lag_limit": "1h"}}))
    other = [
        {"system": "nas3", "dataset": "safe/photos", "role": "target", "from": "nas2:backup/photos"},
        {**MEMBERS[1], "from": "nas1"},
        {**MEMBERS[0], "from": None},
    ]
    group = {"members": other, "interval": "PT1H30M", "lag_limit": "60m", "priority": 50}
    answer = apply(operator, fleet(systems, {"photos": group}))
    assert answer["summary"]["unchanged"] == 4


def test_an_absent_field_is_not_managed_and_a_null_one_is_back_at_its_default(operator: Api) -> None:
    apply(operator, fleet({"nas1": {"description": "Berlin", "labels": {"site": "b"}, "ssh": {"port": 2222}}}, {}))
    assert actions(apply(operator, fleet({"nas1": {}}, {}))) == {"nas1": "unchanged"}
    assert actions(apply(operator, fleet({"nas1": None}, {}))) == {"nas1": "unchanged"}
    (change,) = apply(operator, fleet({"nas1": {"description": None, "ssh": None}}, {}))["changes"]
    assert change["fields"] == ["description", "ssh"]
    assert change["after"]["labels"] == {"site": "b"}
    assert change["after"]["ssh"]["port"] == 22


def test_a_map_is_one_value(operator: Api) -> None:
    apply(operator, fleet({"nas1": {"ssh": {"host": "a.example", "port": 2222}}}, {}))
    (change,) = apply(operator, fleet({"nas1": {"ssh": {"host": "b.example"}}}, {}))["changes"]
    assert change["after"]["ssh"] == {"host": "b.example", "user": "zfs-sync", "port": 22}


def test_defaults_lie_under_every_entry(operator: Api) -> None:
    defaults = {"system": {"ssh": {"user": "repl", "port": 2222}}, "sync_group": {"interval": "15m", "lag_limit": "1h"}}
    systems = {"nas1": {"ssh": {"host": "a.example"}}, "nas2": {"ssh": {"port": None}}}
    groups = {"photos": {"members": MEMBERS, "lag_limit": None}}
    nas1, nas2, photos = apply(operator, fleet(systems, groups, defaults=defaults))["changes"]
    assert nas1["after"]["ssh"] == {"host": "a.example", "user": "repl", "port": 2222}
    assert nas2["after"]["ssh"] == {"host": "nas2", "user": "repl", "port": 22}
    assert (photos["after"]["interval"], photos["after"]["lag_limit"]) == ("15m", None)


def test_all_faults_are_told_at_once_with_their_pointers(operator: Api) -> None:
    document = fleet(
        {
            "nas1": {"ssh": {"port": "22"}, "colour": "red"},
            "nas2": {"platform": "beos"},
            "x; touch /tmp/y": {},
            "nas3": {},
        },
        {
            "photos": {"members": [{"system": "gone", "dataset": "../etc", "role": "source"}]},
            "music": {"members": [{"system": "gone", "dataset": "tank/music", "role": "source"}]},
            "film": {"interval": "15", "members": MEMBERS},
            "loop": {
                "members": [
                    {"system": "nas1", "dataset": "tank/loop", "role": "source"},
                    {"system": "nas2", "dataset": "tank/loop", "role": "target", "from": "nas3"},
                    {"system": "nas3", "dataset": "tank/loop", "role": "target", "from": "nas2"},
                ]
            },
        },
        defaults={"system": {"ssh": {"host": "a b"}}},
        owner="nobody",
    )
    del document["defaults"]
    faults = refused(operator, document, "E_VALIDATION", delete={"systems": ["nas3"]}, adopt="yes")
    assert faults == {
        "/adopt": "this must be true or false",
        "/delete/systems/0": "'nas3' is declared in the same request",
        "/fleet/owner": "'nobody' is not an owner: write <tool>/<name>, such as gitops/berlin",
        "/fleet/systems/nas1/colour": "this key is not known",
        "/fleet/systems/nas1/ssh/port": "this must be a whole number",
        "/fleet/systems/nas2/platform": "this must be 'linux', 'freebsd', 'illumos' or 'macos'",
        "/fleet/systems/x; touch ~1tmp~1y": faults["/fleet/systems/x; touch ~1tmp~1y"],
        "/fleet/sync_groups/film/interval": faults["/fleet/sync_groups/film/interval"],
        "/fleet/sync_groups/loop/members/1/from": "'from' leads in a circle that the source does not feed",
        "/fleet/sync_groups/loop/members/2/from": "'from' leads in a circle that the source does not feed",
        "/fleet/sync_groups/music/members": "a sync group needs at least one member with role target",
        "/fleet/sync_groups/music/members/0/system": "there is no system 'gone'",
        "/fleet/sync_groups/photos/members/0/dataset": faults["/fleet/sync_groups/photos/members/0/dataset"],
    }


def test_a_refused_request_changes_nothing_at_all(operator: Api, viewer: Api) -> None:
    refused(operator, fleet({"nas1": {}, "nas2": {"colour": "red"}}, {}), "E_VALIDATION")
    assert viewer.get("/api/v1/systems").json()["items"] == []


@pytest.mark.parametrize(
    ("body", "message"), [("{", "Expecting"), ("[]", "this must be an object"), ("[" * 100_000, "recursion")]
)
def test_a_body_that_is_no_object_is_refused(operator: Api, body: str, message: str) -> None:
    answer = operator("POST", APPLY, content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (422, "E_VALIDATION")
    assert message in answer.json()["errors"][0]["message"]


def test_a_group_without_members_is_refused(operator: Api) -> None:
    faults = refused(operator, fleet(sync_groups={"photos": {}}), "E_VALIDATION")
    assert set(faults) == {"/fleet/sync_groups/photos/members"}


def test_faults_of_inherited_members_point_at_the_defaults(operator: Api) -> None:
    defaults = {"sync_group": {"members": [MEMBERS[0]]}}
    faults = refused(operator, fleet(sync_groups={"photos": {}}, defaults=defaults), "E_VALIDATION")
    assert set(faults) == {"/fleet/defaults/sync_group/members"}


def test_what_another_owner_declared_is_not_changed_unless_adopted(operator: Api) -> None:
    apply(operator, fleet({"nas1": {}, "nas2": {}}, {}))
    mine = fleet({"nas1": {}, "nas2": {"description": "mine"}}, {}, owner="pulumi/acme.prod")
    assert refused(operator, mine, "E_OWNED_BY_OTHER") == {
        "/fleet/systems/nas2": "system 'nas2' belongs to ansible/site, and this is pulumi/acme.prod"
    }
    assert actions(apply(operator, mine, adopt=True)) == {"nas1": "unchanged", "nas2": "updated"}
    assert operator.get("/api/v1/systems/nas1").json()["owner"] == "ansible/site"
    assert operator.get("/api/v1/systems/nas2").json()["owner"] == "pulumi/acme.prod"


def test_create_only_fails_where_an_object_exists(operator: Api) -> None:
    apply(operator, fleet({"nas1": {}}, {}))
    faults = refused(operator, fleet({"nas1": {}, "nas2": {}}, {}), "E_ALREADY_EXISTS", create_only=True)
    assert set(faults) == {"/fleet/systems/nas1"}


def test_deleting_what_is_absent_is_unchanged(operator: Api) -> None:
    answer = apply(operator, fleet({}, {}), delete={"systems": ["gone"], "sync_groups": ["gone"]})
    assert answer["summary"] == {"created": 0, "updated": 0, "deleted": 0, "unchanged": 2}


def test_a_system_in_use_is_deleted_only_with_its_membership(operator: Api) -> None:
    apply(operator, fleet())
    faults = refused(operator, fleet({}, {}), "E_SYSTEM_IN_USE", delete={"systems": ["nas2"]})
    assert faults == {"/delete/systems/0": "system 'nas2' is still a member of 'photos'"}
    answer = apply(operator, fleet({}, {}), delete={"systems": ["nas2"], "sync_groups": ["photos"]})
    assert answer["summary"]["deleted"] == 2


def test_prune_deletes_only_this_owners_objects(operator: Api) -> None:
    apply(operator, fleet({"other": {}}, {}, owner="cli/default"))
    apply(operator, fleet())
    answer = apply(operator, fleet({"nas1": {}}, {}), prune=True)
    assert actions(answer) == {"nas1": "unchanged", "nas2": "deleted", "photos": "deleted"}
    assert [each["name"] for each in operator.get("/api/v1/systems").json()["items"]] == ["nas1", "other"]


@pytest.mark.parametrize(("owned", "kept", "allowed"), [(8, 3, True), (8, 2, False), (40, 32, True), (40, 31, False)])
def test_prune_is_refused_beyond_five_or_a_fifth(operator: Api, owned: int, kept: int, allowed: bool) -> None:
    names = [f"nas{number}" for number in range(owned)]
    apply(operator, fleet({name: {} for name in names}, {}))
    document = fleet({name: {} for name in names[:kept]}, {})
    if allowed:
        assert apply(operator, document, prune=True)["summary"]["deleted"] == owned - kept
        return
    answer = operator.post(PLAN, {"fleet": document, "prune": True}).json()
    assert answer["code"] == "E_PRUNE_TOO_MUCH"
    assert [fault["message"] for fault in answer["errors"]] == [
        f"system '{name}' would be deleted" for name in sorted(names[kept:])
    ]
    assert apply(operator, document, prune=True, prune_limit=owned - kept)["summary"]["deleted"] == owned - kept


def test_prune_by_an_empty_document_must_be_said_twice(operator: Api) -> None:
    apply(operator, fleet({"nas1": {}}, {}))
    refused(operator, fleet({}, {}), "E_PRUNE_TOO_MUCH", prune=True)
    refused(operator, fleet({}, {}), "E_PRUNE_TOO_MUCH", prune=True, prune_limit=0)
    assert apply(operator, fleet({}, {}), prune=True, prune_limit=1)["summary"]["deleted"] == 1


def test_a_state_tag_that_has_lost_its_quotes_is_the_same_tag(operator: Api) -> None:
    planned = operator.post(PLAN, {"fleet": fleet()}).json()["state"].strip('"')
    assert operator.post(APPLY, {"fleet": fleet()}, headers={"If-Match": planned}).status_code == 200
    assert operator.post(APPLY, {"fleet": fleet()}, headers={"If-Match": planned}).status_code == 412


def test_a_stale_if_match_is_refused(operator: Api) -> None:
    planned = operator.post(PLAN, {"fleet": fleet()}).json()["state"]
    first = operator.post(APPLY, {"fleet": fleet()}, headers={"If-Match": planned})
    assert first.status_code == 200
    assert first.headers["ETag"] == first.json()["state"] != planned
    second = operator.post(APPLY, {"fleet": fleet({"nas3": {}}, {})}, headers={"If-Match": planned})
    assert (second.status_code, second.json()["code"]) == (412, "E_STATE_CHANGED")
    assert operator.get("/api/v1/systems/nas3").status_code == 404


@pytest.mark.parametrize(
    ("members", "fragment"),
    [
        (["nas1:tank/photos:source", "nas2:backup/photos:target"], "fed by one edge at most"),
        (["nas1:tank/photos:source", "nas2:backup/photos/2026:target"], "must not lie inside the target"),
        (["nas1:tank/x:source", "nas2:backup:target"], "must not lie above the target"),
        (["nas2:tank/x:source", "nas1:tank/photos/x:target"], "must not lie inside the source"),
        (["nas2:tank/x:source", "nas1:tank:target"], "must not lie above the source"),
        (["nas2:backup/photos:source", "nas1:x:target"], "make one group of both"),
        (["nas1:tank/y:source", "nas1:tank/y/z:target"], "must not lie inside the source"),
    ],
)
def test_overlaps_are_refused(operator: Api, members: list[str], fragment: str) -> None:
    apply(operator, fleet())
    rows = [dict(zip(("system", "dataset", "role"), text.split(":"), strict=True)) for text in members]
    (fault,) = refused(operator, fleet({}, {"other": {"members": rows}}), "E_VALIDATION").items()
    assert fault[0].startswith("/fleet/sync_groups/other/members/")
    assert fragment in fault[1]


def test_members_that_do_not_overlap_are_accepted(operator: Api) -> None:
    rows = [
        {"system": "nas1", "dataset": "tank/photos-old", "role": "source"},
        {"system": "nas2", "dataset": "backup/photos-old", "role": "target"},
        {"system": "nas1", "dataset": "tank/a b", "role": "target"},
        {"system": "nas1", "dataset": "tank/-x", "role": "target"},
    ]
    below = [{**MEMBERS[0], "dataset": "tank/flat"}, {**MEMBERS[1], "dataset": "backup/flat"}]
    inside = [{**MEMBERS[0], "dataset": "tank/flat/in"}, {**MEMBERS[1], "dataset": "backup/flat/in"}]
    groups = {"other": {"members": rows}, "flat": {"members": below, "recursive": False}, "in": {"members": inside}}
    apply(operator, fleet(sync_groups={"photos": {"members": MEMBERS}, **groups}))


def test_each_change_leaves_one_audit_row_and_an_unchanged_object_none(operator: Api, database: Database) -> None:
    def rows() -> list[tuple[str, str, str, str]]:
        query = select(audit).where(audit.c.object_kind != "api_key").order_by(audit.c.id)
        found = database.read(lambda connection: connection.execute(query).all())
        return [(row.event, row.object_name, row.actor, row.request_id) for row in found]

    operator.post(APPLY, {"fleet": fleet()}, headers={"X-Request-Id": "first"})
    operator.post(APPLY, {"fleet": fleet({"nas1": {"maintenance": True}}, {})}, headers={"X-Request-Id": "second"})
    assert rows() == [
        ("system.created", "nas1", "operator-test", "first"),
        ("system.created", "nas2", "operator-test", "first"),
        ("sync_group.created", "photos", "operator-test", "first"),
        ("system.updated", "nas1", "operator-test", "second"),
    ]


def test_the_export_applies_as_unchanged(operator: Api, viewer: Api) -> None:
    apply(operator, fleet())
    apply(operator, fleet({"nas3": {"labels": {"b": "2", "a": "1"}}}, {}, owner="cli/default"))
    everything = viewer.get("/api/v1/fleet").json()
    assert apply(operator, everything["fleet"])["summary"]["unchanged"] == 4
    mine = viewer.get("/api/v1/fleet", params={"owner": "cli/default"}).json()["fleet"]
    assert (mine["owner"], list(mine["systems"]), mine["sync_groups"]) == ("cli/default", ["nas3"], {})
    assert apply(operator, mine, prune=True)["summary"] == {"created": 0, "updated": 0, "deleted": 0, "unchanged": 1}


def test_applies_at_the_same_time_happen_one_after_another(operator: Api) -> None:
    numbers = range(24)

    def one(number: int) -> int:
        document = fleet({"shared": {"description": str(number)}, f"nas{number}": {}}, {})
        return int(operator.post(APPLY, {"fleet": document}).status_code)

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(one, numbers)) == {200}
    state = operator.get("/api/v1/fleet").json()
    assert len(state["fleet"]["systems"]) == len(numbers) + 1
    assert state["state"].rstrip('"').endswith(f"-{len(numbers)}")


def test_a_thousand_systems_are_planned_in_well_under_a_second(app: FastAPI, operator: Api, viewer: Api) -> None:
    document = many(1_000)
    apply(operator, document)
    started = time.process_time()
    answer = viewer.post(PLAN, {"fleet": document, "prune": True}).json()
    assert answer["summary"]["unchanged"] == 2_000
    assert time.process_time() - started < 1.0


def test_the_order_of_members_and_labels_never_matters(operator: Api) -> None:
    apply(operator, fleet())
    for members in itertools.permutations(MEMBERS):
        assert apply(operator, fleet(sync_groups={"photos": {"members": list(members)}}))["summary"]["unchanged"] == 3
