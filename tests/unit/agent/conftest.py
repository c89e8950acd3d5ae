# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""What one host of a fleet is told, and its ZFS as recorded."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from tests.unit.agent.fleet import Fleet, Pair, make_pair
from tests.unit.client.conftest import listener, prepared, tls, witness  # noqa: F401  (fixtures)
from tests.unit.witness.process import Served
from tests.unit.zfs.program import Program
from tests.unit.zfs.recordings import zfs_fuse
from zfs_sync.agent.config import AgentConfig, AllowRule, WitnessConfig
from zfs_sync.agent.storage import Engine
from zfs_sync.api.work import Peer, Settings, WaitingJob, Work, WorkEdge
from zfs_sync.engine.continuity import Holds
from zfs_sync.engine.receiving import Receiver
from zfs_sync.engine.sending import Sender
from zfs_sync.zfs.capabilities import probe
from zfs_sync.zfs.host import Zfs

DEADLINE_SECONDS = 30.0
FEEDS = WorkEdge(
    id="photos:nas2:backup/photos",
    group="photos",
    role="from",
    from_system="nas1",
    from_root="tank/photos",
    to_system="nas2",
    to_root="backup/photos",
    recursive=True,
    peer=Peer(system="nas2", host="nas2", user="zfs-sync", port=22),
)
"""nas1 feeds nas2."""
FED = replace(FEEDS, role="to", peer=Peer(system="nas1", host="nas1", user="zfs-sync", port=22))
"""The same edge as nas2 sees it."""


def until(condition: Callable[[], object]) -> None:
    """Wait for a condition."""
    limit = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < limit, "the condition did not come true"
        threading.Event().wait(0.005)


def work_of(system: str, *edges: WorkEdge, jobs: tuple[WaitingJob, ...] = ()) -> Work:
    settings = Settings(heartbeat_seconds=30, lease_seconds=30, progress_seconds=1)
    return Work(system=system, settings=settings, edges=list(edges), jobs=list(jobs))


@dataclass
class ManualClock:
    """Seconds that go on when a test says so."""

    now: float = 1000.0
    slept: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def config(tmp_path: Path) -> AgentConfig:
    """nas1, which may send tank/photos and receive into backup."""
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    return AgentConfig(
        system="nas1",
        witness=WitnessConfig(url="https://localhost:1"),
        allow=[
            AllowRule(dataset="tank/photos", operations=["send"]),
            AllowRule(dataset="backup", operations=["receive"]),
        ],
        state_dir=str(state),
        run_dir=str(tmp_path / "run"),
    )


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path / "program")


class Ready:
    """A host whose ZFS answers: zfs-fuse, whose capabilities are known already."""

    def __init__(self, program: Program, folder: Path) -> None:
        zfs = Zfs(program.runner, probe(zfs_fuse()))
        holds = Holds(zfs, folder)
        self.made = Engine(zfs, holds, Sender(zfs, holds), Receiver(zfs, folder, holds, time.monotonic))

    def engine(self) -> Engine:
        return self.made


@pytest.fixture
def storage(program: Program, config: AgentConfig) -> Ready:
    return Ready(program, config.state)


@pytest.fixture(scope="session")
def fleet(witness: Served, prepared: Path) -> Iterator[Fleet]:  # noqa: F811  (the fixtures above)
    """A real witness and its administrator."""
    state = prepared / "state"
    with witness.client((state / "admin.key").read_text().strip()) as admin:
        yield Fleet(witness, state / "tls" / "ca.crt", admin)


@pytest.fixture
def pair(fleet: Fleet) -> Iterator[Pair]:
    """A job that waits for an agent, and that agent's client."""
    made = make_pair(fleet)
    yield made
    made.client.close()
