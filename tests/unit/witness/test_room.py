# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""How many jobs run at once, and which of those that wait are next."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.witness.conftest import Api, ManualClock
from tests.unit.witness.documents import fleet
from tests.unit.witness.hosts import dataset, full
from tests.unit.witness.test_fleet_apply import apply, refused
from tests.unit.witness.test_work import claim, report, work
from zfs_sync.witness.sweep import sweep

BELOW = ("a", "b", "c")
ME = {"installation": "inst-1"}


def group(name: str, *targets: str, **more: Any) -> dict[str, Any]:
    members = [{"system": "nas1", "dataset": f"tank/{name}", "role": "source"}]
    members += [{"system": system, "dataset": f"backup/{name}", "role": "target"} for system in targets]
    return {"members": members, **more}


@pytest.fixture
def agents(agent_of: Callable[[str], Api], operator: Api) -> dict[str, Api]:
    """nas1 with groups x and y, whose roots nas2 and nas3 have, and whose three children they lack."""
    names = ("nas1", "nas2", "nas3")
    document = fleet(dict.fromkeys(names), {each: group(each, "nas2", "nas3", enabled=False) for each in ("x", "y")})
    apply(operator, document)
    found = {name: agent_of(name) for name in names}
    places = [f"{name}{below}" for name in ("x", "y") for below in ("", *(f"/{each}" for each in BELOW))]
    report(found["nas1"], "nas1", full(*(dataset(f"tank/{each}", number) for number, each in enumerate(places, 1))))
    for name in names[1:]:
        held = [dataset(f"backup/{each}", 1 + places.index(each), marker=each) for each in ("x", "y")]
        report(found[name], name, full(*held))
    return found


def declare(operator: Api, systems: dict[str, Any] | None = None, **groups: dict[str, Any]) -> None:
    """Declare, as of now: everything that waits was queued by this."""
    chosen = {name: {"enabled": True, **each} for name, each in groups.items()}
    apply(operator, fleet(systems or {}, chosen))


def listed(agent: Api, system: str) -> list[str]:
    """The jobs that a system is told of, as group/dataset."""
    return [f"{job['edge'].split(':')[0]}/{job['relative']}" for job in work(agent, system)["jobs"]]


def job_of(agent: Api, system: str, place: str) -> str:
    jobs = work(agent, system)["jobs"]
    return next(str(job["id"]) for job in jobs if f"{job['edge'].split(':')[0]}/{job['relative']}" == place)


def waiting(viewer: Api, system: str) -> dict[str, str]:
    """Every queued job of a system by group/dataset, also those that it is not told of."""
    items = viewer.get("/api/v1/jobs?state=queued&limit=500").json()["items"]
    return {f"{job['group']}/{job['relative']}": job["id"] for job in items if job["to_system"] == system}


def test_a_host_is_told_of_as_many_jobs_as_there_is_room_for(operator: Api, agents: dict[str, Api]) -> None:
    declare(operator, {"nas2": {"limits": {"jobs": 2}}}, x={})
    assert listed(agents["nas2"], "nas2") == ["x/a", "x/b"]
    assert listed(agents["nas3"], "nas3") == ["x/a", "x/b", "x/c"]
    declare(operator, {"nas2": {"limits": None}})
    assert listed(agents["nas2"], "nas2") == ["x/a", "x/b", "x/c"]


def test_sends_count_too(operator: Api, agents: dict[str, Api], viewer: Api) -> None:
    declare(operator, {"nas1": {"limits": {"jobs": 2}}}, x={})
    taken = job_of(agents["nas3"], "nas3", "x/a")
    claim(agents["nas3"], taken)
    assert listed(agents["nas2"], "nas2") == ["x/a"]
    claim(agents["nas2"], job_of(agents["nas2"], "nas2", "x/a"))
    assert listed(agents["nas2"], "nas2") == ["x/a"], "what it runs"
    answer = agents["nas2"].post(f"/api/v1/jobs/{waiting(viewer, 'nas2')['x/b']}/claim", ME).json()
    assert answer["code"] == "E_JOB_NOT_CLAIMABLE"
    assert "system 'nas1' may run 2 at once" in answer["detail"]
    done = {"epoch": 1, "result": "cancelled"}
    assert agents["nas3"].post(f"/api/v1/jobs/{taken}/finish", done).status_code == 200
    assert "x/b" in listed(agents["nas2"], "nas2")


@pytest.mark.parametrize(
    ("limits", "told"),
    [
        ({"limits": {"jobs": 1}}, ["x/a", "y/a", "y/b", "y/c"]),
        ({"limits": None}, ["x/a", "x/b", "x/c", "y/a"]),
    ],
)
def test_a_group_has_a_limit_of_its_own_below_that_of_its_systems(
    operator: Api, agents: dict[str, Api], limits: dict[str, Any], told: list[str]
) -> None:
    """Four at once is the witness's own setting."""
    declare(operator, x={**limits, "priority": 60}, y={})
    assert listed(agents["nas2"], "nas2") == told


def test_room_that_a_group_leaves_on_one_host_is_offered_on_another(
    operator: Api, agents: dict[str, Api], agent_of: Callable[[str], Api], app: Any
) -> None:
    """The other host's long poll wakes, though neither end of the job that ended concerns it."""
    spec = group("x", "nas2", "nas3", "nas4", limits={"jobs": 1})
    spec["members"][3]["from"] = "nas2"
    declare(operator, {"nas4": {}}, x=spec)
    whole = [dataset(f"backup/x{below}", number, marker="x") for number, below in enumerate(("", "/a", "/b", "/c"), 1)]
    report(agents["nas2"], "nas2", full(*whole))
    nas4 = agent_of("nas4")
    report(nas4, "nas4", full())
    taken = job_of(agents["nas3"], "nas3", "x/a")
    claim(agents["nas3"], taken)
    assert listed(nas4, "nas4") == []
    before = app.state.witness.notifier.generation("nas4")
    done = {"epoch": 1, "result": "cancelled"}
    assert agents["nas3"].post(f"/api/v1/jobs/{taken}/finish", done).status_code == 200
    assert app.state.witness.notifier.generation("nas4") != before
    assert listed(nas4, "nas4") == ["x/"]


@pytest.mark.parametrize("end", ["nas1", "nas2"])
def test_a_member_has_a_limit_of_its_own(operator: Api, agents: dict[str, Api], end: str) -> None:
    spec = group("x", "nas2", "nas3", priority=60)
    (member,) = (each for each in spec["members"] if each["system"] == end)
    member["limits"] = {"jobs": 1}
    declare(operator, {}, x=spec, y={})
    assert listed(agents["nas2"], "nas2") == ["x/a", "y/a", "y/b", "y/c"]
    claim(agents["nas3"], job_of(agents["nas3"], "nas3", "x/a"))
    expected = ["y/a", "y/b", "y/c"] if end == "nas1" else ["x/a", "y/a", "y/b"]
    assert listed(agents["nas2"], "nas2") == expected, "what one target receives is sent by the source"


def test_a_job_within_one_host_counts_there_once(operator: Api, agent_of: Callable[[str], Api]) -> None:
    apply(operator, fleet({"nas1": {"limits": {"jobs": 1}}}, {"z": group("z", "nas1")}))
    agent = agent_of("nas1")
    report(agent, "nas1", full(dataset("tank/z", 1), dataset("tank/z/a", 2), dataset("backup/z", 1, marker="z")))
    assert listed(agent, "nas1") == ["z/a"]
    assert claim(agent, job_of(agent, "nas1", "z/a"))["epoch"] == 1


def test_the_higher_priority_goes_first_whatever_was_queued_first(
    operator: Api, agents: dict[str, Api], viewer: Api, clock: ManualClock
) -> None:
    declare(operator, {"nas2": {"limits": {"jobs": 1}}}, x={"priority": 10})
    clock.advance(5)
    declare(operator, y={"priority": 90})
    order = []
    while told := listed(agents["nas2"], "nas2"):
        (place,) = told
        for other, job in waiting(viewer, "nas2").items():
            if other != place:
                answer = agents["nas2"].post(f"/api/v1/jobs/{job}/claim", ME).json()
                assert answer["code"] == "E_JOB_NOT_CLAIMABLE", "nor by asking first"
        taken = job_of(agents["nas2"], "nas2", place)
        epoch = claim(agents["nas2"], taken)["epoch"]
        assert listed(agents["nas2"], "nas2") == [place]
        agents["nas2"].post(f"/api/v1/jobs/{taken}/finish", {"epoch": epoch, "result": "cancelled"})
        order.append(place)
    assert order == ["y/a", "y/b", "y/c", "x/a", "x/b", "x/c"]


def test_a_changed_priority_moves_what_waits(operator: Api, agents: dict[str, Api]) -> None:
    declare(operator, {"nas2": {"limits": {"jobs": 1}}}, x={"priority": 60}, y={})
    assert listed(agents["nas2"], "nas2") == ["x/a"]
    declare(operator, x={"priority": 40})
    assert listed(agents["nas2"], "nas2") == ["y/a"]


def test_a_target_that_a_lost_job_holds_takes_no_room(
    operator: Api, agents: dict[str, Api], viewer: Api, clock: ManualClock, app: Any
) -> None:
    declare(operator, {"nas2": {"limits": {"jobs": 1}}}, x={})
    taken = job_of(agents["nas2"], "nas2", "x/a")
    claim(agents["nas2"], taken)
    assert listed(agents["nas2"], "nas2") == ["x/a"]
    clock.advance(1000)
    sweep(app.state.witness)
    assert viewer.get(f"/api/v1/jobs/{taken}").json()["state"] == "lost"
    assert listed(agents["nas2"], "nas2") == ["x/a", "x/b"], "it may be taken up again, and there is room for another"


def test_limits_are_compared_in_one_form_and_bad_ones_are_faults(operator: Api) -> None:
    limited = {"limits": {"jobs": 3}}
    spec = group("x", "nas2", limits={"jobs": None})
    spec["members"][1] |= limited
    document = fleet({"nas1": limited, "nas2": {"limits": {}}}, {"x": spec})
    changes = {each["name"]: each["after"] for each in apply(operator, document)["changes"]}
    assert (changes["nas1"]["limits"], changes["nas2"]["limits"]) == ({"jobs": 3}, {})
    assert changes["x"]["limits"] == {}
    assert changes["x"]["members"][1]["limits"] == {"jobs": 3}
    assert apply(operator, document)["summary"]["unchanged"] == 3
    spec["members"][0]["limits"] = {"jobs": 0, "bandwidth": "5MiB/s"}
    document["systems"]["nas1"] = {"limits": {"jobs": "4"}}
    assert set(refused(operator, document, "E_VALIDATION")) == {
        "/fleet/systems/nas1/limits/jobs",
        "/fleet/sync_groups/x/members/0/limits/jobs",
        "/fleet/sync_groups/x/members/0/limits/bandwidth",
    }
