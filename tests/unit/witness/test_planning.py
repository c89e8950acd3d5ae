# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""What the planner queues, and when: parents, marks, requests, and what a person has cancelled."""

from collections.abc import Callable

import pytest
from fastapi import FastAPI
from sqlalchemy import func, select
from starlette.testclient import TestClient

from tests.unit.witness.conftest import Api, ManualClock
from tests.unit.witness.documents import MEMBERS, fleet
from tests.unit.witness.hosts import dataset, delta, full, snapshots
from tests.unit.witness.test_work import behind, claim, nas1, nas2, report, row, work
from zfs_sync.core.tokens import Token, parse
from zfs_sync.core.tokens import mint as mint_token
from zfs_sync.witness.db.database import Database
from zfs_sync.witness.db.desired import audit
from zfs_sync.witness.sweep import sweep

__all__ = ["nas1", "nas2"]

BEAT = {"protocol": 1, "installation": "inst-1", "agent_version": "0.1.0", "running": []}


def declare(operator: Api, **more: object) -> None:
    document = fleet(sync_groups={"photos": {"members": MEMBERS, **more}})
    assert operator.post("/api/v1/fleet/apply", {"fleet": document}).status_code == 200


def arrived(path: str, guid: int) -> dict:
    """A target that has got one more snapshot, which is at its place in the history."""
    return dataset(path, marker="photos") | {"add": snapshots(*range(1, guid + 1))[-1:]}


def finish(agent: Api, job: str, epoch: int, result: str = "succeeded", **more: object) -> None:
    answer = agent.post(f"/api/v1/jobs/{job}/finish", {"epoch": epoch, "result": result, **more})
    assert answer.status_code == 200, answer.text


def test_nothing_is_received_below_a_dataset_that_is_not_ours(nas1: Api, nas2: Api, viewer: Api) -> None:
    report(nas1, "nas1", full(dataset("tank/photos", 1), dataset("tank/photos/a", 2)))
    report(nas2, "nas2", full(dataset("backup/photos", 7)))
    assert row(viewer)["outcome"] == "TARGET_UNMANAGED"
    assert row(viewer, "a")["outcome"] == "BLOCKED_BY_PARENT"
    assert work(nas2, "nas2")["jobs"] == []


def test_a_parent_that_is_handed_over_lets_its_children_in(nas1: Api, nas2: Api, viewer: Api) -> None:
    report(nas1, "nas1", full(dataset("tank/photos", 1), dataset("tank/photos/a", 2)))
    held = report(nas2, "nas2", full(dataset("backup/photos", 1)))
    report(nas2, "nas2", delta(held, dataset("backup/photos", marker="photos")))
    assert [job["relative"] for job in work(nas2, "nas2")["jobs"]] == ["a"]


def test_a_child_waits_again_when_its_parent_is_gone(nas1: Api, nas2: Api, viewer: Api) -> None:
    report(nas1, "nas1", full(dataset("tank/photos", 1), dataset("tank/photos/a", 2)))
    held = report(nas2, "nas2", full(dataset("backup/photos", 1, marker="photos")))
    assert row(viewer, "a")["outcome"] == "INITIAL"
    report(nas2, "nas2", delta(held, gone=["backup/photos"]))
    assert row(viewer, "a")["outcome"] == "BLOCKED_BY_PARENT"
    assert [job["relative"] for job in work(nas2, "nas2")["jobs"]] == [""]


def test_a_report_before_the_finish_does_not_hold_up_the_next_snapshot(nas1: Api, nas2: Api, viewer: Api) -> None:
    source = report(nas1, "nas1", full(dataset("tank/photos", 1, 2)))
    target = report(nas2, "nas2", full(dataset("backup/photos", 1, marker="photos")))
    (job,) = work(nas2, "nas2")["jobs"]
    epoch = claim(nas2, job["id"])["epoch"]
    report(nas2, "nas2", delta(target, arrived("backup/photos", 2)))
    finish(nas2, job["id"], epoch, target_head_guid="2")
    report(nas1, "nas1", delta(source, arrived("tank/photos", 3)))
    assert row(viewer)["outcome"] == "BEHIND"
    assert len(work(nas2, "nas2")["jobs"]) == 1


def test_asking_for_a_manual_group_reaches_the_whole_tree(nas1: Api, nas2: Api, operator: Api) -> None:
    declare(operator, mode="manual")
    report(nas1, "nas1", full(dataset("tank/photos", 1), dataset("tank/photos/a", 2)))
    target = report(nas2, "nas2", full())
    assert work(nas2, "nas2")["jobs"] == []
    operator.post("/api/v1/sync-groups/photos/sync", {})
    (job,) = work(nas2, "nas2")["jobs"]
    epoch = claim(nas2, job["id"])["epoch"]
    report(nas2, "nas2", delta(target, dataset("backup/photos", 1, marker="photos")))
    finish(nas2, job["id"], epoch, target_head_guid="1")
    assert [each["relative"] for each in work(nas2, "nas2")["jobs"]] == ["a"]


def test_a_handed_over_target_is_not_kept_waiting_by_an_old_failure(nas1: Api, nas2: Api) -> None:
    job = behind(nas1, nas2)
    error = {"code": "E_TARGET_UNMANAGED", "message": "not ours", "hint": "hand it over"}
    finish(nas2, job, claim(nas2, job)["epoch"], "failed", error=error)
    report(nas2, "nas2", full(dataset("backup/photos", 1)))
    report(nas2, "nas2", full(dataset("backup/photos", 1, marker="photos")))
    assert len(work(nas2, "nas2")["jobs"]) == 1


def test_an_interval_lies_between_two_syncs(nas1: Api, nas2: Api, operator: Api, clock: ManualClock) -> None:
    declare(operator, interval="15m")
    source = report(nas1, "nas1", full(dataset("tank/photos", 1, 2)))
    target = report(nas2, "nas2", full(dataset("backup/photos", 1, marker="photos")))
    (job,) = work(nas2, "nas2")["jobs"]
    finish(nas2, job["id"], claim(nas2, job["id"])["epoch"], target_head_guid="2")
    report(nas2, "nas2", delta(target, arrived("backup/photos", 2)))
    report(nas1, "nas1", delta(source, arrived("tank/photos", 3)))
    assert work(nas2, "nas2")["jobs"] == []
    clock.advance(15 * 60)
    assert len(work(nas2, "nas2")["jobs"]) == 1


def test_a_lost_job_that_was_cancelled_is_not_queued_anew(
    app: FastAPI, nas1: Api, nas2: Api, operator: Api, viewer: Api, clock: ManualClock
) -> None:
    job = behind(nas1, nas2)
    claim(nas2, job)
    clock.advance(61)
    sweep(app.state.witness)
    operator.post(f"/api/v1/jobs/{job}/cancel")
    nas2.post("/api/v1/systems/nas2/heartbeat", BEAT)
    assert viewer.get(f"/api/v1/jobs/{job}").json()["state"] == "cancelled"
    assert work(nas2, "nas2")["jobs"] == []


def test_a_copy_is_a_warning_in_the_status_for_a_day(nas1: Api, viewer: Api, clock: ManualClock) -> None:
    report(nas1, "nas1", full())
    assert nas1.post("/api/v1/systems/nas1/reports", full(installation="inst-2")).status_code == 409
    for seconds, count in ((0, 1), (86_000, 1), (500, 0)):
        clock.advance(seconds)
        shown = next(each for each in viewer.get("/api/v1/status").json()["systems"] if each["name"] == "nas1")
        assert len(shown["warnings"]) == count
        assert all("E_AGENT_CLONED" in each and "inst-2" in each for each in shown["warnings"])


def test_a_copy_that_keeps_speaking_is_noted_once_an_hour(nas1: Api, database: Database, clock: ManualClock) -> None:
    report(nas1, "nas1", full())
    noted = select(func.count()).select_from(audit).where(audit.c.event == "system.cloned_agent")
    for seconds, wanted in ((0, 1), (30, 1), (3_601, 2)):
        clock.advance(seconds)
        assert nas1.post("/api/v1/systems/nas1/reports", full(installation="inst-2")).status_code == 409
        assert database.read(lambda each: each.execute(noted).scalar()) == wanted


@pytest.fixture
def own() -> Token:
    return mint_token("agent", lambda count: bytes(range(count)))


@pytest.fixture
def introduction(nas1: Api, tokens: dict[str, str], client: TestClient) -> Api:
    return Api(client, tokens["enrol"])


def enrolment(token: Token, **more: str) -> dict:
    body = {"system": "nas1", "installation": "inst-9", "agent_version": "0.1.0", "protocol": 1}
    return body | {"token_lookup": token.lookup, "token_sha256": token.sha256} | more


def test_an_agents_key_cannot_take_the_place_of_another(introduction: Api, own: Token, tokens: dict[str, str]) -> None:
    body = enrolment(own, token_lookup=parse(tokens["admin"]).lookup, token_sha256="Z" * 64)
    answer = introduction.post("/api/v1/enrol", body)
    assert answer.json()["code"] == "E_VALIDATION"
    assert [each["pointer"] for each in answer.json()["errors"]] == ["/token_lookup", "/token_sha256"]
    assert introduction.post("/api/v1/enrol", enrolment(own)).json() == {"system": "nas1"}


def test_an_agent_enrols_though_somebody_elses_key_has_its_name(
    nas1: Api, own: Token, mint: Callable[..., str], client: TestClient
) -> None:
    mint("viewer", name="agent-nas2")
    introduction = Api(client, mint("enrol", system="nas2", name="introduction"))
    assert introduction.post("/api/v1/enrol", enrolment(own, system="nas2")).status_code == 200
    assert Api(client, own.text).get("/api/v1/systems/nas2/work").status_code == 200
