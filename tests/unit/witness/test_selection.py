# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""What a group leaves out is not planned, not given out, and not told of as behind."""

from typing import Any

import pytest

from tests.unit.witness.conftest import Api
from tests.unit.witness.documents import MEMBERS, fleet
from tests.unit.witness.hosts import dataset, delta, full
from tests.unit.witness.test_fleet_apply import APPLY, PLAN, apply, refused
from tests.unit.witness.test_work import claim, nas1, nas2, report, row, work

__all__ = ["nas1", "nas2"]

SOURCES = [dataset(f"tank/photos{below}", number) for number, below in enumerate(("", "/a", "/a/cache", "/tmp/x"), 1)]


def declare(operator: Api, **more: Any) -> dict[str, Any]:
    return apply(operator, fleet(sync_groups={"photos": {"members": MEMBERS, **more}}))


def outcomes(viewer: Api) -> dict[str, str]:
    return {each["relative"]: each["outcome"] for each in viewer.get("/api/v1/status").json()["items"]}


def test_what_is_excluded_has_no_row_and_no_job(operator: Api, nas1: Api, nas2: Api, viewer: Api) -> None:
    declare(operator, exclude=["**/cache", "tmp/*"])
    report(nas1, "nas1", full(*SOURCES))
    report(nas2, "nas2", full(dataset("backup/photos", 1, marker="photos")))
    assert outcomes(viewer) == {"": "IN_SYNC", "a": "INITIAL"}
    assert [job["relative"] for job in work(nas2, "nas2")["jobs"]] == ["a"]
    (edge,) = work(nas1, "nas1")["edges"]
    assert edge["selection"]["exclude"] == ["**/cache", "tmp/*"]


def test_what_becomes_excluded_loses_its_row_and_its_waiting_job(
    operator: Api, nas1: Api, nas2: Api, viewer: Api
) -> None:
    report(nas1, "nas1", full(*SOURCES))
    report(nas2, "nas2", full(dataset("backup/photos", 1, marker="photos")))
    assert set(outcomes(viewer)) == {"", "a", "a/cache", "tmp/x"}
    (job,) = (each for each in work(nas2, "nas2")["jobs"] if each["relative"] == "a")
    declare(operator, exclude=["a"])
    assert set(outcomes(viewer)) == {"", "tmp/x"}
    assert viewer.get(f"/api/v1/jobs/{job['id']}").json()["state"] == "cancelled"
    assert nas2.post(f"/api/v1/jobs/{job['id']}/claim", {"installation": "inst-1"}).json()["code"] == (
        "E_JOB_NOT_CLAIMABLE"
    )
    declare(operator, exclude=None)
    assert set(outcomes(viewer)) == {"", "a", "a/cache", "tmp/x"}


def test_a_change_of_what_is_left_out_keeps_what_is_known_of_the_rest(
    operator: Api, nas1: Api, nas2: Api, viewer: Api
) -> None:
    report(nas1, "nas1", full(*SOURCES))
    held = report(nas2, "nas2", full())
    (job,) = work(nas2, "nas2")["jobs"]
    epoch = claim(nas2, job["id"])["epoch"]
    done = {"epoch": epoch, "result": "succeeded", "moved_snapshots": 1, "target_head_guid": "1"}
    nas2.post(f"/api/v1/jobs/{job['id']}/finish", done)
    report(nas2, "nas2", delta(held, dataset("backup/photos", 1, marker="photos")))
    last = row(viewer)["last_success"]
    assert last
    declare(operator, exclude=["a"])
    assert row(viewer)["last_success"] == last


def test_without_its_root_only_what_lies_below_is_replicated(operator: Api, nas1: Api, nas2: Api, viewer: Api) -> None:
    declare(operator, include_root=False)
    assert outcomes(viewer) == {"": "UNREPORTED"}
    report(nas1, "nas1", full(*SOURCES))
    assert outcomes(viewer)[""] == "UNREPORTED"
    report(nas2, "nas2", full(dataset("backup/photos", 77)))
    assert outcomes(viewer) == {"a": "INITIAL", "a/cache": "BLOCKED_BY_PARENT", "tmp/x": "BLOCKED_BY_PARENT"}
    assert [job["relative"] for job in work(nas2, "nas2")["jobs"]] == ["a"]


def test_a_root_that_is_left_out_and_not_there_is_asked_for(operator: Api, nas1: Api, nas2: Api, viewer: Api) -> None:
    declare(operator, include_root=False)
    report(nas1, "nas1", full(*SOURCES[:2]))
    held = report(nas2, "nas2", full())
    assert outcomes(viewer) == {"": "BLOCKED_BY_PARENT", "a": "BLOCKED_BY_PARENT"}
    assert row(viewer)["error"]["code"] == "E_PARENT_MISSING"
    assert row(viewer)["error"]["hint"].endswith("run on nas2: zfs create backup/photos")
    assert row(viewer, "a")["error"] is None
    report(nas2, "nas2", delta(held, dataset("backup/photos")))
    assert outcomes(viewer) == {"a": "INITIAL"}


def test_nothing_is_received_below_a_root_that_is_another_groups_target(
    operator: Api, nas1: Api, nas2: Api, viewer: Api
) -> None:
    declare(operator, include_root=False)
    report(nas1, "nas1", full(*SOURCES[:2]))
    report(nas2, "nas2", full(dataset("backup/photos", marker="other")))
    assert outcomes(viewer) == {"a": "BLOCKED_BY_PARENT"}


def test_a_source_root_that_is_gone_is_told_of_also_where_it_is_left_out(
    operator: Api, nas1: Api, nas2: Api, viewer: Api
) -> None:
    declare(operator, include_root=False)
    report(nas1, "nas1", full())
    report(nas2, "nas2", full(dataset("backup/photos")))
    assert outcomes(viewer) == {"": "UNREPORTED"}


LABELS = ("auto-1", "scratch-1", "auto-2", "scratch-2")


def labelled(path: str, *labels: str, **more: Any) -> dict[str, Any]:
    places = [LABELS.index(label) for label in labels]
    add = [{"guid": str(1 + each), "createtxg": str(100 + each), "name": LABELS[each]} for each in places]
    return dataset(path, **more) | {"add": add}


@pytest.mark.parametrize(
    ("snapshots", "held", "lag", "steps"),
    [
        ({}, ["auto-1"], 3, [("1", "4", False)]),
        ({"exclude": ["scratch-*"]}, ["auto-1"], 1, [("1", "3", True)]),
        ({"include": ["auto-*"]}, None, 2, [(None, "1", False), ("1", "3", True)]),
        ({"include": ["auto-*"], "intermediate": False}, None, 1, [(None, "3", False)]),
        ({"include": ["scratch-*"]}, ["auto-1"], 2, [("1", "2", False), ("2", "4", True)]),
        ({"intermediate": False}, ["auto-1"], 3, [("1", "4", True)]),
    ],
)
def test_snapshots_that_the_group_takes_are_the_ones_that_travel(
    operator: Api, nas1: Api, nas2: Api, viewer: Api, snapshots: dict[str, Any], held: list[str] | None, lag: int,
    steps: list[tuple[str | None, str, bool]],
) -> None:  # fmt: skip
    declare(operator, snapshots=snapshots)
    report(nas1, "nas1", full(labelled("tank/photos", *LABELS)))
    report(nas2, "nas2", full(*([] if held is None else [labelled("backup/photos", *held, marker="photos")])))
    assert row(viewer)["lag_snapshots"] == lag
    (job,) = work(nas2, "nas2")["jobs"]
    found = claim(nas2, job["id"])
    assert [(step["base_guid"], step["to_guid"], step["alone"]) for step in found["steps"]] == steps
    told = found["edge"]["selection"]
    assert told["intermediate"] == snapshots.get("intermediate", True)
    assert told["snapshots_exclude"] == snapshots.get("exclude", [])


def test_a_snapshot_that_the_group_does_not_take_makes_nobody_behind(
    operator: Api, nas1: Api, nas2: Api, viewer: Api
) -> None:
    declare(operator, snapshots={"exclude": ["scratch-*"]})
    report(nas1, "nas1", full(labelled("tank/photos", *LABELS)))
    report(nas2, "nas2", full(labelled("backup/photos", "auto-1", "auto-2", marker="photos")))
    found = row(viewer)
    assert (found["outcome"], found["lag_snapshots"], found["lag_seconds"]) == ("IN_SYNC", 0, 0)
    assert found["source_head"]["name"] == found["target_head"]["name"] == "auto-2"
    assert work(nas2, "nas2")["jobs"] == []


def test_patterns_are_compared_and_shown_in_one_form(operator: Api) -> None:
    first = declare(operator, exclude=["tmp/*", "**/cache", "tmp/*"], snapshots={"exclude": ["b", "a"]})
    after = first["changes"][-1]["after"]
    assert after["exclude"] == ["**/cache", "tmp/*"]
    assert after["snapshots"] == {"include": ["*"], "exclude": ["a", "b"], "intermediate": True}
    second = declare(operator, exclude=["**/cache", "tmp/*"], snapshots={"exclude": ["a", "b"], "include": None})
    assert second["changes"][-1]["action"] == "unchanged"
    back = declare(operator, exclude=None, snapshots=None)["changes"][-1]
    assert (back["fields"], back["after"]["exclude"]) == (["exclude", "snapshots"], [])


def test_bad_patterns_are_faults_all_at_once(operator: Api) -> None:
    group = {
        "members": MEMBERS,
        "exclude": ["fine", "!a", "a//b"],
        "snapshots": {"include": [], "exclude": ["a/b"], "intermediate": "yes", "newest": True},
    }
    found = refused(operator, fleet(sync_groups={"photos": group}), "E_VALIDATION")
    at = "/fleet/sync_groups/photos"
    assert {
        f"{at}/exclude/1", f"{at}/exclude/2", f"{at}/snapshots/include", f"{at}/snapshots/exclude/0",
        f"{at}/snapshots/intermediate", f"{at}/snapshots/newest",
    } == set(found)  # fmt: skip
    assert "taken back" in found[f"{at}/exclude/1"]


def test_a_group_that_replicates_nothing_is_a_warning(operator: Api) -> None:
    document = fleet(sync_groups={"photos": {"members": MEMBERS, "recursive": False, "include_root": False}})
    for path in (PLAN, APPLY):
        (warning,) = operator.post(path, {"fleet": document}).json()["warnings"]
        assert (warning["code"], warning["pointer"]) == (
            "NOTHING_REPLICATED",
            "/fleet/sync_groups/photos/include_root",
        )
