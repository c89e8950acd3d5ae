# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""A revoked key ends everything at once: the long poll, the edges of its peers, what waits and what runs."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import delete, select

from tests.unit.witness.conftest import Api, ManualClock
from tests.unit.witness.documents import fleet
from tests.unit.witness.hosts import dataset, full
from zfs_sync.core import tokens
from zfs_sync.witness.db.database import Database
from zfs_sync.witness.db.desired import api_keys, audit
from zfs_sync.witness.principal import COMMAND_LINE
from zfs_sync.witness.services import access
from zfs_sync.witness.sweep import Revocations, sweep

Agents = dict[str, Api]
PHOTOS = "photos:nas2:backup/photos"
MEMBERS = [
    {"system": "nas3", "dataset": "tank/photos", "role": "source"},
    {"system": "nas2", "dataset": "backup/photos", "role": "target"},
]
FLEET = fleet({"nas3": {}, "nas2": {}}, {"photos": {"members": MEMBERS}})


@pytest.fixture
def agents(operator: Api, agent_of: Callable[[str], Api]) -> Agents:
    assert operator.post("/api/v1/fleet/apply", {"fleet": FLEET}).status_code == 200
    found = {name: agent_of(name) for name in ("nas3", "nas2")}
    for name, said in (("nas3", full(dataset("tank/photos", 1))), ("nas2", full())):
        assert found[name].post(f"/api/v1/systems/{name}/reports", said).status_code == 200
    return found


def work(agents: Agents, name: str) -> Any:
    return agents[name].get(f"/api/v1/systems/{name}/work").json()


def lookup(agents: Agents, name: str) -> str:
    return tokens.parse(agents[name].token).lookup


def revoke(admin: Api, agents: Agents, name: str) -> None:
    assert admin.delete(f"/api/v1/api-keys/{lookup(agents, name)}").status_code == 200


@pytest.mark.parametrize(("lost", "peer"), [("nas2", "nas3"), ("nas3", "nas2")])
def test_its_peer_is_told_of_no_edge_to_it_and_keeps_what_the_edge_holds(
    admin: Api, agents: Agents, lost: str, peer: str
) -> None:
    assert [each["id"] for each in work(agents, peer)["edges"]] == [PHOTOS]
    revoke(admin, agents, lost)
    told = work(agents, peer)
    assert (told["edges"], told["jobs"], told["withheld"]) == ([], [], [PHOTOS])


def test_what_waits_is_cancelled_and_the_status_says_why(admin: Api, viewer: Api, agents: Agents) -> None:
    (job,) = work(agents, "nas2")["jobs"]
    revoke(admin, agents, "nas3")
    assert viewer.get(f"/api/v1/jobs/{job['id']}").json()["state"] == "cancelled"
    (item,) = viewer.get("/api/v1/status").json()["items"]
    assert item["error"]["code"] == "E_KEY_REVOKED"
    assert "nas3" in item["error"]["message"]


def test_what_runs_is_ended_by_its_peer(admin: Api, agents: Agents, database: Database) -> None:
    (job,) = work(agents, "nas2")["jobs"]
    claimed = agents["nas2"].post(f"/api/v1/jobs/{job['id']}/claim", {"installation": "inst-1"}).json()
    revoke(admin, agents, "nas3")
    progress = agents["nas2"].post(f"/api/v1/jobs/{job['id']}/progress", {"epoch": claimed["epoch"]})
    assert progress.json()["cancel"] is True
    rows = database.read(lambda each: each.execute(select(audit).where(audit.c.event == "job.cancelled")).all())
    assert [row.detail["reason"] for row in rows] == ["the key of nas3 was revoked"]


def test_a_job_that_was_listed_before_cannot_be_claimed_after(admin: Api, agents: Agents) -> None:
    (job,) = work(agents, "nas2")["jobs"]
    revoke(admin, agents, "nas3")
    answer = agents["nas2"].post(f"/api/v1/jobs/{job['id']}/claim", {"installation": "inst-1"})
    assert answer.json()["code"] == "E_JOB_NOT_CLAIMABLE"


def poll(agents: Agents, name: str) -> tuple[threading.Thread, list[Any]]:
    """A long poll that waits for something new."""
    tag = agents[name].get(f"/api/v1/systems/{name}/work").headers["ETag"]
    answers: list[Any] = []
    path, options = f"/api/v1/systems/{name}/work", {"params": {"wait": 30}, "headers": {"If-None-Match": tag}}
    thread = threading.Thread(target=lambda: answers.append(agents[name].get(path, **options)))
    thread.start()
    return thread, answers


def test_the_long_polls_of_both_ends_return_at_once(admin: Api, agents: Agents) -> None:
    polls = {name: poll(agents, name) for name in ("nas3", "nas2")}
    revoke(admin, agents, "nas2")
    for thread, _ in polls.values():
        thread.join(20)
        assert not thread.is_alive()
    assert (polls["nas2"][1][0].status_code, polls["nas2"][1][0].json()["code"]) == (401, "E_UNAUTHENTICATED")
    assert polls["nas3"][1][0].json()["withheld"] == [PHOTOS]


def test_a_key_that_another_process_revoked_is_noticed(
    app: FastAPI, agents: Agents, database: Database, clock: ManualClock
) -> None:
    clock.advance(1)
    thread, answers = poll(agents, "nas2")
    key = lookup(agents, "nas2")
    revocations = Revocations(app.state.witness)
    clock.advance(1)
    database.write(lambda connection: access.revoke(connection, COMMAND_LINE, key, clock()))
    clock.advance(1)
    revocations.look()
    thread.join(20)
    assert not thread.is_alive()
    assert answers[0].status_code == 401


def test_a_system_that_enrols_again_goes_on(
    admin: Api, viewer: Api, agents: Agents, mint: Callable[..., str], client: Any
) -> None:
    revoke(admin, agents, "nas3")
    own = tokens.mint("agent", lambda count: b"\x09" * count)
    words = {
        "system": "nas3",
        "installation": "inst-1",
        "token_lookup": own.lookup,
        "token_sha256": own.sha256,
        "agent_version": "0.1.0",
        "protocol": 2,
    }
    enrolling = Api(client, mint("enrol", system="nas3", name="again"))
    assert enrolling.post("/api/v1/enrol", words).status_code == 200
    told = work(agents, "nas2")
    assert ([each["id"] for each in told["edges"]], told["withheld"]) == ([PHOTOS], [])
    assert len(told["jobs"]) == 1
    assert viewer.get("/api/v1/status").json()["items"][0]["error"] is None


def test_a_witness_that_was_built_anew_and_knows_no_keys_withholds_nothing(agents: Agents, database: Database) -> None:
    mine = api_keys.c.id == lookup(agents, "nas3")
    database.write(lambda each: each.execute(delete(api_keys).where(mine)))
    told = work(agents, "nas2")
    assert ([each["id"] for each in told["edges"]], told["withheld"]) == ([PHOTOS], [])


def test_a_key_that_only_expired_bars_nobody(
    agents: Agents, mint: Callable[..., str], admin: Api, clock: ManualClock
) -> None:
    mint("agent", system="nas3", name="short", seconds=60)
    revoke(admin, agents, "nas3")
    assert work(agents, "nas2")["withheld"] == []
    clock.advance(61)
    assert work(agents, "nas2")["withheld"] == [PHOTOS]


def test_what_bars_a_system_is_kept_however_old_it_is(
    app: FastAPI, admin: Api, agents: Agents, clock: ManualClock
) -> None:
    revoke(admin, agents, "nas3")
    clock.advance(3_000 * 86_400)
    sweep(app.state.witness)
    assert work(agents, "nas2")["withheld"] == [PHOTOS]
