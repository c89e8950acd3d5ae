# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""What a plan says of the hosts, from what they have reported."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.witness.conftest import Api
from tests.unit.witness.documents import MEMBERS, fleet
from tests.unit.witness.hosts import dataset, full

PLAN = "/api/v1/fleet/plan"
APPLY = "/api/v1/fleet/apply"
GiB = 1024**3


@pytest.fixture
def reported(operator: Api, agent: Api) -> Callable[..., None]:
    """Declare nas1 and nas2, and let the agent of nas1 report."""
    operator.post(APPLY, {"fleet": fleet(sync_groups={})})

    def report(*datasets: dict[str, Any]) -> None:
        answer = agent.post("/api/v1/systems/nas1/reports", full(*datasets))
        assert answer.status_code == 200, answer.text

    return report


def plan(api: Api, **group: Any) -> dict[str, Any]:
    document = fleet(sync_groups={"photos": {"members": MEMBERS, **group}})
    body: dict[str, Any] = api.post(PLAN, {"fleet": document}).json()
    return body


def test_a_new_edge_says_how_much_its_first_sync_moves(operator: Api, reported: Callable[..., None]) -> None:
    reported(
        dataset("tank/photos", 1, used=3 * GiB, referenced=GiB),
        dataset("tank/photos/raw", 2, used=GiB),
        dataset("tank/photos-old", 3, used=9 * GiB),
    )
    (warning,) = plan(operator)["warnings"]
    assert (warning["code"], warning["pointer"]) == ("FIRST_SYNC", "/fleet/sync_groups/photos")
    assert warning["message"].endswith("from nas1:tank/photos to nas2:backup/photos moves about 3.0 GiB.")
    assert "2.0 GiB" in plan(operator, recursive=False)["warnings"][0]["message"]
    applied = operator.post(APPLY, {"fleet": fleet()}).json()
    assert applied["warnings"] == [warning]
    assert plan(operator, priority=60)["warnings"] == []


def test_what_is_left_out_of_a_first_sync_is_not_counted(operator: Api, reported: Callable[..., None]) -> None:
    reported(
        dataset("tank/photos", 1, used=16 * GiB, referenced=GiB),
        dataset("tank/photos/raw", 2, used=12 * GiB, referenced=2 * GiB),
        dataset("tank/photos/raw/cache", 3, used=4 * GiB, referenced=3 * GiB),
        dataset("tank/photos/raw/cache/x", 3, used=GiB, referenced=GiB),
        dataset("tank/photos/clone", 3, used=0, referenced=3 * GiB),
    )

    def moved(**group: Any) -> str:
        (warning,) = plan(operator, **group)["warnings"]
        return str(warning["message"].rsplit("about ", 1)[1])

    assert moved() == "19.0 GiB."  # the clone is sent whole
    assert moved(exclude=["cache"]) == "15.0 GiB."
    assert moved(exclude=["raw", "clone"]) == "4.0 GiB."
    assert moved(include_root=False) == "15.0 GiB."
    assert moved(include_root=False, exclude=["cache", "clone"]) == "8.0 GiB."
    assert moved(snapshots={"intermediate": False}) == "10.0 GiB."
    assert moved(recursive=False) == "4.0 GiB."


def test_a_source_that_is_not_reported_says_nothing(operator: Api, reported: Callable[..., None]) -> None:
    reported(dataset("tank/other", 1, used=GiB))
    assert plan(operator)["warnings"] == []


def test_a_platform_that_the_agent_contradicts_is_a_warning(operator: Api, reported: Callable[..., None]) -> None:
    reported()
    document = fleet({"nas1": {"platform": "freebsd"}, "nas2": {"platform": "freebsd"}}, {})
    (warning,) = operator.post(PLAN, {"fleet": document}).json()["warnings"]
    assert (warning["code"], warning["pointer"]) == ("PLATFORM_DIFFERS", "/fleet/systems/nas1/platform")
    assert operator.post(PLAN, {"fleet": fleet({"nas1": {"platform": "linux"}}, {})}).json()["warnings"] == []


@pytest.mark.parametrize(("length", "fits"), [(238, True), (239, False), (242, False)])
def test_a_name_that_would_be_too_long_on_a_target_is_a_fault(
    operator: Api, reported: Callable[..., None], length: int, fits: bool
) -> None:
    long = "x" * length
    reported(dataset("tank/photos", 1), dataset(f"tank/photos/{long}", 2))
    answer = operator.post(PLAN, {"fleet": fleet()})
    assert (answer.status_code == 200) == fits
    if not fits:
        (fault,) = answer.json()["errors"]
        assert fault["pointer"] == "/fleet/sync_groups/photos/members/1/dataset"
        assert "more than 255 bytes" in fault["message"]
    assert plan(operator, recursive=False)["summary"]["created"] == 1
    assert plan(operator, exclude=["x*"])["summary"]["created"] == 1


def test_a_snapshot_whose_name_would_be_too_long_on_a_target_is_a_fault(
    operator: Api, reported: Callable[..., None]
) -> None:
    long = dataset("tank/photos/" + "x" * 200, 1, 2)
    long["add"][1]["name"] = "scratch-" + "y" * 40
    reported(dataset("tank/photos", 1), long)
    (fault,) = operator.post(PLAN, {"fleet": fleet()}).json()["errors"]
    assert fault["pointer"] == "/fleet/sync_groups/photos/members/1/dataset"
    assert fault["message"].startswith("'" + "x" * 200 + "@scratch-yyy")
    for fine in ({"snapshots": {"exclude": ["scratch-*"]}}, {"exclude": ["x*"]}, {"recursive": False}):
        assert plan(operator, **fine)["summary"]["created"] == 1


def test_a_name_that_became_too_long_keeps_nobody_from_other_changes(
    operator: Api, reported: Callable[..., None]
) -> None:
    reported(dataset("tank/photos", 1))
    assert operator.post(APPLY, {"fleet": fleet()}).status_code == 200
    reported(dataset("tank/photos", 1), dataset("tank/photos/" + "x" * 242, 2))
    assert plan(operator, enabled=False)["summary"]["updated"] == 1
    assert operator.post(PLAN, {"fleet": fleet(sync_groups={"photos": {"exclude": ["a"]}})}).status_code == 422
    assert plan(operator, exclude=["x*"])["summary"]["updated"] == 1


def test_one_object_shows_what_is_known_of_it(operator: Api, reported: Callable[..., None]) -> None:
    reported(dataset("tank/photos", 1, 2))
    operator.post(APPLY, {"fleet": fleet()})
    observed = operator.get("/api/v1/systems/nas1").json()["observed"]
    assert (observed["online"], observed["datasets"], observed["snapshots"]) == (True, 1, 2)
    assert operator.get("/api/v1/systems/nas2").json()["observed"]["online"] is False
    group = operator.get("/api/v1/sync-groups/photos").json()["observed"]
    assert group["summary"] == {"UNREPORTED": 1}
    assert group["items"][0]["edge"] == "photos:nas2:backup/photos"
