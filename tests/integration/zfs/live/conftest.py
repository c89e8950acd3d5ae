# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Two pools of one host, and a fresh pair of datasets per check. These checks run inside a lab host."""

import faulthandler
import itertools
import shlex
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from zfs_sync.core.planner import judge, transfer_steps
from zfs_sync.engine.checks import Step
from zfs_sync.engine.continuity import Holds
from zfs_sync.engine.feeder import Feeder, LocalFeeder
from zfs_sync.engine.progress import Progress
from zfs_sync.engine.receiving import Job, Moved, Receiver
from zfs_sync.engine.sending import Sender
from zfs_sync.zfs.host import Zfs
from zfs_sync.zfs.runner import LocalRunner

NUMBERS = itertools.count()
DISKS = Path("/disk")
CHECK_SECONDS = 60
AGAIN_SECONDS = 10


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """A check that hangs fails by its name, with what every thread was doing, and the next one begins.

    The alarm comes again and again, since what hung may hang once more when it is taken down.
    """
    if Path(__file__).parent not in item.path.parents:
        return (yield)  # outside of the lab host, where this file is read too

    def too_long(*_: object) -> None:
        faulthandler.dump_traceback()
        raise TimeoutError(f"{item.nodeid} took more than {CHECK_SECONDS} s")

    before = signal.signal(signal.SIGALRM, too_long)
    signal.setitimer(signal.ITIMER_REAL, CHECK_SECONDS, AGAIN_SECONDS)
    try:
        return (yield)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def sh(*argv: str) -> str:
    """Run a command as the administrator of the host would."""
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{shlex.join(argv)}: {done.stderr}"
    return done.stdout


@pytest.fixture(scope="session")
def pools() -> Iterator[None]:
    for pool in ("alpha", "beta"):
        disk = DISKS / f"{pool}.img"
        with disk.open("wb") as file:
            file.truncate(512 << 20)
        sh("zpool", "create", pool, str(disk))
    yield
    for pool in ("alpha", "beta"):
        sh("zpool", "destroy", pool)
        (DISKS / f"{pool}.img").unlink()


@pytest.fixture(scope="session")
def zfs(pools: None) -> Zfs:
    return Zfs(LocalRunner())


@dataclass(slots=True)
class Pair:
    """A source in one pool and its target in the other, and everything that replicates the one into the other."""

    zfs: Zfs
    state: Path
    source: str
    target: str
    holds: Holds = field(init=False)
    sender: Sender = field(init=False)
    receiver: Receiver = field(init=False)
    seen: list[Progress] = field(default_factory=list)
    cancelled: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.holds = Holds(self.zfs, self.state)
        self.sender = Sender(self.zfs, self.holds)
        self.receiver = Receiver(self.zfs, self.state, self.holds, time.monotonic)

    @property
    def edge(self) -> str:
        return f"g:here:{self.target}"

    def feeder(self) -> LocalFeeder:
        return LocalFeeder(self.sender, edge=self.edge, group="g", to_system="here", dataset=self.source)

    def snapshot(self, label: str, **files: str) -> None:
        for name, content in files.items():
            (Path("/") / self.source / name).write_text(content)
        sh("zfs", "snapshot", f"{self.source}@{label}")

    def fill(self, name: str, mebibytes: int) -> None:
        sh("dd", "if=/dev/urandom", f"of=/{self.source}/{name}", "bs=1M", f"count={mebibytes}", "status=none")

    def steps(self) -> tuple[Step, ...]:
        """What the witness would plan from fresh reports."""
        source, target = self.zfs.dataset(self.source), self.zfs.dataset(self.target)
        assert source
        verdict = judge("g", source.view(), target.view() if target else None)
        return tuple(
            Step(each.base.guid if each.base else None, each.to.guid) for each in transfer_steps(verdict, source.view())
        )

    def sync(self, *, steps: tuple[Step, ...] | None = None, feeder: Feeder | None = None, group: str = "g") -> Moved:
        job = Job(self.edge, group, self.target, self.steps() if steps is None else steps)
        return self.receiver.run(
            job,
            feeder or self.feeder(),
            allow=lambda _: None,
            on_progress=self.seen.append,
            cancelled=self.cancelled,
            progress_seconds=0.05,
        )

    def guids(self, dataset: str) -> list[int]:
        found = self.zfs.dataset(dataset)
        return [each.guid for each in found.snapshots] if found else []

    def property(self, name: str, dataset: str | None = None) -> tuple[str, str]:
        found = self.zfs.properties(dataset or self.target, [name])[name]
        return found.value, found.source

    def userrefs(self, dataset: str, label: str) -> str:
        return self.property("userrefs", f"{dataset}@{label}")[0]


@pytest.fixture
def make_pair(zfs: Zfs, tmp_path: Path) -> Iterator[Callable[[str], Pair]]:
    made: list[str] = []

    def make(name: str) -> Pair:
        number = next(NUMBERS)
        source, target = f"alpha/{name}{number}", f"beta/{name}{number}"
        sh("zfs", "create", source)
        made.extend((source, target))
        return Pair(zfs, tmp_path / "state", source, target)

    yield make
    for dataset in made:
        remove(dataset)


def remove(dataset: str) -> None:
    """Destroy a dataset of ours, and before that release what it holds; none there is well."""
    references = ["zfs", "get", "-rHp", "-o", "name,value", "userrefs", dataset]
    for line in subprocess.run(references, capture_output=True, text=True, check=False).stdout.splitlines():
        name, held = line.split("\t")
        for tag in ("zfs-sync:g", "zfs-sync:g:here") if held not in ("-", "0") else ():
            subprocess.run(["zfs", "release", tag, name], capture_output=True, check=False)
    subprocess.run(["zfs", "destroy", "-r", dataset], capture_output=True, check=False)


@pytest.fixture
def pair(make_pair: Callable[[str], Pair]) -> Pair:
    return make_pair("data")
