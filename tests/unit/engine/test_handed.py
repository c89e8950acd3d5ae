# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""A stream that a peer hands over is received as one that was asked for."""

import os
import threading
import time
from pathlib import Path

import pytest

from tests.unit.engine.conftest import listed, look
from tests.unit.engine.streams import package
from tests.unit.engine.test_receiving import OURS, arriving
from tests.unit.zfs.program import Program
from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.engine.checks import Step
from zfs_sync.engine.continuity import Holds
from zfs_sync.engine.handed import HandedFeeder
from zfs_sync.engine.receiving import Job, Receiver
from zfs_sync.zfs import commands
from zfs_sync.zfs.host import Zfs

STREAM = package(1, 2)


@pytest.fixture(autouse=True)
def recorded(program: Program) -> None:
    program.say(look("alpha/x"), listed("alpha/x", 1, 2))
    program.say(look("beta/x"), listed("beta/x", 1, marker=OURS))
    for label in ("s1", "s2"):
        program.say(commands.hold("zfs-sync:g", "beta/x", label))
        program.say(commands.release("zfs-sync:g", "beta/x", label))


@pytest.mark.parametrize(
    ("content", "code"), [(STREAM, ""), (STREAM[:700], "E_INTERRUPTED"), (b"x" * 900, "E_STREAM_REFUSED")]
)
def test_what_is_handed_over(zfs: Zfs, holds: Holds, folder: Path, program: Program, content: bytes, code: str) -> None:
    complaint = {"stderr": "cannot receive: incomplete stream\n", "status": 1} if code else {}
    program.say(
        commands.receive("beta/x", unmounted=True), then="cat >/dev/null" if code else arriving(program), **complaint
    )
    theirs, ours = os.pipe()
    asked: list[tuple[int | None, int, bool]] = []

    def ready(base: int | None, to: int, alone: bool) -> None:
        asked.append((base, to, alone))
        threading.Thread(target=hand_over, args=(ours, content)).start()

    job = Job("e", "g", "beta/x", (Step(1, 2),))
    receiver = Receiver(zfs, folder, holds, time.monotonic)
    feeder = HandedFeeder(zfs.dataset("alpha/x"), theirs, ready)
    arguments = {"allow": lambda _: None, "on_progress": lambda _: None, "cancelled": threading.Event()}
    if code:
        with pytest.raises(ZfsSyncError) as caught:
            receiver.run(job, feeder, **arguments)  # type: ignore[arg-type]
        assert caught.value.code == code
    else:
        moved = receiver.run(job, feeder, **arguments)  # type: ignore[arg-type]
        assert (moved.snapshots, moved.bytes, moved.head_guid) == (1, len(content), 2)
    assert asked == [(1, 2, False)]
    os.close(theirs)


def hand_over(descriptor: int, content: bytes) -> None:
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
