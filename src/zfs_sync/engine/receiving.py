# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""One job on the receiving host: check, receive, verify, hold; step by step.

Nothing destructive is within reach: a full stream goes only into a dataset that does not exist, an incremental one only
onto its base, and never with ``-F``. After each step the target is read again, and only its head's GUID says whether
the step succeeded.
"""

import subprocess
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.core.names import parent
from zfs_sync.core.ownership import MARKED, Ownership
from zfs_sync.core.planner import TransferStep, judge
from zfs_sync.core.properties import DEFAULTS
from zfs_sync.core.selection import EVERYTHING, Selection
from zfs_sync.engine import pipeline
from zfs_sync.engine.admission import Expected
from zfs_sync.engine.checks import Step, planned, refusal
from zfs_sync.engine.continuity import Holds, target_tag
from zfs_sync.engine.feeder import Feeder
from zfs_sync.engine.locks import target_lock
from zfs_sync.engine.marking import Healed, Intent, Targets, target_properties
from zfs_sync.engine.progress import Clock, Meter, Report
from zfs_sync.zfs.errors import target_modified
from zfs_sync.zfs.host import Zfs
from zfs_sync.zfs.listing import Dataset

PROGRESS_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Job:
    """What is to arrive in one dataset of this host, along which edge."""

    edge: str
    group: str
    target: str
    steps: tuple[Step, ...]
    selection: Selection = EVERYTHING
    ownership: Ownership = MARKED
    """What admits the target besides its mark."""
    properties: Mapping[str, str] = field(default_factory=lambda: DEFAULTS)
    """What is set on the target if it is new."""


@dataclass(frozen=True, slots=True)
class Moved:
    """What a job has brought."""

    snapshots: int
    bytes: int
    head_guid: int | None
    """The target's head, read after the last step."""
    warnings: tuple[str, ...] = ()
    """What went wrong without harm to the data."""


@dataclass(slots=True)
class _Run:
    """A job while it runs."""

    job: Job
    feeder: Feeder
    lock: int
    cancelled: threading.Event
    meter: Meter
    source: Dataset
    snapshots: int = 0
    warnings: list[str] = field(default_factory=list)


class Receiver:
    """Executes jobs on this host."""

    def __init__(
        self, zfs: Zfs, folder: Path, holds: Holds, clock: Clock, *, idle_seconds: float = pipeline.IDLE_SECONDS
    ) -> None:
        """``folder`` is the agent's state directory, ``clock`` never goes back."""
        self._zfs = zfs
        self._folder = folder
        self._holds = holds
        self._clock = clock
        self._idle = idle_seconds
        self.targets = Targets(zfs, folder)

    def run(
        self,
        job: Job,
        feeder: Feeder,
        *,
        allow: Callable[[str], None],
        on_progress: Report,
        cancelled: threading.Event,
        progress_seconds: float = PROGRESS_SECONDS,
    ) -> Moved:
        """Bring the target to the last step's snapshot.

        ``allow`` raises E_NOT_ALLOWED_HERE for a dataset outside the host's allow-list. ``on_progress`` must not block.
        Raises an error of the catalogue; the target then has what it had before, or some of the snapshots to come.
        """
        allow(job.target)
        with target_lock(self._folder, job.target) as lock:
            if self.targets.heal(job.target, job.properties) is Healed.PENDING:
                raise ZfsSyncError("E_TARGET_LOCKED", f"An earlier receive into {job.target} has not ended yet.")
            source = feeder.dataset()
            if source is None:
                raise ZfsSyncError("E_SOURCE_GONE", f"The source of {job.target} does not exist any more.")
            target = self._zfs.dataset(job.target)
            steps = planned(job, source, target, lambda: self._parent_exists(job))
            meter = Meter(on_progress, self._clock, [_estimate(feeder, each) for each in steps], progress_seconds)
            running = _Run(job, feeder, lock, cancelled, meter, source)
            for step in job.steps:
                target = self._step(running, step, target)
            head = target.view().head if target else None
            return Moved(running.snapshots, meter.done, head.guid if head else None, tuple(running.warnings))

    def _parent_exists(self, job: Job) -> bool:
        above = parent(job.target)
        return above is None or bool(self._zfs.properties(above, ["type"]))

    def _step(self, running: _Run, step: Step, target: Dataset | None) -> Dataset | None:
        job = running.job
        now = replace(job, steps=(step,))
        (transfer,) = planned(now, running.source, target, lambda: self._parent_exists(job))
        if transfer is None:
            return target
        if running.cancelled.is_set():
            raise ZfsSyncError("E_CANCELLED", f"The sync of {job.target} was cancelled.")
        running.meter.begin(job.steps.index(step), f"receiving {transfer.to.name} into {job.target}")
        ended = self._transfer(running, transfer)
        after = self._zfs.dataset(job.target)
        head = after.view().head if after else None
        if after is None or head is None or head.guid != transfer.to.guid:
            self._settle(job, after)
            raise self._error(running, ended, after)
        running.warnings += [f"{error.code}: {error.message}" for error in ended.errors]
        return self._received(running, transfer, after)

    def _transfer(self, running: _Run, step: TransferStep) -> pipeline.Ended:
        job = running.job
        source = running.feeder.send(step.base.guid if step.base else None, step.to.guid, alone=step.alone)
        properties = None
        try:
            if step.base is None:
                self.targets.intend(Intent(job.target, job.group, step.to.guid, job.ownership.peers, job.properties))
                properties = target_properties(job.group, running.source.kind, job.properties, peer=job.ownership.peers)
            receive = self._zfs.spawn_receive(
                job.target, properties=properties, stderr=subprocess.PIPE, pass_fds=[running.lock]
            )
        except BaseException:
            source.stop()
            source.stream.close()
            source.end()
            raise
        return pipeline.run(
            source,
            pipeline.ReceiveSink(receive, job.target),
            Expected(job.target, step.base.guid if step.base else None, step.to.guid),
            on_bytes=running.meter.moved,
            cancelled=running.cancelled,
            clock=self._clock,
            idle_seconds=self._idle,
        )

    def _received(self, running: _Run, step: TransferStep, after: Dataset) -> Dataset:
        """The step has arrived: mark a new target, count, move the hold."""
        job = running.job
        running.snapshots += len(step.sent(running.source.view()))
        if step.base is None or self._to_mark(job, after):
            peer, given = job.ownership.peers, step.base is not None
            self.targets.mark(after, job.group, job.properties, peer=peer, given=given)
            after = self._zfs.dataset(job.target) or after
        try:
            self._holds.keep(job.edge, target_tag(job.group), after.view(), [step.to.guid])
        except ZfsSyncError as error:
            running.warnings.append(f"{error.code}: {error.message}")
        return after

    def _to_mark(self, job: Job, target: Dataset) -> bool:
        """Whether a target that was received into has no mark yet, or its group's former name. Peers need none."""
        return target.marker != job.group and not (job.ownership.peers and target.marker is None)

    def _settle(self, job: Job, after: Dataset | None) -> None:
        """A first receive that left nothing behind needs no healing."""
        if after is None:
            self.targets.forget(job.target)

    def _error(self, running: _Run, ended: pipeline.Ended, after: Dataset | None) -> ZfsSyncError:
        job = running.job
        view = after.view() if after else None
        head = view.head if view else None
        error = next(iter(ended.errors), None)
        if error is None:
            proof = f"its head is {head.name} ({head.guid})" if head else "it has no snapshot"
            return ZfsSyncError("E_VERIFY_FAILED", f"{job.target} did not become what was sent: {proof}.")
        if error.code == "E_TARGET_MODIFIED" and head is not None:
            return target_modified(job.target, head.name)
        if error.code == "E_PLAN_STALE" and view is not None:
            verdict = judge(job.group, running.source.view(), view, selection=job.selection, ownership=job.ownership)
            return refusal(job.group, job.target, verdict)
        return error


def _estimate(feeder: Feeder, step: TransferStep | None) -> int | None:
    return feeder.estimate(step.base.guid if step.base else None, step.to.guid, alone=step.alone) if step else 0
