# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""A send onto a descriptor, as the gate starts it."""

import os
import threading

import pytest

from tests.unit.engine.conftest import listed, look
from tests.unit.zfs.program import Program
from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.core.selection import Selection
from zfs_sync.engine.continuity import Holds, source_tag
from zfs_sync.engine.sending import Sender, Stream
from zfs_sync.zfs import commands
from zfs_sync.zfs.host import Zfs

STREAM = Stream("e", "g", "nas2", "tank", None, 1)


@pytest.fixture(autouse=True)
def recorded(program: Program) -> None:
    program.say(look("tank"), listed("tank", 1))
    program.say(commands.hold(source_tag("g", "nas2"), "tank", "s1"))
    program.say(commands.send("tank", None, "s1"), "stream")


def served(zfs: Zfs, holds: Holds, stream: Stream = STREAM, *, ended: bool = False) -> tuple[bytes, str]:
    """What came out of it, and the code of what went wrong."""
    reading, writing = os.pipe()
    cancelled = threading.Event()
    if ended:
        cancelled.set()
    code = ""
    try:
        Sender(zfs, holds).serve(stream, writing, cancelled)
    except ZfsSyncError as error:
        code = error.code
    with os.fdopen(reading, "rb") as pipe:
        return pipe.read(), code  # which ends, since the descriptor was closed


def test_the_stream_goes_to_the_descriptor_which_is_closed(zfs: Zfs, holds: Holds) -> None:
    assert served(zfs, holds) == (b"stream", "")


def test_what_the_edge_does_not_carry_stays_here_whoever_asks(zfs: Zfs, holds: Holds, program: Program) -> None:
    program.say(look("tank"), listed("tank", 1, 2, 3))
    for label in ("s1", "s2", "s3"):
        program.say(commands.hold(source_tag("g", "nas2"), "tank", label))
    program.say(commands.send("tank", "s1", "s3", alone=True), "one increment")
    selection = Selection(snapshots_exclude=("s2",))
    assert served(zfs, holds, Stream("e", "g", "nas2", "tank", 1, 3, alone=True, selection=selection)) == (
        b"one increment",
        "",
    )
    for base, to in ((1, 3), (1, 2), (None, 2)):
        stream = Stream("e", "g", "nas2", "tank", base, to, selection=selection)
        assert served(zfs, holds, stream) == (b"", "E_EDGE_UNKNOWN")
        with pytest.raises(ZfsSyncError, match="does not carry tank@s2"):
            Sender(zfs, holds).estimate(stream)


def test_the_descriptor_is_closed_when_nothing_can_be_sent(zfs: Zfs, holds: Holds) -> None:
    assert served(zfs, holds, Stream("e", "g", "nas2", "tank", None, 7)) == (b"", "E_SOURCE_GONE")


def test_a_send_that_fails_says_why(zfs: Zfs, holds: Holds, program: Program) -> None:
    said = "WARNING: could not send tank@s1: does not exist\n"
    program.say(commands.send("tank", None, "s1"), "half", stderr=said, status=1)
    assert served(zfs, holds) == (b"half", "E_SOURCE_GONE")


def test_a_send_whose_peer_is_gone_is_ended(zfs: Zfs, holds: Holds, program: Program) -> None:
    program.say(commands.send("tank", None, "s1"), then="exec sleep 600")
    assert served(zfs, holds, ended=True) == (b"", "E_INTERRUPTED")
