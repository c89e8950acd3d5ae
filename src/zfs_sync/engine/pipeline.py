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

from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.engine.admission import Admitted, Expected
from zfs_sync.engine.feeder import Source
from zfs_sync.engine.processes import GRACE_SECONDS, Listener, end, pipe
from zfs_sync.engine.progress import Clock
from zfs_sync.engine.pump import pump
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
    receive: "subprocess.Popen[bytes]",
    expected: Expected,
    *,
    on_bytes: Callable[[int], None],
    cancelled: threading.Event,
    clock: Clock,
    idle_seconds: float = IDLE_SECONDS,
) -> Ended:
    """Pump ``source`` into ``receive`` until both have ended, or what comes is not what was ``expected``."""
    listener = Listener(pipe(receive.stderr))
    watch = Watch(receive, cancelled, clock, idle_seconds)
    with pipe(source.process.stdout) as stream, pipe(receive.stdin) as sink:
        whole = _pump(stream.fileno(), sink.fileno(), expected, watch, on_bytes)
    received = end(receive, idle_seconds if watch.why is None else GRACE_SECONDS)
    if not whole and received != 0:
        source.process.terminate()  # it may be waiting for something to send, and not notice
    sent = end(source.process)
    cut_off = not whole and received != 0  # what the source says of it is a consequence, not a cause
    return Ended(
        watch.why, None if cut_off else source.error(sent), _receive_error(received, listener, expected.target)
    )


def _pump(stream: int, sink: int, expected: Expected, watch: Watch, on_bytes: Callable[[int], None]) -> bool:
    """Whether the source ended by itself."""
    try:
        return pump(stream, sink, on_bytes=on_bytes, stop=watch.stop, moving=Admitted(stream, sink, expected))
    except ZfsSyncError as error:
        watch.why = error
        return False


def _receive_error(status: int | None, listener: Listener, dataset: str) -> ZfsSyncError | None:
    if status == 0:
        return None
    said = listener.text() or ("signal received" if status is None or status < 0 else "")
    return classify(said, dataset, verb="receive")
