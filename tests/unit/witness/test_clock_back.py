# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""A clock that goes back an hour keeps nobody waiting for an hour."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI

from tests.unit.witness.conftest import Api, ManualClock
from tests.unit.witness.documents import fleet
from tests.unit.witness.hosts import dataset, full
from zfs_sync.witness.sweep import Sweeper

HOUR = 3600
ME = {"installation": "inst-1"}
ERROR = {"code": "E_INTERRUPTED", "message": "cut", "hint": "none"}


@pytest.fixture
def target(operator: Api, agent_of: Callable[[str], Api]) -> Api:
    """The agent of nas2, which has a job to run."""
    assert operator.post("/api/v1/fleet/apply", {"fleet": fleet()}).status_code == 200
    source, target = agent_of("nas1"), agent_of("nas2")
    source.post("/api/v1/systems/nas1/reports", full(dataset("tank/photos", 1, 2)))
    target.post("/api/v1/systems/nas2/reports", full(dataset("backup/photos", 1, marker="photos")))
    return target


def waiting(target: Api) -> list[dict[str, Any]]:
    jobs: list[dict[str, Any]] = target.get("/api/v1/systems/nas2/work?wait=0").json()["jobs"]
    return [each for each in jobs if each["state"] == "queued"]


def fail(target: Api) -> None:
    (job,) = waiting(target)
    epoch = target.post(f"/api/v1/jobs/{job['id']}/claim", ME).json()["epoch"]
    target.post(f"/api/v1/jobs/{job['id']}/finish", {"epoch": epoch, "result": "failed", "error": ERROR})


@pytest.mark.parametrize("restarted", [False, True], ids=["while it runs", "while it is away"])
def test_a_retry_is_seconds_away_and_not_an_hour(
    app: FastAPI, target: Api, clock: ManualClock, *, restarted: bool
) -> None:
    sweeper = Sweeper(app.state.witness)
    clock.advance(HOUR)
    fail(target)
    sweeper.run()
    clock.advance(-HOUR)
    (Sweeper(app.state.witness) if restarted else sweeper).run()
    clock.advance(400)
    assert waiting(target)


def test_without_a_step_the_backoff_stands(app: FastAPI, target: Api, clock: ManualClock) -> None:
    sweeper = Sweeper(app.state.witness)
    clock.advance(HOUR)
    fail(target)
    sweeper.run()
    assert waiting(target) == []


def test_a_lease_runs_out_in_time_after_the_clock_went_back(
    app: FastAPI, operator: Api, target: Api, clock: ManualClock
) -> None:
    sweeper = Sweeper(app.state.witness)
    clock.advance(HOUR)
    (job,) = waiting(target)
    target.post(f"/api/v1/jobs/{job['id']}/claim", ME)
    sweeper.run()
    clock.advance(-HOUR)
    sweeper.run()
    assert operator.get(f"/api/v1/jobs/{job['id']}").json()["state"] == "running"
    clock.advance(300)
    sweeper.run()
    assert operator.get(f"/api/v1/jobs/{job['id']}").json()["state"] == "lost"
