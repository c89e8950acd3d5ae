# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""One job on a sending host that pushes: each step is handed to the receiving host's agent.

That agent takes the lock, judges, receives, verifies by GUID and holds, exactly as it does for a pull. Here the plan is
judged first, so that a refusal costs no stream; then what the peer asks for is sent, and its last word is the result.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.core.ownership import MARKED, Ownership
from zfs_sync.core.planner import TransferStep
from zfs_sync.core.selection import EVERYTHING, Selection
from zfs_sync.engine import pipeline
from zfs_sync.engine.checks import Step, planned
from zfs_sync.engine.pipeline import Sink
from zfs_sync.engine.progress import Clock, Meter, Report
from zfs_sync.engine.receiving import PROGRESS_SECONDS, Moved
from zfs_sync.engine.sending import Sender, Stream
from zfs_sync.zfs.listing import Dataset


@dataclass(frozen=True, slots=True)
class Received:
    """What the receiving host says of a step when it is through."""

    snapshots: int
    head_guid: int | None
    warnings: tuple[str, ...] = ()


class Handover(Sink, Protocol):
    """One step at the receiving host."""

    def ready(self, cancelled: threading.Event) -> Step | None:
        """What it wants streamed; None where it has it already. Raises what it refuses with."""
        ...

    def received(self) -> Received:
        """Its last word, once the stream is through. Raises where there is none."""
        ...

    def stop(self) -> None:
        """End it, however far it is. Once more does nothing."""
        ...


class Target(Protocol):
    """The receiving side of one dataset of an edge."""

    def dataset(self) -> Dataset | None:
        """The target as it is now; None where it does not exist."""
        ...

    def receive(self, step: Step, source: Dataset) -> Handover:
        """Ask it to receive one step."""
        ...


@dataclass(frozen=True, slots=True)
class Push:
    """What is to arrive in one dataset of a peer, along which edge."""

    edge: str
    group: str
    source: str
    to_system: str
    target: str
    steps: tuple[Step, ...]
    selection: Selection = EVERYTHING
    ownership: Ownership = MARKED


@dataclass(slots=True)
class _Run:
    push: Push
    source: Dataset
    target: Target
    cancelled: threading.Event
    meter: Meter


class Pusher:
    """Executes pushes of this host."""

    def __init__(self, sender: Sender, clock: Clock, *, idle_seconds: float = pipeline.IDLE_SECONDS) -> None:
        self._sender = sender
        self._clock = clock
        self._idle = idle_seconds

    def run(
        self,
        push: Push,
        target: Target,
        *,
        allow: Callable[[str], None],
        on_progress: Report,
        cancelled: threading.Event,
        progress_seconds: float = PROGRESS_SECONDS,
    ) -> Moved:
        """Bring the target to the last step's snapshot; the arguments are those of ``Receiver.run``.

        Raises an error of the catalogue; the target then has what it had before, or some of the snapshots to come.
        """
        allow(push.source)
        source = self._sender.dataset(push.source)
        if source is None:
            raise ZfsSyncError("E_SOURCE_GONE", f"{push.source} does not exist on this host.")
        found = target.dataset()
        steps = planned(push, source, found, lambda: True)  # whether its parent exists, the target's host will tell
        estimates = [self._estimate(push, each) for each in steps]
        running = _Run(push, source, target, cancelled, Meter(on_progress, self._clock, estimates, progress_seconds))
        head = found.view().head if found else None
        moved = Moved(0, 0, head.guid if head else None)
        for step, stream in zip(push.steps, steps, strict=True):
            if stream is not None:
                moved = _added(moved, self._step(running, step), running.meter.done)
        return moved

    def _estimate(self, push: Push, step: TransferStep | None) -> int | None:
        if step is None:
            return 0
        wanted = Step(step.base.guid if step.base else None, step.to.guid, step.alone)
        return self._sender.estimate(_stream(push, wanted))

    def _step(self, running: _Run, step: Step) -> Received:
        push = running.push
        if running.cancelled.is_set():
            raise ZfsSyncError("E_CANCELLED", f"The sync of {push.target} was cancelled.")
        running.meter.begin(push.steps.index(step), f"sending {push.source} to {push.to_system}:{push.target}")
        handover = running.target.receive(step, running.source)
        try:
            return self._handed(running, step, handover)
        finally:
            handover.stop()

    def _handed(self, running: _Run, step: Step, handover: Handover) -> Received:
        wanted = handover.ready(running.cancelled)
        if wanted is None:
            return handover.received()
        self._transfer(running, handover, wanted)
        received = handover.received()
        if received.head_guid != step.to_guid:
            proof = f"its head is {received.head_guid or 'none'}, not {step.to_guid}"
            raise ZfsSyncError("E_VERIFY_FAILED", f"{running.push.target} did not become what was sent: {proof}.")
        return received

    def _transfer(self, running: _Run, handover: Handover, wanted: Step) -> None:
        """Send what is wanted. Raises the likely cause where the receiving host did not take it."""
        source = self._sender.start(_stream(running.push, wanted))
        ended = pipeline.run(
            source,
            handover,
            on_bytes=running.meter.moved,
            cancelled=running.cancelled,
            clock=self._clock,
            idle_seconds=self._idle,
        )
        if ended.stopped or ended.received:
            raise ended.errors[0]


def _stream(push: Push, step: Step) -> Stream:
    place = (push.edge, push.group, push.to_system, push.source)
    return Stream(*place, step.base_guid, step.to_guid, step.alone, push.selection)


def _added(moved: Moved, received: Received, count: int) -> Moved:
    head = received.head_guid if received.head_guid is not None else moved.head_guid
    return Moved(moved.snapshots + received.snapshots, count, head, (*moved.warnings, *received.warnings))
