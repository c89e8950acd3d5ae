# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""A system or a group gets another name, and everything that is known of it goes along."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.witness.conftest import Api
from tests.unit.witness.documents import MEMBERS, fleet
from tests.unit.witness.hosts import dataset, full
from zfs_sync.witness.db.metadata import metadata
from zfs_sync.witness.services import renaming

ME = {"installation": "inst-1"}
SYSTEMS, GROUPS = "/api/v1/systems", "/api/v1/sync-groups"


@pytest.fixture
def nas1(operator: Api, agent_of: Callable[[str], Api]) -> Api:
    assert operator.post("/api/v1/fleet/apply", {"fleet": fleet()}).status_code == 200
    return agent_of("nas1")


@pytest.fixture
def nas2(nas1: Api, agent_of: Callable[[str], Api]) -> Api:
    """nas2 is behind, and runs the job that brings it forward."""
    made = agent_of("nas2")
    for api, name, body in (
        (nas1, "nas1", full(dataset("tank/photos", 1, 2))),
        (made, "nas2", full(dataset("backup/photos", 1, marker="photos"))),
    ):
        assert api.post(f"{SYSTEMS}/{name}/reports", body).status_code == 200
    return made


def rename(api: Api, path: str, name: str, to: str, **options: Any) -> Any:
    return api.post(f"{path}/{name}/rename", {"name": to}, **options)


def work(api: Api, name: str) -> dict[str, Any]:
    answer = api.get(f"{SYSTEMS}/{name}/work", headers={"ZFS-Sync-Protocol": "2"})
    assert answer.status_code == 200, answer.json()
    return dict(answer.json())


def test_a_renamed_system_keeps_its_job_its_key_and_its_reports(operator: Api, viewer: Api, nas2: Api) -> None:
    (job,) = work(nas2, "nas2")["jobs"]
    epoch = nas2.post(f"/api/v1/jobs/{job['id']}/claim", ME).json()["epoch"]
    answer = rename(operator, SYSTEMS, "nas2", "munich").json()
    assert (answer["action"], answer["name"], answer["formerly"]) == ("renamed", "munich", ["nas2"])
    assert [each["code"] for each in answer["warnings"]] == ["ADDRESS_KEPT"]
    told = work(nas2, "nas2")
    assert (told["system"], told["formerly"]) == ("munich", ["nas2"])
    assert told == work(nas2, "munich")
    assert [edge["id"] for edge in told["edges"]] == ["photos:munich:backup/photos"]
    assert [each["id"] for each in told["jobs"]] == [job["id"]]
    path = f"/api/v1/jobs/{job['id']}"
    assert nas2.post(f"{path}/progress", {"epoch": epoch, "bytes_done": 5}).status_code == 200
    done = {"epoch": epoch, "result": "succeeded", "moved_snapshots": 1, "target_head_guid": "2"}
    assert nas2.post(f"{path}/finish", done).json() == {"state": "succeeded"}
    shown = viewer.get(path).json()
    assert (shown["to_system"], shown["edge"]) == ("munich", "photos:munich:backup/photos")
    body = full(dataset("backup/photos", 1, 2, marker="photos"))
    assert nas2.post(f"{SYSTEMS}/nas2/reports", body).status_code == 200
    (item,) = viewer.get("/api/v1/status").json()["items"]
    assert (item["to_system"], item["outcome"], bool(item["last_success"])) == ("munich", "IN_SYNC", True)
    assert viewer.get(f"{SYSTEMS}/munich").json()["ssh"]["host"] == "nas2"
    assert viewer.get(f"{SYSTEMS}/nas2").status_code == 404


def test_peers_are_told_what_a_renamed_system_was_called(operator: Api, nas1: Api, nas2: Api) -> None:
    rename(operator, SYSTEMS, "nas2", "munich")
    (edge,) = work(nas1, "nas1")["edges"]
    assert (edge["peer"]["system"], edge["peer"]["host"], edge["peer"]["formerly"]) == ("munich", "nas2", ["nas2"])
    assert work(nas2, "nas2")["edges"][0]["to_system"] == "munich"


def test_another_key_does_not_speak_for_a_renamed_system(operator: Api, nas1: Api, nas2: Api) -> None:
    rename(operator, SYSTEMS, "nas2", "munich")
    for name in ("nas2", "munich"):
        assert nas1.get(f"{SYSTEMS}/{name}/work").json()["code"] == "E_FORBIDDEN"
    assert nas2.get(f"{SYSTEMS}/munich/work").status_code == 200


def test_a_renamed_group_keeps_its_targets_and_its_rows(operator: Api, viewer: Api, nas1: Api, nas2: Api) -> None:
    (job,) = work(nas2, "nas2")["jobs"]
    answer = rename(operator, GROUPS, "photos", "pictures").json()
    assert (answer["action"], answer["formerly"], answer["warnings"]) == ("renamed", ["photos"], [])
    (item,) = viewer.get("/api/v1/status").json()["items"]
    assert (item["group"], item["outcome"], item["job"]["id"]) == ("pictures", "BEHIND", job["id"])
    told = work(nas2, "nas2")
    assert (told["edges"][0]["group"], told["edges"][0]["formerly"]) == ("pictures", ["photos"])
    claimed = nas2.post(f"/api/v1/jobs/{job['id']}/claim", ME).json()
    assert (claimed["edge"]["id"], claimed["steps"][0]["base_guid"]) == ("pictures:nas2:backup/photos", "1")
    stranger = full(dataset("backup/photos", 1, marker="film"))
    assert nas2.post(f"{SYSTEMS}/nas2/reports", stranger).status_code == 200
    assert viewer.get("/api/v1/status").json()["items"][0]["outcome"] == "TARGET_UNMANAGED"


def test_renamed_twice_and_back(operator: Api, viewer: Api, nas2: Api) -> None:
    for name, to, formerly in (("photos", "b", ["photos"]), ("b", "c", ["b", "photos"]), ("c", "photos", ["b", "c"])):
        assert rename(operator, GROUPS, name, to).json()["formerly"] == formerly
    (item,) = viewer.get("/api/v1/status").json()["items"]
    assert (item["group"], item["outcome"]) == ("photos", "BEHIND")


def test_a_name_that_is_given_to_another_group_means_that_one(operator: Api, nas2: Api) -> None:
    rename(operator, GROUPS, "photos", "pictures")
    other = [{**MEMBERS[0], "dataset": "tank/x"}, {**MEMBERS[1], "dataset": "backup/x"}]
    assert operator.put(f"{GROUPS}/photos", {"members": other}).status_code == 200
    edges = {edge["group"]: edge["formerly"] for edge in work(nas2, "nas2")["edges"]}
    assert edges == {"pictures": [], "photos": []}


def test_from_follows_the_system_that_it_names(operator: Api, viewer: Api, nas1: Api) -> None:
    third = {"system": "vault", "dataset": "safe/photos", "role": "target", "from": "nas2"}
    document = fleet(
        systems={"nas1": {}, "nas2": {}, "vault": {}}, sync_groups={"photos": {"members": [*MEMBERS, third]}}
    )
    assert operator.post("/api/v1/fleet/apply", {"fleet": document}).status_code == 200
    rename(operator, SYSTEMS, "nas2", "aachen")
    exported = viewer.get("/api/v1/fleet").json()["fleet"]
    members = exported["sync_groups"]["photos"]["members"]
    assert [(each["system"], each.get("from")) for each in members] == [
        ("nas1", None), ("aachen", None), ("vault", "aachen"),
    ]  # fmt: skip
    again = operator.post("/api/v1/fleet/apply", {"fleet": exported}).json()
    assert again["summary"]["unchanged"] == 4


@pytest.mark.parametrize(
    ("path", "name", "to", "status", "code"),
    [
        (SYSTEMS, "gone", "new", 404, "E_SYSTEM_NOT_FOUND"),
        (GROUPS, "gone", "new", 404, "E_SYNC_GROUP_NOT_FOUND"),
        (SYSTEMS, "nas1", "nas2", 409, "E_ALREADY_EXISTS"),
        (SYSTEMS, "nas1", "x; touch y", 422, "E_VALIDATION"),
        (GROUPS, "photos", "../x", 422, "E_VALIDATION"),
    ],
)
def test_what_cannot_be_renamed(
    operator: Api, nas1: Api, path: str, name: str, to: str, status: int, code: str
) -> None:
    answer = rename(operator, path, name, to)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_the_same_name_changes_nothing_and_a_plan_of_before_is_refused(operator: Api, viewer: Api, nas1: Api) -> None:
    state = viewer.get("/api/v1/fleet").json()["state"]
    same = rename(operator, SYSTEMS, "nas1", "nas1", headers={"If-Match": state})
    assert (same.json()["action"], same.json()["state"]) == ("unchanged", state)
    assert rename(operator, SYSTEMS, "nas1", "berlin", headers={"If-Match": state}).status_code == 200
    late = rename(operator, SYSTEMS, "nas2", "munich", headers={"If-Match": state})
    assert (late.status_code, late.json()["code"]) == (412, "E_STATE_CHANGED")
    assert rename(viewer, SYSTEMS, "nas2", "munich").json()["code"] == "E_FORBIDDEN"


def test_a_rename_is_in_the_audit(admin: Api, operator: Api, nas1: Api) -> None:
    rename(operator, SYSTEMS, "nas1", "berlin")
    entries = admin.get("/api/v1/audit", params={"event": "system.renamed"}).json()["items"]
    assert [(each["object_name"], each["detail"]) for each in entries] == [("berlin", {"from": "nas1", "to": "berlin"})]


def test_counts_go_along(operator: Api, nas1: Api, nas2: Api, viewer: Api) -> None:
    (job,) = work(nas2, "nas2")["jobs"]
    epoch = nas2.post(f"/api/v1/jobs/{job['id']}/claim", ME).json()["epoch"]
    done = {"epoch": epoch, "result": "succeeded", "moved_snapshots": 1, "target_head_guid": "2"}
    assert nas2.post(f"/api/v1/jobs/{job['id']}/finish", done).status_code == 200
    rename(operator, SYSTEMS, "nas2", "munich")
    rename(operator, GROUPS, "photos", "pictures")
    text = viewer.get("/metrics").text
    assert 'group="pictures"' in text
    assert 'group="photos"' not in text


def test_every_column_that_holds_a_name_is_thought_of() -> None:
    """A table that is added later either follows a rename or keeps what it said at the time."""
    names = {"system", "from_system", "to_system", "runs_on", "group", "systems", "groups"}
    holding = {
        f"{table.name}.{each.name}" for table in metadata.tables.values() for each in table.c if each.name in names
    }
    moved = {f"{each.table.name}.{each.name}" for each in (*renaming._OF_A_SYSTEM, *renaming._OF_A_GROUP)}
    with_their_edges = {f"edges.{name}" for name in ("from_system", "to_system", "group")}
    added_up = {f"job_totals.{name}" for name in ("from_system", "to_system", "group")}
    assert holding == moved | with_their_edges | added_up | {"audit_systems.system"}
