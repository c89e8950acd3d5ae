# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Reports for a system that has no agent, what is held of a system, and who gives way to whom."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.witness.conftest import Api
from tests.unit.witness.hosts import dataset, full
from zfs_sync.api.reports import NO_AGENT

V1 = "/api/v1"
REPORTS = V1 + "/systems/nas1/reports"


@pytest.fixture(autouse=True)
def declared(operator: Api) -> None:
    for name in ("nas1", "nas2"):
        assert operator.put(f"{V1}/systems/{name}", {}).status_code == 200


def reported(api: Api, *datasets: dict[str, Any], **more: Any) -> Any:
    return api.post(REPORTS, full(*datasets, **more))


def status(viewer: Api) -> dict[str, Any]:
    answer: dict[str, Any] = viewer.get(V1 + "/systems/nas1").json()["observed"]
    return answer


def test_nothing_is_held_of_a_system_that_nobody_has_reported(agent: Api, viewer: Api) -> None:
    for api in (agent, viewer):
        held = api.get(REPORTS).json()
        assert held == {"generation": None, "installation": None, "items": [], "next": None}


def test_what_is_held_is_what_was_reported_page_by_page(agent: Api) -> None:
    assert reported(agent, dataset("tank/b", 7, 3), dataset("tank/a"), generation="one").status_code == 200
    first = agent.get(REPORTS + "?limit=1").json()
    assert (first["generation"], first["installation"], first["next"]) == ("one", "inst-1", "tank/a")
    assert [each["snapshots"] for each in first["items"]] == [[]]
    second = agent.get(REPORTS + "?limit=1&after=tank/a").json()
    (item,) = second["items"]
    assert (item["path"], item["type"], second["next"]) == ("tank/b", "filesystem", None)
    assert item["snapshots"] == [{"guid": "7", "name": "s7"}, {"guid": "3", "name": "s3"}]


def test_an_agent_key_sees_what_is_held_of_its_own_system_only(agent: Api) -> None:
    refused = agent.get(V1 + "/systems/nas2/reports")
    assert (refused.status_code, refused.json()["code"]) == (403, "E_FORBIDDEN")


def test_a_system_that_is_not_declared_is_none(viewer: Api) -> None:
    refused = viewer.get(V1 + "/systems/nas3/reports")
    assert (refused.status_code, refused.json()["code"]) == (404, "E_SYSTEM_NOT_FOUND")


def test_a_system_without_an_agent_is_reported_and_is_neither_enrolled_nor_online(agent: Api, viewer: Api) -> None:
    assert reported(agent, dataset("tank/a", 1), installation=NO_AGENT).status_code == 200
    seen = status(viewer)
    assert (seen["snapshots"], seen["enrolled"], seen["online"]) == (1, False, False)
    assert seen["last_seen"] is not None


def test_a_system_with_an_agent_is_reported_by_nobody_else_and_no_clone_is_noted(agent: Api, viewer: Api) -> None:
    assert reported(agent, dataset("tank/a", 1)).status_code == 200
    refused = reported(agent, dataset("tank/a"), installation=NO_AGENT)
    assert (refused.status_code, refused.json()["code"]) == (409, "E_SYSTEM_HAS_AGENT")
    assert "inst-1" in refused.json()["detail"]
    assert status(viewer)["snapshots"] == 1
    assert reported(agent, dataset("tank/a", 1, 2)).status_code == 200


def test_an_agent_that_enrols_takes_over(agent: Api, viewer: Api, client: Any, mint: Callable[..., str]) -> None:
    assert reported(agent, dataset("tank/a", 1), installation=NO_AGENT).status_code == 200
    enrol = Api(client, mint("enrol", system="nas1", name="another"))
    body = {
        "system": "nas1",
        "installation": "inst-9",
        "agent_version": "0.1.0",
        "protocol": 1,
        "token_lookup": "abcdefgh",
        "token_sha256": "0" * 64,
    }
    assert enrol.post(V1 + "/enrol", body).status_code == 200
    assert status(viewer)["enrolled"]
    assert viewer.get(REPORTS).json()["generation"] is None
    ended = reported(agent, dataset("tank/a"), installation=NO_AGENT)
    assert (ended.status_code, ended.json()["code"]) == (401, "E_UNAUTHENTICATED")
