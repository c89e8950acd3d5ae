# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""What one agent asks of the witness of a large fleet, with a short history and with one ten times as long."""

import itertools
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.bench.crowd import Crowd, database
from tests.bench.measured import Goal, Measured
from tests.bench.run import Run
from tests.bench.timing import Way, medians
from tests.bench.witness import INSTALLATION, Bench, serving
from zfs_sync.api import PROTOCOL

HELD = 0.1
"""Seconds that an answer may take."""


def measure(run: Run) -> list[Measured]:
    """The poll, the heartbeat, a delta of one new snapshot with what the planner makes of it, and the status."""
    systems, datasets = run.size(1_000, quick=4), run.size(100, quick=6)
    short = Crowd(systems, datasets, run.size(10, quick=2), 1)
    long = Crowd(systems, datasets, run.size(100, quick=4), 10)
    with _grown(run, short) as few, _grown(run, long) as many:
        before, after = _Asking(few, short), _Asking(many, long)
        return [
            _compared(name, what, getattr(before, name), getattr(after, name), run, short, long)
            for name, what in (
                ("work", "GET /systems/{name}/work"),
                ("heartbeat", "POST /systems/{name}/heartbeat"),
                ("delta", "POST /systems/{name}/reports, a delta of one new snapshot"),
                ("status", "GET /status?system={name}"),
            )
        ]


def _compared(name: str, what: str, before: Any, after: Any, run: Run, short: Crowd, long: Crowd) -> Measured:
    before()
    after()
    baseline, ours = medians(Way(before), Way(after), rounds=4 * run.rounds)
    return Measured(
        f"poll-{name}",
        f"{what}, {long.systems:,} systems x {long.datasets} datasets, {long.rows:,} snapshots",
        f"the same, {short.rows:,} snapshots",
        "s",
        ours,
        baseline,
        Goal("ours", HELD),
        {"systems": long.systems, "datasets": long.datasets, "snapshots": long.rows},
    )


class _Asking:
    """One agent, and a person who asks about its host."""

    def __init__(self, bench: Bench, crowd: Crowd) -> None:
        self._name = crowd.names[1]
        self._own = {"path": "tank/own/data001", "guid": str(2 * crowd.shared + 2), "type": "filesystem"}
        self._agent = bench.agent(self._name)
        self._admin = bench.admin
        self._turn = itertools.count(1)
        self._generation = "g0"

    def work(self) -> None:
        """The whole of what the host needs to know."""
        self._agent("GET", f"/systems/{self._name}/work")

    def heartbeat(self) -> None:
        """A sign of life."""
        self._agent("POST", f"/systems/{self._name}/heartbeat", self._said(generation=self._generation, running=[]))

    def delta(self) -> None:
        """One more snapshot of one of its datasets: the planner judges what follows, and a job is queued."""
        number = next(self._turn)
        base, self._generation = self._generation, f"g{number}"
        guid = str(2**63 + number)
        new = {"guid": guid, "createtxg": str(10**6 + number), "name": f"new-{number}"}
        dataset = self._own | {"add": [new]}
        more = {"generation": self._generation, "base_generation": base, "kind": "delta", "seq": 0, "last": True}
        host = {"platform": "linux", "hostname": self._name}
        self._agent("POST", f"/systems/{self._name}/reports", self._said(**more, host=host, datasets=[dataset]))

    def status(self) -> None:
        """Who is behind, and why, as far as this host is concerned."""
        self._admin("GET", f"/status?system={self._name}")

    def _said(self, **more: Any) -> dict[str, Any]:
        return {"protocol": PROTOCOL, "installation": INSTALLATION, "agent_version": "0.1.0", **more}


@contextmanager
def _grown(run: Run, crowd: Crowd) -> Iterator[Bench]:
    """A witness on a copy of the database."""
    run.cache.mkdir(parents=True, exist_ok=True)
    folder: Path = run.folder / f"crowd-{crowd.snapshots}"
    shutil.copytree(database(crowd, run.cache), folder)
    with serving(folder) as bench:
        yield bench
