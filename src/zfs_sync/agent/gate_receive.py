# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Receiving what a peer pushes: its words about its dataset, then the same receive as for a pull.

The gate itself does nothing to a pool: it hands over descriptors. What happens is a job of this host's own agent, under
the lock of the target, judged against the pool in front of it, and never with ``-F``.
"""

import os
import select
import threading
import time
from collections.abc import Callable

from zfs_sync.agent.allow import AllowList
from zfs_sync.agent.gate_request import REQUEST_SECONDS, Granted
from zfs_sync.agent.storage import Engine
from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.core.numbers import u64_text
from zfs_sync.engine import wire
from zfs_sync.engine.handed import HandedFeeder
from zfs_sync.engine.receiving import Moved
from zfs_sync.engine.wire import ReceiveAnswer

Answer = Callable[[bytes], None]


def receive(
    granted: Granted,
    engine: Engine,
    allow: AllowList,
    stdin: int,
    *,
    answer: Answer,
    cancelled: threading.Event,
) -> Moved:
    """Receive what the peer of ``granted`` streams to ``stdin``; ``answer`` says a line to it.

    Raises what the receive raises; E_INTERRUPTED where ``cancelled`` was set: the peer hung up, or the agent stops.
    """
    source = wire.parse_list(read_exactly(stdin, granted.request.source_bytes or 0))

    def ready(base_guid: int | None, to_guid: int, alone: bool) -> None:
        base = u64_text(base_guid) if base_guid is not None else None
        wanted = ReceiveAnswer(state="ready", base_guid=base, to_guid=u64_text(to_guid), alone=alone)
        answer(wire.answer_line(wanted))

    try:
        return engine.receiver.run(
            granted.job(engine),
            HandedFeeder(source, stdin, ready),
            allow=lambda dataset: allow.require("receive", dataset),
            on_progress=lambda _: None,
            cancelled=cancelled,
        )
    except ZfsSyncError as error:
        if error.code == "E_CANCELLED":
            raise ZfsSyncError("E_INTERRUPTED", f"The push into {granted.dataset} was broken off.") from error
        raise


def done(moved: Moved) -> bytes:
    """The last line of an answer: what the target has now."""
    head = u64_text(moved.head_guid) if moved.head_guid is not None else None
    last = ReceiveAnswer(state="done", snapshots=moved.snapshots, head_guid=head, warnings=list(moved.warnings))
    return wire.answer_line(last)


def read_exactly(
    descriptor: int, count: int, *, seconds: float = REQUEST_SECONDS, clock: Callable[[], float] = time.monotonic
) -> bytes:
    """So many bytes and none of what follows. Raises E_VALIDATION where they do not come in time."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    deadline = clock() + seconds
    parts: list[bytes] = []
    left = count
    while left:
        if not poll.poll(max(0.0, deadline - clock()) * 1000):
            raise ZfsSyncError("E_VALIDATION", f"The peer did not describe its dataset within {seconds:g} s.")
        part = os.read(descriptor, min(left, 1 << 16))
        if not part:
            raise ZfsSyncError("E_VALIDATION", "The peer broke off while it described its dataset.")
        parts.append(part)
        left -= len(part)
    return b"".join(parts)
