# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""What either end does not allow is queued for nobody, is said at once, and goes on with the report that allows it."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.witness.conftest import Api
from tests.unit.witness.documents import MEMBERS, fleet
from tests.unit.witness.hosts import dataset, full

SEND = [{"dataset": "tank/photos", "operations": ["send"]}]
RECEIVE = [{"dataset": "backup", "operations": ["receive"]}]
Agents = dict[str, Api]


@pytest.fixture
def agents(operator: Api, agent_of: Callable[[str], Api]) -> Agents:
    assert operator.post("/api/v1/fleet/apply", {"fleet": fleet()}).status_code == 200
    return {name: agent_of(name) for name in ("nas1", "nas2")}


def report(agents: Agents, name: str, allow: Any, *datasets: Any) -> None:
    host = {"platform": "linux", "hostname": name, "allow": allow}
    answer = agents[name].post(f"/api/v1/systems/{name}/reports", full(*datasets, host=host))
    assert answer.status_code == 200, answer.json()


def jobs(agents: Agents) -> list[Any]:
    return list(agents["nas2"].get("/api/v1/systems/nas2/work").json()["jobs"])


def errors(viewer: Api) -> dict[str, Any]:
    return {each["relative"]: each["error"] for each in viewer.get("/api/v1/status").json()["items"]}


@pytest.mark.parametrize(
    ("nas1", "nas2", "who", "operation", "what"),
    [
        ([], RECEIVE, "nas1", "send", "tank/photos"),
        (SEND, SEND, "nas2", "receive", "backup/photos"),
        ([{"dataset": "tank/photos", "operations": ["receive"]}], RECEIVE, "nas1", "send", "tank/photos"),
    ],
)
def test_the_host_the_operation_and_the_dataset_are_named(
    agents: Agents, viewer: Api, nas1: Any, nas2: Any, who: str, operation: str, what: str
) -> None:
    report(agents, "nas1", nas1, dataset("tank/photos", 1))
    report(agents, "nas2", nas2)
    error = errors(viewer)[""]
    assert error["code"] == "E_NOT_ALLOWED_HERE"
    assert error["message"].startswith(f"{who} does not allow to {operation} {what}:")
    assert f"- {{dataset: {what}, operations: [{operation}]}}" in error["hint"]
    assert jobs(agents) == []


def test_it_goes_on_at_once_with_the_report_that_allows_it(agents: Agents, viewer: Api) -> None:
    report(agents, "nas1", [], dataset("tank/photos", 1))
    report(agents, "nas2", RECEIVE)
    report(agents, "nas1", SEND, dataset("tank/photos", 1))
    assert errors(viewer) == {"": None}
    assert len(jobs(agents)) == 1


def test_a_job_that_waits_is_cancelled_when_it_is_not_allowed_any_more(agents: Agents, viewer: Api) -> None:
    report(agents, "nas1", SEND, dataset("tank/photos", 1))
    report(agents, "nas2", RECEIVE)
    (job,) = jobs(agents)
    report(agents, "nas2", [])
    assert jobs(agents) == []
    assert viewer.get(f"/api/v1/jobs/{job['id']}").json()["state"] == "cancelled"


def test_a_refusal_of_an_earlier_attempt_is_forgotten_with_its_backoff(agents: Agents, viewer: Api) -> None:
    report(agents, "nas1", None, dataset("tank/photos", 1))
    report(agents, "nas2", None)
    (job,) = jobs(agents)
    claimed = agents["nas2"].post(f"/api/v1/jobs/{job['id']}/claim", {"installation": "inst-1"}).json()
    error = {"code": "E_NOT_ALLOWED_HERE", "message": "no", "hint": "allow it"}
    body = {"epoch": claimed["epoch"], "result": "failed", "error": error}
    assert agents["nas2"].post(f"/api/v1/jobs/{job['id']}/finish", body).status_code == 200
    assert errors(viewer)[""]["next_attempt"]
    assert jobs(agents) == []
    report(agents, "nas2", RECEIVE)
    assert errors(viewer) == {"": None}
    assert len(jobs(agents)) == 1


def test_a_dataset_below_may_be_allowed_where_the_root_is_not(agents: Agents, viewer: Api) -> None:
    report(agents, "nas1", SEND, dataset("tank/photos", 1), dataset("tank/photos/a", 2))
    allow = [{"dataset": "backup/photos/a", "operations": ["receive"]}]
    report(agents, "nas2", allow, dataset("backup/photos", 1, marker="photos"))
    found = errors(viewer)
    assert found["a"] is None
    assert "backup/photos:" in found[""]["message"]
    assert [each["relative"] for each in jobs(agents)] == ["a"]


def test_a_host_that_does_not_tell_hinders_nothing(agents: Agents, viewer: Api) -> None:
    report(agents, "nas1", None, dataset("tank/photos", 1))
    report(agents, "nas2", None)
    assert errors(viewer) == {"": None}
    assert len(jobs(agents)) == 1


def test_a_new_group_is_hindered_until_its_hosts_allow_it(agents: Agents, operator: Api, viewer: Api) -> None:
    report(agents, "nas1", SEND, dataset("tank/photos", 1))
    report(agents, "nas2", RECEIVE, dataset("backup/photos", 1, marker="photos"))
    more = [{"system": "nas1", "dataset": "tank/music", "role": "source"}, {**MEMBERS[1], "dataset": "backup/music"}]
    groups = {"photos": {"members": MEMBERS}, "music": {"members": more}}
    assert operator.post("/api/v1/fleet/apply", {"fleet": fleet(sync_groups=groups)}).status_code == 200
    status = viewer.get("/api/v1/status", params={"group": "music"}).json()["items"]
    assert "nas1 does not allow to send tank/music" in status[0]["error"]["message"]
    allow = [*SEND, {"dataset": "tank/music", "operations": ["send"]}]
    report(agents, "nas1", allow, dataset("tank/photos", 1), dataset("tank/music", 7))
    status = viewer.get("/api/v1/status", params={"group": "music"}).json()["items"]
    assert status[0]["error"] is None
    assert [each["edge"].split(":")[0] for each in jobs(agents)] == ["music"]
