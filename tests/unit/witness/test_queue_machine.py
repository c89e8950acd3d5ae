# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The job queue against a model, over HTTP: whatever agents, people and clocks do, in whatever order.

Never two running jobs for one dataset of a target, never a finish accepted twice or from an old epoch, epochs that only
rise, and no answer of 5xx.
"""

import io
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy import func, select
from starlette.testclient import TestClient

from tests.unit.witness.conftest import Api, ManualClock
from tests.unit.witness.documents import fleet
from tests.unit.witness.hosts import dataset, full
from zfs_sync.witness.app import create_app
from zfs_sync.witness.db.database import Database
from zfs_sync.witness.db.schema import metadata
from zfs_sync.witness.db.work import jobs
from zfs_sync.witness.logs import make_logger
from zfs_sync.witness.principal import COMMAND_LINE
from zfs_sync.witness.services import keys
from zfs_sync.witness.services.keys import NewKey
from zfs_sync.witness.settings import Settings
from zfs_sync.witness.sweep import sweep

BEAT = {"protocol": 1, "installation": "inst-1", "agent_version": "0.1.0"}
RESULTS = st.sampled_from(["succeeded", "failed", "cancelled"])
ERROR = {"code": "E_INTERRUPTED", "message": "cut", "hint": "none"}


class Queue(RuleBasedStateMachine):
    """One target with three datasets; epochs and results as the agent was told."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.clock = ManualClock()
        self.database = Database(f"sqlite:///{Path(self.folder.name) / 'witness.db'}")
        self.database.write(metadata.create_all)
        given = Settings(database=Path(self.folder.name) / "witness.db")
        self.app = create_app(given, self.clock, self.database, make_logger("error", io.StringIO()))
        self.client = TestClient(self.app, raise_server_exceptions=False)
        self.epochs: dict[str, int] = {}
        self.ended: dict[str, tuple[int, str]] = {}

    def teardown(self) -> None:
        self.client.close()
        self.database.close()
        self.folder.cleanup()

    @initialize()
    def begin(self) -> None:
        self.operator, self.source, self.target = self._key("operator"), self._agent("nas1"), self._agent("nas2")
        self.checked(self.operator.post("/api/v1/fleet/apply", {"fleet": fleet()}))
        self.head = 1
        self.report_source()
        places = ("backup/photos", "backup/photos/a", "backup/photos/b c")
        held = full(*(dataset(path, 1, marker="photos") for path in places))
        self.checked(self.target.post("/api/v1/systems/nas2/reports", held))

    def _key(self, role: str, system: str | None = None) -> Api:
        new = NewKey(f"{role}-{system}", role, system)
        return Api(
            self.client, self.database.write(lambda each: keys.create(each, COMMAND_LINE, new, self.clock())[1].text)
        )

    def _agent(self, system: str) -> Api:
        return self._key("agent", system)

    def checked(self, answer: Any) -> Any:
        assert answer.status_code < 500, answer.text
        return answer

    def rows(self) -> list[Any]:
        return self.database.read(lambda each: each.execute(select(jobs).order_by(jobs.c.created_at, jobs.c.id)).all())

    def pick(self, number: int) -> Any:
        rows = self.rows()
        return rows[number % len(rows)] if rows else None

    @rule()
    def report_source(self) -> None:
        self.head += 1
        guids = range(1, self.head + 1)
        body = full(*(dataset(path, *guids) for path in ("tank/photos", "tank/photos/a", "tank/photos/b c")))
        self.checked(self.source.post("/api/v1/systems/nas1/reports", body))

    @rule(number=st.integers(0, 20), mine=st.booleans())
    def claim(self, number: int, mine: bool) -> None:
        if (job := self.pick(number)) is None:
            return
        body = {"installation": "inst-1" if mine else "inst-2"}
        answer = self.checked(self.target.post(f"/api/v1/jobs/{job.id}/claim", body))
        assert mine or answer.status_code == 409
        if answer.status_code == 200:
            epoch = answer.json()["epoch"]
            assert epoch > self.epochs.get(job.id, 0)
            assert job.id not in self.ended
            self.epochs[job.id] = epoch

    @rule(number=st.integers(0, 20), behind=st.integers(0, 2))
    def progress(self, number: int, behind: int) -> None:
        if (job := self.pick(number)) is None:
            return
        epoch = max(0, job.epoch - behind)
        answer = self.checked(self.target.post(f"/api/v1/jobs/{job.id}/progress", {"epoch": epoch}))
        assert answer.status_code == (200 if behind == 0 and job.state in ("running", "lost") else 409)

    @rule(number=st.integers(0, 20), behind=st.integers(0, 2), result=RESULTS)
    def finish(self, number: int, behind: int, result: str) -> None:
        if (job := self.pick(number)) is None:
            return
        epoch = max(0, job.epoch - behind)
        body = {"epoch": epoch, "result": result, "error": ERROR if result == "failed" else None}
        answer = self.checked(self.target.post(f"/api/v1/jobs/{job.id}/finish", body))
        live = job.state in ("running", "lost") and epoch == job.epoch
        if live:
            assert answer.status_code == 200
            self.ended[job.id] = (epoch, result)
        elif answer.status_code == 200:
            assert (job.epoch, job.state) == (epoch, result)
        else:
            assert answer.json()["code"] == "E_LEASE_LOST"

    @rule(seconds=st.sampled_from([1, 30, 61, 400]))
    def time_passes(self, seconds: int) -> None:
        self.clock.advance(seconds)
        sweep(self.app.state.witness)

    @rule(some=st.integers(0, 3))
    def heartbeat(self, some: int) -> None:
        running = [row.id for row in self.rows() if row.state in ("running", "lost")][:some]
        self.checked(self.target.post("/api/v1/systems/nas2/heartbeat", BEAT | {"running": running}))

    @rule(number=st.integers(0, 20), verb=st.sampled_from(["cancel", "abandon"]))
    def decide(self, number: int, verb: str) -> None:
        if (job := self.pick(number)) is not None:
            self.checked(self.operator.post(f"/api/v1/jobs/{job.id}/{verb}"))

    @rule()
    def ask(self) -> None:
        self.checked(self.operator.post("/api/v1/sync-groups/photos/sync", {}))

    @invariant()
    def one_holder_per_dataset(self) -> None:
        for states in (("running", "lost"), ("queued",)):
            counted = (
                select(func.count())
                .where(jobs.c.state.in_(states))
                .group_by(jobs.c.to_system, jobs.c.target_dataset)
                .order_by(func.count().desc())
            )
            assert (self.database.read(lambda each, counted=counted: each.execute(counted).scalar()) or 0) <= 1

    @invariant()
    def what_ended_stays_ended(self) -> None:
        states = {row.id: (row.epoch, row.state) for row in self.rows()}
        assert all(states[job] == ended for job, ended in self.ended.items())


TestQueue = Queue.TestCase
TestQueue.settings = settings(
    max_examples=15,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
