# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""From reports to jobs to replicated state, over HTTP, with two agents that a test speaks for."""

import threading
from collections.abc import Callable

import pytest

from tests.unit.witness.conftest import Api, ManualClock
from tests.unit.witness.documents import fleet
from tests.unit.witness.hosts import dataset, delta, full

ME = {"installation": "inst-1"}


@pytest.fixture
def nas1(operator: Api, agent_of: Callable[[str], Api]) -> Api:
    assert operator.post("/api/v1/fleet/apply", {"fleet": fleet()}).status_code == 200
    return agent_of("nas1")


@pytest.fixture
def nas2(nas1: Api, agent_of: Callable[[str], Api]) -> Api:
    return agent_of("nas2")


def report(agent: Api, system: str, body: dict) -> str:
    answer = agent.post(f"/api/v1/systems/{system}/reports", body)
    assert answer.status_code == 200, answer.json()
    return body["generation"]


def row(api: Api, relative: str = "") -> dict:
    items = api.get("/api/v1/status").json()["items"]
    return next(each for each in items if each["relative"] == relative)


def work(agent: Api, system: str) -> dict:
    answer = agent.get(f"/api/v1/systems/{system}/work")
    assert answer.status_code == 200, answer.json()
    return answer.json()


def claim(agent: Api, job: str) -> dict:
    answer = agent.post(f"/api/v1/jobs/{job}/claim", ME)
    assert answer.status_code == 200, answer.json()
    return answer.json()


def test_unreported_hosts_are_said_to_be_so(nas1: Api, viewer: Api) -> None:
    report(nas1, "nas1", full(dataset("tank/photos", 1)))
    assert row(viewer)["outcome"] == "UNREPORTED"
    assert "target" in row(viewer)["message"]


def test_a_first_sync_from_report_to_success(nas1: Api, nas2: Api, viewer: Api) -> None:
    report(nas1, "nas1", full(dataset("tank/photos", 1, 2, 3)))
    generation = report(nas2, "nas2", full())
    assert row(viewer)["outcome"] == "INITIAL"
    told = work(nas2, "nas2")
    assert [edge["role"] for edge in told["edges"]] == ["to"]
    assert told["edges"][0]["peer"] == {
        "system": "nas1",
        "host": "nas1",
        "user": "zfs-sync",
        "port": 22,
        "jump": None,
        "formerly": [],
    }
    assert [edge["role"] for edge in work(nas1, "nas1")["edges"]] == ["from"]
    (job,) = told["jobs"]
    claimed = claim(nas2, job["id"])
    assert [(step["base_guid"], step["to_guid"]) for step in claimed["steps"]] == [(None, "1"), ("1", "3")]
    path = f"/api/v1/jobs/{job['id']}"
    body = {"epoch": claimed["epoch"], "bytes_done": 50, "bytes_total": 100, "bytes_per_second": 10}
    assert nas2.post(f"{path}/progress", body).json()["cancel"] is False
    assert row(viewer)["job"]["eta_seconds"] == 5
    done = {"epoch": claimed["epoch"], "result": "succeeded", "moved_snapshots": 3, "target_head_guid": "3"}
    assert nas2.post(f"{path}/finish", done).json() == {"state": "succeeded"}
    assert nas2.post(f"{path}/finish", done).json() == {"state": "succeeded"}
    assert work(nas2, "nas2")["jobs"] == []
    report(nas2, "nas2", delta(generation, dataset("backup/photos", 1, 2, 3, marker="photos")))
    assert row(viewer)["outcome"] == "IN_SYNC"
    assert row(viewer)["last_success"]


def test_a_report_that_overtakes_the_finish_holds_nothing_up(nas1: Api, nas2: Api) -> None:
    source = report(nas1, "nas1", full(dataset("tank/photos", 1)))
    generation = report(nas2, "nas2", full())
    (job,) = work(nas2, "nas2")["jobs"]
    epoch = claim(nas2, job["id"])["epoch"]
    report(nas2, "nas2", delta(generation, dataset("backup/photos", 1, marker="photos")))
    done = {"epoch": epoch, "result": "succeeded", "moved_snapshots": 1, "target_head_guid": "1"}
    assert nas2.post(f"/api/v1/jobs/{job['id']}/finish", done).status_code == 200
    report(nas1, "nas1", delta(source, dataset("tank/photos", 1, 2)))
    assert len(work(nas2, "nas2")["jobs"]) == 1


def behind(nas1: Api, nas2: Api) -> str:
    """The id of the job that brings nas2 from snapshot 1 to snapshot 2."""
    report(nas1, "nas1", full(dataset("tank/photos", 1, 2)))
    report(nas2, "nas2", full(dataset("backup/photos", 1, marker="photos")))
    (job,) = work(nas2, "nas2")["jobs"]
    return job["id"]


def test_an_old_epoch_has_lost_its_lease(nas1: Api, nas2: Api) -> None:
    job = behind(nas1, nas2)
    old, new = claim(nas2, job), claim(nas2, job)
    assert new["epoch"] == old["epoch"] + 1
    for verb, body in (("progress", {"epoch": old["epoch"]}), ("finish", {"epoch": old["epoch"], "result": "failed"})):
        answer = nas2.post(f"/api/v1/jobs/{job}/{verb}", body)
        assert (answer.status_code, answer.json()["code"]) == (409, "E_LEASE_LOST")


def test_each_job_is_given_out_once(nas1: Api, nas2: Api) -> None:
    job = behind(nas1, nas2)
    answers = []

    def take(number: int) -> None:
        body = {"installation": "inst-1" if number == 0 else f"other-{number}"}
        answers.append(nas2.post(f"/api/v1/jobs/{job}/claim", body).status_code)

    threads = [threading.Thread(target=take, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [200, 409, 409, 409, 409, 409]


def test_a_job_of_another_system_is_not_given_out(nas1: Api, nas2: Api) -> None:
    job = behind(nas1, nas2)
    answer = nas1.post(f"/api/v1/jobs/{job}/claim", ME)
    assert (answer.status_code, answer.json()["code"]) == (403, "E_JOB_NOT_YOURS")


def test_a_lost_job_goes_back_to_its_agent_or_is_queued_when_it_says_so(
    app, nas1: Api, nas2: Api, viewer: Api, clock: ManualClock
) -> None:
    from zfs_sync.witness.sweep import sweep

    job = behind(nas1, nas2)
    claim(nas2, job)
    clock.advance(61)
    sweep(app.state.witness)
    assert viewer.get(f"/api/v1/jobs/{job}").json()["state"] == "lost"
    assert work(nas2, "nas2")["jobs"][0]["state"] == "lost"
    again = claim(nas2, job)
    assert again["epoch"] == 2
    clock.advance(61)
    sweep(app.state.witness)
    beat = {"protocol": 1, "installation": "inst-1", "agent_version": "0.1.0", "running": [job]}
    nas2.post("/api/v1/systems/nas2/heartbeat", beat)
    assert viewer.get(f"/api/v1/jobs/{job}").json()["state"] == "lost"
    nas2.post("/api/v1/systems/nas2/heartbeat", beat | {"running": []})
    assert viewer.get(f"/api/v1/jobs/{job}").json()["state"] == "failed"
    (fresh,) = work(nas2, "nas2")["jobs"]
    assert fresh["id"] != job


def test_a_failure_backs_off_and_asking_overrides_it(
    nas1: Api, nas2: Api, viewer: Api, operator: Api, clock: ManualClock
) -> None:
    job = behind(nas1, nas2)
    error = {"code": "E_TARGET_MODIFIED", "message": "written to", "hint": "zfs rollback backup/photos@s1"}
    done = {"epoch": claim(nas2, job)["epoch"], "result": "failed", "error": error}
    assert nas2.post(f"/api/v1/jobs/{job}/finish", done).status_code == 200
    shown = row(viewer)
    assert (shown["error"]["code"], shown["error"]["hint"]) == (error["code"], error["hint"])
    assert shown["error"]["next_attempt"] > shown["error"]["at"]
    assert work(nas2, "nas2")["jobs"] == []
    checked = operator.post("/api/v1/sync-groups/photos/sync", {"check": True}).json()
    assert work(nas2, "nas2")["jobs"] == []
    asked = operator.post("/api/v1/sync-groups/photos/sync", {}).json()
    assert asked["jobs"] == checked["jobs"]
    assert [each["id"] for each in work(nas2, "nas2")["jobs"]] == asked["jobs"]
    clock.advance(1)


@pytest.mark.parametrize(
    ("source", "target", "outcome", "code"),
    [
        ((1, 2), (dataset("backup/photos", 1, 9, marker="photos"),), "DIVERGED", "E_DIVERGED"),
        ((1, 2), (dataset("backup/photos", 1),), "TARGET_UNMANAGED", "E_TARGET_UNMANAGED"),
        ((1, 2), (dataset("backup/photos", marker="photos"),), "NO_COMMON_BASE", "E_NO_COMMON_BASE"),
        ((1,), (dataset("backup/photos", 1, 9, marker="photos"),), "TARGET_AHEAD", "E_TARGET_AHEAD"),
    ],
)
def test_what_a_person_must_decide_has_no_job(nas1: Api, nas2: Api, viewer: Api, source, target, outcome, code) -> None:
    report(nas1, "nas1", full(dataset("tank/photos", *source)))
    report(nas2, "nas2", full(*target))
    assert (row(viewer)["outcome"], row(viewer)["error"]["code"]) == (outcome, code)
    assert work(nas2, "nas2")["jobs"] == []


def test_an_encrypted_source_is_refused(nas1: Api, nas2: Api, viewer: Api) -> None:
    report(nas1, "nas1", full(dataset("tank/photos", 1, encryption_root="tank/photos")))
    report(nas2, "nas2", full())
    assert row(viewer)["error"]["code"] == "E_ENCRYPTED_SOURCE"
    assert work(nas2, "nas2")["jobs"] == []


def test_children_follow_their_parent(nas1: Api, nas2: Api, viewer: Api) -> None:
    report(nas1, "nas1", full(dataset("tank/photos", 1), dataset("tank/photos/a b", 2)))
    generation = report(nas2, "nas2", full())
    assert row(viewer, "a b")["outcome"] == "BLOCKED_BY_PARENT"
    assert [job["relative"] for job in work(nas2, "nas2")["jobs"]] == [""]
    report(nas2, "nas2", delta(generation, dataset("backup/photos", 1, marker="photos")))
    assert row(viewer, "a b")["outcome"] == "INITIAL"
    assert [job["relative"] for job in work(nas2, "nas2")["jobs"]] == ["a b"]


def test_full_reports_in_parts_are_seen_whole_or_not_at_all(nas1: Api, nas2: Api, viewer: Api) -> None:
    report(nas2, "nas2", full())
    first = full(dataset("tank/photos", 1), last=False)
    report(nas1, "nas1", first)
    assert row(viewer)["outcome"] == "UNREPORTED"
    gap = first | {"seq": 2, "last": True}
    answer = nas1.post("/api/v1/systems/nas1/reports", gap)
    assert (answer.status_code, answer.json()["code"]) == (409, "E_REPORT_OUT_OF_ORDER")
    second = first | {"seq": 1, "last": True, "datasets": [dataset("tank/photos/x", 5)]}
    report(nas1, "nas1", second)
    report(nas1, "nas1", second)
    assert row(viewer)["outcome"] == "INITIAL"
    assert row(viewer, "x")["outcome"] == "BLOCKED_BY_PARENT"


def test_a_delta_on_an_unknown_generation_is_sent_back(nas1: Api) -> None:
    answer = nas1.post("/api/v1/systems/nas1/reports", delta("nowhere"))
    assert (answer.status_code, answer.json()["code"]) == (409, "E_REPORT_BASE_UNKNOWN")
    assert "send full" in answer.json()["detail"]


@pytest.mark.parametrize("path", ["x; touch /tmp/y", "tank/a\nb", "tank/../x", ""])
def test_hostile_names_are_refused_and_what_is_held_stands(nas1: Api, viewer: Api, path: str) -> None:
    report(nas1, "nas1", full(dataset("tank/photos", 1)))
    answer = nas1.post("/api/v1/systems/nas1/reports", full(dataset(path, 2)))
    assert (answer.status_code, answer.json()["code"]) == (422, "E_VALIDATION")
    assert viewer.get("/api/v1/status").json()["systems"][0]["snapshots"] == 1


def test_a_copied_agent_is_refused(nas1: Api) -> None:
    report(nas1, "nas1", full())
    answer = nas1.post("/api/v1/systems/nas1/reports", full(installation="inst-2"))
    assert (answer.status_code, answer.json()["code"]) == (409, "E_AGENT_CLONED")


def test_an_old_protocol_is_told_which_side_is_too_old(nas1: Api) -> None:
    answer = nas1.post("/api/v1/systems/nas1/reports", full(protocol=99))
    assert (answer.status_code, answer.json()["code"]) == (400, "E_PROTOCOL_UNSUPPORTED")
    assert "witness is too old" in answer.json()["detail"]


def test_the_long_poll_is_quiet_until_something_changes(nas1: Api, nas2: Api) -> None:
    first = nas2.get("/api/v1/systems/nas2/work")
    tag = {"If-None-Match": first.headers["ETag"]}
    assert nas2.get("/api/v1/systems/nas2/work?wait=0", headers=tag).status_code == 304
    report(nas2, "nas2", full())
    waiting: list = []
    thread = threading.Thread(target=lambda: waiting.append(nas2.get("/api/v1/systems/nas2/work?wait=20", headers=tag)))
    thread.start()
    report(nas1, "nas1", full(dataset("tank/photos", 1)))
    thread.join(15)
    assert waiting[0].status_code == 200
    assert len(waiting[0].json()["jobs"]) == 1


def test_leaving_the_group_takes_edge_job_and_access(nas1: Api, nas2: Api, operator: Api) -> None:
    behind(nas1, nas2)
    gone = {"fleet": fleet(sync_groups={}), "delete": {"sync_groups": ["photos"]}}
    assert operator.post("/api/v1/fleet/apply", gone).status_code == 200
    told = work(nas2, "nas2")
    assert (told["edges"], told["jobs"]) == ([], [])


def test_maintenance_and_disabling_start_nothing(nas1: Api, nas2: Api, operator: Api) -> None:
    behind(nas1, nas2)
    operator.post("/api/v1/fleet/apply", {"fleet": fleet({"nas1": {"maintenance": True}, "nas2": {}})})
    assert work(nas2, "nas2")["jobs"] == []
    operator.post("/api/v1/fleet/apply", {"fleet": fleet({"nas1": {"maintenance": False}, "nas2": {}})})
    assert len(work(nas2, "nas2")["jobs"]) == 1


def test_enrolment_is_single_use_and_safe_to_repeat(operator: Api, client, mint) -> None:
    from tests.unit.witness.conftest import Api as Speaker
    from zfs_sync.core.tokens import mint as mint_token

    operator.post("/api/v1/fleet/apply", {"fleet": fleet()})
    key = Speaker(client, mint("enrol", system="nas1", name="introduction"))
    own = mint_token("agent", lambda count: bytes(range(count)))
    body = {
        "system": "nas1",
        "installation": "inst-9",
        "token_lookup": own.lookup,
        "token_sha256": own.sha256,
        "agent_version": "0.1.0",
        "protocol": 1,
    }
    assert key.post("/api/v1/enrol", body).json() == {"system": "nas1"}
    assert key.post("/api/v1/enrol", body).json() == {"system": "nas1"}
    other = key.post("/api/v1/enrol", body | {"installation": "inst-8"})
    assert (other.status_code, other.json()["code"]) == (401, "E_ENROL_USED")
    assert Speaker(client, own.text).get("/api/v1/systems/nas1/work").status_code == 200
    assert Speaker(client, own.text).get("/api/v1/systems/nas2/work").status_code == 403
