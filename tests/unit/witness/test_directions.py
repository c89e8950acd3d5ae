# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Who runs a job, which peer feeds which, what a switchover is refused for, and targets that were written to."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.witness.conftest import Api, ManualClock
from tests.unit.witness.documents import MEMBERS, fleet
from tests.unit.witness.hosts import dataset, full

ME = {"installation": "inst-1"}
NAMES = ("nas1", "nas2", "nas3")
PEERS = [{"system": name, "dataset": "tank/x", "role": "peer"} for name in NAMES]
FORTH, BACK = MEMBERS, [{**MEMBERS[1], "role": "source"}, {**MEMBERS[0], "role": "target"}]

Agents = dict[str, Api]


@pytest.fixture
def agents(operator: Api, agent_of: Callable[[str], Api]) -> Agents:
    apply(operator, photos=FORTH)
    return {name: agent_of(name) for name in NAMES}


def apply(operator: Api, expect: int = 200, enabled: bool = True, **groups: Any) -> Any:
    direction = groups.pop("direction", "pull")
    specs = {name: {"members": each, "direction": direction, "enabled": enabled} for name, each in groups.items()}
    document = fleet(systems={name: {} for name in NAMES}, sync_groups=specs)
    answer = operator.post("/api/v1/fleet/apply", {"fleet": document})
    assert answer.status_code == expect, answer.json()
    return answer.json()


def report(agents: Agents, name: str, *datasets: dict[str, Any]) -> None:
    assert agents[name].post(f"/api/v1/systems/{name}/reports", full(*datasets)).status_code == 200


def work(agents: Agents, name: str) -> dict[str, Any]:
    answer = agents[name].get(f"/api/v1/systems/{name}/work", headers={"ZFS-Sync-Protocol": "2"})
    assert answer.status_code == 200, answer.json()
    return dict(answer.json())


def jobs(agents: Agents, name: str) -> list[dict[str, Any]]:
    return list(work(agents, name)["jobs"])


def rows(api: Api, group: str) -> dict[tuple[str, str], dict[str, Any]]:
    items = api.get("/api/v1/status", params={"group": group}).json()["items"]
    return {(each["from_system"], each["to_system"]): each for each in items}


def claim(agents: Agents, name: str, job: str) -> dict[str, Any]:
    answer = agents[name].post(f"/api/v1/jobs/{job}/claim", ME)
    assert answer.status_code == 200, answer.json()
    return dict(answer.json())


def finish(agents: Agents, name: str, job: dict[str, Any], **more: Any) -> None:
    body = {"epoch": job["epoch"], "result": "succeeded", **more}
    assert agents[name].post(f"/api/v1/jobs/{job['id']}/finish", body).status_code == 200


def failed(code: str) -> dict[str, Any]:
    return {"result": "failed", "error": {"code": code, "message": "it said so", "hint": "do this"}}


def test_a_job_that_is_pushed_is_the_sources(operator: Api, agents: Agents) -> None:
    apply(operator, photos=FORTH, direction="push")
    report(agents, "nas1", dataset("tank/photos", 1, 2))
    report(agents, "nas2", dataset("backup/photos", 1, marker="photos"))
    assert jobs(agents, "nas2") == []
    (job,) = jobs(agents, "nas1")
    assert [edge["direction"] for edge in work(agents, "nas2")["edges"]] == ["push"]
    assert agents["nas2"].post(f"/api/v1/jobs/{job['id']}/claim", ME).json()["code"] == "E_JOB_NOT_YOURS"
    claimed = claim(agents, "nas1", job["id"])
    assert (claimed["edge"]["role"], claimed["edge"]["peer"]["system"]) == ("from", "nas2")
    finish(agents, "nas1", claimed, moved_snapshots=1, target_head_guid="2")


def test_a_waiting_job_goes_over_to_who_connects_now(operator: Api, agents: Agents) -> None:
    report(agents, "nas1", dataset("tank/photos", 1, 2))
    report(agents, "nas2", dataset("backup/photos", 1, marker="photos"))
    (job,) = jobs(agents, "nas2")
    apply(operator, photos=FORTH, direction="push")
    assert jobs(agents, "nas2") == []
    assert [each["id"] for each in jobs(agents, "nas1")] == [job["id"]]


def share(operator: Api, agents: Agents, *guids: tuple[int, ...]) -> None:
    """tank/x among three peers, with these snapshots."""
    apply(operator, x=PEERS)
    for name, each in zip(NAMES, guids, strict=True):
        report(agents, name, dataset("tank/x", *each))


def test_peers_that_are_behind_are_fed_by_the_one_that_is_ahead(operator: Api, viewer: Api, agents: Agents) -> None:
    share(operator, agents, (1, 2, 3), (1,), (1,))
    found = rows(viewer, "x")
    assert {ends: row["outcome"] for ends, row in found.items()} == {
        ("nas1", "nas2"): "BEHIND",
        ("nas1", "nas3"): "BEHIND",
        ("nas2", "nas1"): "IN_SYNC",
        ("nas2", "nas3"): "IN_SYNC",
        ("nas3", "nas1"): "IN_SYNC",
        ("nas3", "nas2"): "IN_SYNC",
    }
    assert all(row["peers"] for row in found.values())
    assert [[each["edge"] for each in jobs(agents, name)] for name in NAMES] == [
        [],
        ["x:nas2:tank/x<nas1"],
        ["x:nas3:tank/x<nas1"],
    ]


def test_a_peer_is_fed_by_one_other_at_a_time_and_by_the_one_with_most(operator: Api, agents: Agents) -> None:
    share(operator, agents, (1, 2, 3), (1, 2), (1,))
    assert [each["edge"] for each in jobs(agents, "nas3")] == ["x:nas3:tank/x<nas1"]
    report(agents, "nas2", dataset("tank/x", 1, 2, 3))
    assert [each["edge"] for each in jobs(agents, "nas3")] == ["x:nas3:tank/x<nas1"]


def test_another_peer_steps_in_where_one_fails(operator: Api, agents: Agents) -> None:
    share(operator, agents, (1, 2), (1, 2), (1,))
    (job,) = jobs(agents, "nas3")
    claimed = claim(agents, "nas3", job["id"])
    finish(agents, "nas3", claimed, **failed("E_PEER_UNREACHABLE"))
    (other,) = jobs(agents, "nas3")
    assert {job["edge"], other["edge"]} == {"x:nas3:tank/x<nas1", "x:nas3:tank/x<nas2"}


def test_what_was_brought_and_is_not_reported_yet_is_not_brought_again(operator: Api, agents: Agents) -> None:
    share(operator, agents, (1, 2), (1, 2), (1,))
    (job,) = jobs(agents, "nas3")
    finish(agents, "nas3", claim(agents, "nas3", job["id"]), moved_snapshots=1, target_head_guid="2")
    report(agents, "nas1", dataset("tank/x", 1, 2, used=5))
    assert jobs(agents, "nas3") == []


def test_a_conflict_of_two_peers_is_shown_and_the_third_takes_no_side(
    operator: Api, viewer: Api, agents: Agents
) -> None:
    share(operator, agents, (1, 2), (1,), (1,))
    assert len(jobs(agents, "nas3")) == 1
    report(agents, "nas2", dataset("tank/x", 1, 9))
    found = rows(viewer, "x")
    assert found["nas1", "nas2"]["outcome"] == found["nas2", "nas1"]["outcome"] == "DIVERGED"
    assert found["nas1", "nas2"]["error"]["code"] == "E_DIVERGED"
    assert [jobs(agents, name) for name in NAMES] == [[], [], []]
    operator.post("/api/v1/sync-groups/x/sync", {})
    assert jobs(agents, "nas3") == []
    report(agents, "nas2", dataset("tank/x", 1))
    assert [len(jobs(agents, name)) for name in NAMES] == [0, 1, 1]


def test_a_peer_with_data_of_its_own_is_left_alone(operator: Api, viewer: Api, agents: Agents) -> None:
    apply(operator, x=PEERS)
    report(agents, "nas1", dataset("tank/x", 1))
    report(agents, "nas2", dataset("tank/x", 8))
    report(agents, "nas3", dataset("tank/x", 1, marker="other"))
    found = rows(viewer, "x")
    assert found["nas1", "nas2"]["outcome"] == "NO_COMMON_BASE"
    assert found["nas1", "nas3"]["outcome"] == "TARGET_UNMANAGED"
    assert [jobs(agents, name) for name in NAMES] == [[], [], []]


def test_the_plan_warns_of_first_syncs_of_peers_only_where_there_is_nothing(operator: Api, agents: Agents) -> None:
    report(agents, "nas1", dataset("tank/x", 1, used=1 << 20, referenced=1 << 20))
    report(agents, "nas2", dataset("tank/x", 1, used=1 << 20, referenced=1 << 20))
    warnings = apply(operator, x=PEERS)["warnings"]
    assert [each["code"] for each in warnings] == ["FIRST_SYNC", "FIRST_SYNC"]
    assert all("to nas3:tank/x" in each["message"] for each in warnings)


@pytest.fixture
def settled(agents: Agents) -> Agents:
    """nas2 is where nas1 is."""
    report(agents, "nas1", dataset("tank/photos", 1, 2), dataset("tank/photos/a", 5))
    report(
        agents, "nas2", dataset("backup/photos", 1, 2, marker="photos"), dataset("backup/photos/a", 5, marker="photos")
    )
    return agents


def test_a_switchover_takes_the_old_source_over(operator: Api, viewer: Api, settled: Agents) -> None:
    (warning,) = apply(operator, photos=BACK)["warnings"]
    assert warning["code"] == "SWITCHOVER"
    (edge,) = work(settled, "nas1")["edges"]
    assert (edge["role"], edge["takeover"]) == ("to", True)
    assert rows(viewer, "photos")["nas2", "nas1"]["outcome"] == "IN_SYNC"
    report(settled, "nas2", dataset("backup/photos", 1, 2, 3, marker="photos"))
    assert rows(viewer, "photos")["nas2", "nas1"]["outcome"] == "BEHIND"
    assert len(jobs(settled, "nas1")) == 1
    report(settled, "nas1", dataset("tank/photos", 1, 2, 4))
    assert rows(viewer, "photos")["nas2", "nas1"]["outcome"] == "DIVERGED"


def test_a_switchover_back_finds_the_old_target_marked(operator: Api, viewer: Api, settled: Agents) -> None:
    apply(operator, photos=BACK)
    report(settled, "nas2", dataset("backup/photos", 1, 2, 3, marker="photos"))
    report(settled, "nas1", dataset("tank/photos", 1, 2, 3, marker="photos"))
    apply(operator, photos=FORTH)
    assert rows(viewer, "photos")["nas1", "nas2"]["outcome"] == "IN_SYNC"


def test_a_new_source_that_lacks_snapshots_is_refused_with_their_names(operator: Api, settled: Agents) -> None:
    report(
        settled, "nas1", dataset("tank/photos", 1, 2, 3), dataset("tank/photos/a", 5, 6), dataset("tank/photos/b", 7)
    )
    refused = apply(operator, 409, photos=BACK)
    assert refused["code"] == "E_SWITCHOVER_BEHIND"
    (fault,) = refused["errors"]
    assert fault["pointer"] == "/fleet/sync_groups/photos/members/0/role"
    for name in ("tank/photos@s3 (3)", "tank/photos/a@s6 (6)", "tank/photos/b@s7 (7)"):
        assert name in fault["message"]
    assert apply(operator, photos=BACK, enabled=False)["summary"]["updated"] == 1


def test_what_a_target_has_pruned_does_not_keep_it_from_becoming_the_source(operator: Api, agents: Agents) -> None:
    report(agents, "nas1", dataset("tank/photos", 1, 2, 3))
    report(agents, "nas2", dataset("backup/photos", 3, marker="photos"))
    assert apply(operator, photos=BACK)["summary"]["updated"] == 1


def test_many_lacking_snapshots_are_counted(operator: Api, agents: Agents) -> None:
    report(agents, "nas1", dataset("tank/photos", *range(1, 10)))
    report(agents, "nas2", dataset("backup/photos", 1, marker="photos"))
    assert "and 3 more" in apply(operator, 409, photos=BACK)["errors"][0]["message"]


def test_a_target_of_which_its_host_says_that_it_was_written_to(operator: Api, viewer: Api, agents: Agents) -> None:
    report(agents, "nas1", dataset("tank/photos", 1, 2))
    report(agents, "nas2", dataset("backup/photos", 1, marker="photos", written=4096))
    row = rows(viewer, "photos")["nas1", "nas2"]
    assert (row["outcome"], row["error"]["code"]) == ("TARGET_DIRTY", "E_TARGET_MODIFIED")
    assert row["error"]["hint"] == "zfs rollback backup/photos@s1"
    assert jobs(agents, "nas2") == []
    report(agents, "nas2", dataset("backup/photos", 1, marker="photos", written=0))
    assert rows(viewer, "photos")["nas1", "nas2"]["outcome"] == "BEHIND"
    assert len(jobs(agents, "nas2")) == 1


def test_a_target_that_an_attempt_found_written_to(
    operator: Api, viewer: Api, agents: Agents, clock: ManualClock
) -> None:
    report(agents, "nas1", dataset("tank/photos", 1, 2))
    report(agents, "nas2", dataset("backup/photos", 1, marker="photos"))
    (job,) = jobs(agents, "nas2")
    finish(agents, "nas2", claim(agents, "nas2", job["id"]), **failed("E_TARGET_MODIFIED"))
    row = rows(viewer, "photos")["nas1", "nas2"]
    assert (row["outcome"], row["error"]["hint"]) == ("TARGET_DIRTY", "do this")
    report(agents, "nas2", dataset("backup/photos", 1, marker="photos", used=9))
    report(agents, "nas1", dataset("tank/photos", 1, 2, 3))
    assert rows(viewer, "photos")["nas1", "nas2"]["outcome"] == "TARGET_DIRTY"
    operator.post("/api/v1/sync-groups/photos/sync", {})
    (again,) = jobs(agents, "nas2")
    claimed = claim(agents, "nas2", again["id"])
    assert claimed["steps"][0]["base_guid"] == "1"
    finish(agents, "nas2", claimed, moved_snapshots=2, target_head_guid="3")
    report(agents, "nas2", dataset("backup/photos", 1, 2, 3, marker="photos"))
    assert rows(viewer, "photos")["nas1", "nas2"]["outcome"] == "IN_SYNC"


def test_a_snapshot_that_comes_or_goes_is_news_of_a_target_that_was_written_to(
    operator: Api, viewer: Api, agents: Agents
) -> None:
    report(agents, "nas1", dataset("tank/photos", 1, 2, 3))
    report(agents, "nas2", dataset("backup/photos", 1, 2, marker="photos"))
    (job,) = jobs(agents, "nas2")
    finish(agents, "nas2", claim(agents, "nas2", job["id"]), **failed("E_TARGET_MODIFIED"))
    report(agents, "nas2", dataset("backup/photos", 1, marker="photos"))
    assert rows(viewer, "photos")["nas1", "nas2"]["outcome"] == "BEHIND"


def test_former_peers_become_targets_without_being_marked(operator: Api, viewer: Api, agents: Agents) -> None:
    share(operator, agents, (1, 2), (1,), (1,))
    roles = ("source", "target", "target")
    apply(operator, x=[{**each, "role": role} for each, role in zip(PEERS, roles, strict=True)])
    assert [rows(viewer, "x")["nas1", name]["outcome"] for name in ("nas2", "nas3")] == ["BEHIND", "BEHIND"]
