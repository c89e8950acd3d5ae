# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Moving a stream from one pipe into another, counted, with a watch on it.

On Linux the bytes stay in the kernel (splice(2)). The pump never blocks: it looks up several times a second, whether to
stop because it was told to, because nothing has moved for too long, or because the receiving process has ended.
(zfs-fuse's daemon keeps the pipe open after the ``zfs receive`` that brought it is gone, so a closed pipe is no sign.)
"""

import fcntl
import os
import select
from collections.abc import Callable
from typing import Protocol

CHUNK = 1 << 20
TICK_MILLISECONDS = 200


class Mover(Protocol):
    """Moves what can be moved now."""

    def move(self) -> int:
        """Bytes moved; 0 at the end of the source. Raises BlockingIOError when it has to wait."""
        ...

    def waits_for_sink(self) -> bool:
        """Which side it waits for."""
        ...


class Splice:
    """Moves inside the kernel."""

    def __init__(self, source: int, sink: int) -> None:
        self._source, self._sink = source, sink

    def move(self) -> int:
        """Move up to a chunk."""
        return os.splice(self._source, self._sink, CHUNK, flags=os.SPLICE_F_NONBLOCK | os.SPLICE_F_MOVE)

    def waits_for_sink(self) -> bool:
        """The sink, where the source has something."""
        return _ready(self._source, select.POLLIN, 0)


class Copy:
    """Moves through memory, where there is no splice."""

    def __init__(self, source: int, sink: int) -> None:
        self._source, self._sink = source, sink
        self._pending = memoryview(b"")

    def move(self) -> int:
        """Read a chunk when nothing is pending, then write what the sink takes."""
        if not self._pending:
            self._pending = memoryview(os.read(self._source, CHUNK))
            if not self._pending:
                return 0
        written = os.write(self._sink, self._pending)
        self._pending = self._pending[written:]
        return written

    def waits_for_sink(self) -> bool:
        """The sink, where bytes are pending."""
        return bool(self._pending)


def mover(source: int, sink: int) -> Mover:
    """What this platform offers; both descriptors are switched to not block."""
    for descriptor in (source, sink):
        os.set_blocking(descriptor, False)
    if not hasattr(os, "splice"):
        return Copy(source, sink)
    for descriptor in (source, sink):
        _widen(descriptor)
    return Splice(source, sink)


def _widen(pipe: int) -> None:
    """A larger pipe means fewer switches; the kernel may refuse it to a user who has many."""
    try:
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, CHUNK)
    except OSError:
        return


def pump(
    source: int, sink: int, *, on_bytes: Callable[[int], None], stop: Callable[[int], bool], moving: Mover | None = None
) -> bool:
    """Move until the source ends, the sink is closed, or ``stop(bytes so far)`` says so; whether the source ended.

    ``stop`` is asked and ``on_bytes`` told the bytes so far at least every 0.2 s, also while nothing moves.
    """
    via = moving or mover(source, sink)
    count = 0
    ended = False
    while not ended and not stop(count):
        on_bytes(count)
        try:
            moved = via.move()
        except BlockingIOError:
            side, event = (sink, select.POLLOUT) if via.waits_for_sink() else (source, select.POLLIN)
            _ready(side, event, TICK_MILLISECONDS)
            continue
        except BrokenPipeError:
            break
        ended = moved == 0
        count += moved
    on_bytes(count)
    return ended


def _ready(descriptor: int, event: int, milliseconds: int) -> bool:
    poll = select.poll()
    poll.register(descriptor, event)
    return bool(poll.poll(milliseconds))
