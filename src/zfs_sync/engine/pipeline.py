# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""One stream from a source into ``zfs receive``, both watched, every exit status looked at.

Either side's end ends the other: a source that ends early closes the receive's input, which makes it fail, and a
receive that ends early closes the source's output. ``zfs receive`` is given time to end by itself before it is killed;
it then cleans up, where zfs-fuse's daemon would go on reading for a client that is gone. The receive sees only what
``zfs_sync.engine.admission`` lets through.
"""

import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.engine.admission import Admitted, Expected
from zfs_sync.engine.feeder import Source
from zfs_sync.engine.processes import GRACE_SECONDS, Listener, end, pipe
from zfs_sync.engine.progress import Clock
from zfs_sync.engine.pump import mover, pump
from zfs_sync.zfs.errors import classify

IDLE_SECONDS = 600.0
VAGUENESS = {"E_ZFS_FAILED": 1, "E_INTERRUPTED": 2}
"""How little a code tells about the cause: each side reports the other's end as an interruption."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a pipeline ended; whether it was a success, the target tells."""

    stopped: ZfsSyncError | None
    """Why we ended it."""
    sent: ZfsSyncError | None
    received: ZfsSyncError | None

    @property
    def errors(self) -> list[ZfsSyncError]:
        """What went wrong, the likely cause first."""
        sides = [each for each in (self.sent, self.received) if each is not None]
        sides.sort(key=lambda error: VAGUENESS.get(error.code, 0))
        return [self.stopped, *sides] if self.stopped else sides


class Sink(Protocol):
    """A receiving process, which takes the stream on its standard input: zfs, or ssh to the gate of a peer."""

    @property
    def process(self) -> "subprocess.Popen[bytes]":
        """The process."""
        ...

    def error(self, status: int | None) -> ZfsSyncError | None:
        """What went wrong, for its exit status (None: it did not end); None where nothing did."""
        ...


class ReceiveSink:
    """A ``zfs receive`` of this host."""

    def __init__(self, process: "subprocess.Popen[bytes]", dataset: str) -> None:
        self.process = process
        self._listener = Listener(pipe(process.stderr))
        self._dataset = dataset

    def error(self, status: int | None) -> ZfsSyncError | None:
        """What zfs said."""
        if status == 0:
            return None
        said = self._listener.text() or ("signal received" if status is None or status < 0 else "")
        return classify(said, self._dataset, verb="receive")


class Watch:
    """Says when to stop: when told to, when nothing moved for too long, when the receive has ended."""

    def __init__(
        self, receive: "subprocess.Popen[bytes]", cancelled: threading.Event, clock: Clock, idle_seconds: float
    ) -> None:
        self._receive = receive
        self._cancelled = cancelled
        self._clock = clock
        self._idle = idle_seconds
        self._count = -1
        self._moved_at = clock()
        self.why: ZfsSyncError | None = None

    def stop(self, count: int) -> bool:
        """Whether to stop after ``count`` bytes; ``why`` holds the reason, if it is ours."""
        now = self._clock()
        if count != self._count:
            self._count, self._moved_at = count, now
        if self._cancelled.is_set():
            self.why = ZfsSyncError("E_CANCELLED", "The transfer was cancelled.")
        elif now - self._moved_at > self._idle:
            self.why = ZfsSyncError("E_INTERRUPTED", f"Not a byte has moved for {self._idle:g} s.")
        return self.why is not None or self._receive.poll() is not None


def run(
    source: Source,
    sink: Sink,
    expected: Expected | None = None,
    *,
    on_bytes: Callable[[int], None],
    cancelled: threading.Event,
    clock: Clock,
    idle_seconds: float = IDLE_SECONDS,
) -> Ended:
    """Pump ``source`` into ``sink`` until both have ended, or what comes is not what was ``expected``.

    Without ``expected`` nobody looks: the receiving host is another one, and does.
    """
    receive = sink.process
    watch = Watch(receive, cancelled, clock, idle_seconds)
    with source.stream as stream, pipe(receive.stdin) as into:
        whole = _pump(stream.fileno(), into.fileno(), expected, watch, on_bytes)
    received = end(receive, idle_seconds if watch.why is None else GRACE_SECONDS)
    if not whole and received != 0:
        source.stop()  # it may be waiting for something to send, and not notice
    sent = source.end()
    cut_off = not whole and received != 0  # what the source says of it is a consequence, not a cause
    return Ended(watch.why, None if cut_off else source.error(sent), sink.error(received))


def _pump(stream: int, sink: int, expected: Expected | None, watch: Watch, on_bytes: Callable[[int], None]) -> bool:
    """Whether the source ended by itself."""
    moving = Admitted(stream, sink, expected) if expected else mover(stream, sink)
    try:
        return pump(stream, sink, on_bytes=on_bytes, stop=watch.stop, moving=moving)
    except ZfsSyncError as error:
        watch.why = error
        return False
