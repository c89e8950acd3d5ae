# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""What happened, from where nobody can talk it away: the processes of a host, and the witness's own books."""

import contextlib
import sqlite3
import threading
from collections import Counter, defaultdict
from pathlib import Path
from typing import Self

from tests.lab.host import Host

SAMPLE_SECONDS = 0.02
ENDS = ("succeeded", "failed", "cancelled")


class Receives:
    """Looks all the time, from outside the host, which datasets ``zfs receive`` runs for: ``with Receives(host):``."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="receives", daemon=True)
        self.samples = 0
        self.seen: Counter[str] = Counter()
        """The most that ran at the same time, by dataset."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def check(self) -> None:
        """There were receives, and never two into one dataset."""
        assert self.seen, f"no receive was seen in {self.samples} samples"
        together = {dataset: most for dataset, most in self.seen.items() if most > 1}
        assert not together, f"receives ran at the same time into one dataset: {together}"

    def _watch(self) -> None:
        while not self._over.wait(SAMPLE_SECONDS):
            now = Counter(filter(None, map(_received_by, self._host.container.cgroup.processes())))
            self.seen |= now
            self.samples += 1


def _received_by(pid: int) -> str | None:
    """The dataset that a process receives into, if it is a ``zfs receive``."""
    words: list[str] = []
    with contextlib.suppress(OSError):
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").rstrip("\0").split("\0")
    return words[-1] if len(words) > 2 and Path(words[0]).name == "zfs" and words[1] in ("receive", "recv") else None


def check_jobs(database: Path) -> dict[str, int]:
    """Every job ended once and nothing happened to it later, its epochs only grew, no two held one dataset.

    The number of snapshots that succeeded jobs say they moved, by host and target dataset.
    """
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        events = connection.execute("SELECT job, state, epoch FROM job_events ORDER BY id").fetchall()
        rows = connection.execute("SELECT id, to_system, target_dataset, state, moved_snapshots FROM jobs").fetchall()
        audited = connection.execute(
            "SELECT object_name FROM audit WHERE event IN ('job.succeeded', 'job.failed')"
        ).fetchall()
    assert events
    targets = {job: f"{system}:{dataset}" for job, system, dataset, _, _ in rows}
    check_histories(events)
    check_holders(events, targets)
    twice = [job for (job,), count in Counter(audited).items() if count > 1]
    assert twice == [], "a job has two results in the audit"
    moved: dict[str, int] = defaultdict(int)
    for job, _, _, state, snapshots in rows:
        moved[targets[job]] += snapshots if state == "succeeded" else 0
    return moved


def check_histories(events: list[tuple[str, str, int]]) -> None:
    """A job ends once, and its epochs never go back. An event is job, state, epoch."""
    histories: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for job, state, epoch in events:
        histories[job].append((state, epoch))
    for job, history in histories.items():
        ends = [position for position, (state, _) in enumerate(history) if state in ENDS]
        assert ends in ([], [len(history) - 1]), f"job {job} ended twice or went on after its end: {history}"
        epochs = [epoch for _, epoch in history]
        assert epochs == sorted(epochs), f"an epoch of job {job} went back: {history}"


def check_holders(events: list[tuple[str, str, int]], targets: dict[str, str]) -> None:
    """A job holds its dataset from its claim to its end, also while it is lost."""
    holders: dict[str, set[str]] = defaultdict(set)
    for job, state, epoch in events:
        held = holders[targets[job]]
        if state in ("running", "lost"):
            held.add(job)
        elif state in ENDS:
            held.discard(job)
        assert len(held) < 2, f"{held} held {targets[job]} at the same time (at {state} in epoch {epoch})"
