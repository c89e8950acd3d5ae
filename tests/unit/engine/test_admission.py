# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Which streams reach a receive: those that were asked for, in whatever pieces they come, and nothing else."""

import os
import random
from contextlib import suppress

import pytest

from tests.unit.engine.streams import begin, end, package, plain, record, write
from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.engine.admission import Admitted, Expected, Gatekeeper
from zfs_sync.zfs.records import PACKAGE, RECORD_BYTES

FULL = Expected("safe/x", None, 7)
NEXT = Expected("safe/x", 7, 9)
RAW, DEDUP, RESUMING = 1 << 24, 1 << 0, 1 << 20
USUAL = (1 << 2) | (1 << 23) | (1 << 28)
"""Features of pools that are not old: SA_SPILL, LARGE_DNODE, LONGNAME."""


def passed(stream: bytes, expected: Expected, size: int | None = None) -> bytes:
    """What goes on of a stream that comes in pieces of this size."""
    keeper, step = Gatekeeper(expected), size or len(stream)
    return b"".join(keeper.admit(stream[at : at + step]) for at in range(0, len(stream), step))


@pytest.mark.parametrize("size", [None, 1, 7, RECORD_BYTES, RECORD_BYTES + 1, 4096])
@pytest.mark.parametrize("order", ["<", ">"])
def test_what_was_asked_for_goes_on_byte_by_byte(order: str, size: int | None) -> None:
    for stream, expected in (
        (plain(0, 7, order=order), FULL),
        (plain(0, 7, order=order, features=USUAL, kind=3, flags=1 << 2), FULL),
        (plain(7, 9, order=order), NEXT),
        (package(7, 8, 9, order=order), NEXT),
        (package(7, 9, order=order), NEXT),
        (package(7, 8, order=order), NEXT),  # too little is for the receive's own check to find
    ):
        assert passed(stream, expected, size) == stream


HEAD = begin(0, 0, "tank/x@head", form=PACKAGE) + end()
HARM = {
    "nothing of zfs": (b"x" * RECORD_BYTES, FULL, "no stream"),
    "another magic": (plain(0, 7, magic=1), FULL, "no stream"),
    "no beginning": (record(3) * 2, FULL, "no stream"),
    "neither form": (plain(0, 7, form=3), FULL, "package"),
    "a package for a full one": (package(0, 7), FULL, "package"),
    "properties in a package": (package(7, 9, payload=8), NEXT, "properties"),
    "properties in a stream": (plain(0, 7, payload=8), FULL, "properties"),
    "properties in a stream of a package": (HEAD + plain(7, 9, payload=8), NEXT, "properties"),
    "a package with holds": (package(7, 9, features=1 << 26), NEXT, "features"),
    "raw": (plain(0, 7, features=RAW), FULL, "features"),
    "deduplicated": (plain(0, 7, features=DEDUP), FULL, "features"),
    "resumed": (plain(0, 7, features=RESUMING), FULL, "features"),
    "a clone": (plain(5, 7, flags=1), FULL, "clone"),
    "a clone of the base": (plain(7, 9, flags=1), NEXT, "clone"),
    "not full": (plain(5, 7), FULL, "a full one"),
    "full": (plain(0, 9), NEXT, "from GUID 7"),
    "another base": (plain(8, 9), NEXT, "from GUID 7"),
    "another snapshot": (plain(0, 8), FULL, "leads to GUID 8"),
    "another snapshot after the base": (plain(7, 8), NEXT, "leads to GUID 8"),
    "no dataset": (plain(0, 7, kind=1), FULL, "filesystem"),
    "no label": (plain(0, 7, "tank/x"), FULL, "name"),
    "two labels": (plain(0, 7, "tank/x@a@b"), FULL, "name"),
    "a path for a label": (plain(0, 7, "tank/x@a/b"), FULL, "name"),
    "a label of other letters": (plain(0, 7, "tank/x@ä"), FULL, "name"),
    "a child": (HEAD + plain(7, 8, "tank/x/child@s"), NEXT, "tank/x/child"),
    "a sibling": (HEAD + plain(7, 8, "tank/xy@s"), NEXT, "tank/xy"),
    "a package in a package": (HEAD + begin(7, 8, form=PACKAGE), NEXT, "package within"),
    "a gap": (package(7, 8)[:-RECORD_BYTES] + plain(7, 9), NEXT, "from GUID 8"),
    "more than was asked for": (package(7, 9, 10), NEXT, "more follows"),
    "a second package": (package(7, 9) + HEAD, NEXT, "more follows"),
    "a second end": (package(7, 9) + end(), NEXT, "more follows"),
    "no end of the head": (HEAD[:RECORD_BYTES] + plain(7, 9), NEXT, "more follows"),
    "data between": (HEAD + write(b"x"), NEXT, "more follows"),
    "another beginning inside": (HEAD + begin(7, 9) + begin(7, 9), NEXT, "type 0"),
    "a record by reference": (HEAD + begin(7, 9) + record(6), NEXT, "type 6"),
    "a compressed write": (HEAD + begin(7, 9) + write(b"x", compression=3), NEXT, "type 3"),
    "a raw object": (HEAD + begin(7, 9) + record(1, b"\1" * 40), NEXT, "type 1"),
    "a compressed spill": (HEAD + begin(7, 9) + record(7, b"\1" * 40), NEXT, "type 7"),
}  # fmt: skip


@pytest.mark.parametrize("size", [None, 100])
@pytest.mark.parametrize("name", HARM)
def test_what_was_not_asked_for_is_refused_before_it_goes_on(name: str, size: int | None) -> None:
    stream, expected, why = HARM[name]
    with pytest.raises(ZfsSyncError) as caught:
        passed(stream, expected, size)
    assert caught.value.code == "E_STREAM_REFUSED"
    assert why in caught.value.message
    assert "safe/x" in caught.value.message


def test_a_payload_cannot_hide_what_follows_it() -> None:
    hidden = HEAD + begin(7, 8, "tank/x@s") + write(plain(7, 8, "tank/x/child@s"))
    assert passed(hidden, NEXT, 333) == hidden, "it is data of a file"
    with pytest.raises(ZfsSyncError, match="tank/x/child"):
        passed(hidden + end() + plain(8, 9, "tank/x/child@s"), NEXT, 333)


def test_a_plain_stream_is_not_looked_at_any_more_once_it_has_begun() -> None:
    keeper = Gatekeeper(FULL)
    assert keeper.admit(begin(0, 7)) == begin(0, 7)
    assert keeper.sure
    assert keeper.admit(b"whatever a receive takes for the end or for damage") != b""


def test_of_random_streams_nothing_but_what_was_asked_for_begins() -> None:
    chance = random.Random(random.random())
    for _ in range(300):
        stream = bytearray(package(7, 8, 9))
        for _ in range(chance.randrange(1, 4)):
            stream[chance.randrange(len(stream))] = chance.randrange(256)
        keeper, through = Gatekeeper(NEXT), b""
        with suppress(ZfsSyncError):
            for at in range(0, len(stream), 1000):
                through += keeper.admit(bytes(stream[at : at + 1000]))
        assert stream.startswith(through)


def moved(stream: bytes, expected: Expected) -> bytes:
    """What comes out of a pipe behind the gatekeeper."""
    source, into = os.pipe()
    out, sink = os.pipe()
    with os.fdopen(into, "wb") as feed, os.fdopen(out, "rb") as result:
        admitted = Admitted(source, sink, expected)
        feed.write(stream)
        feed.flush()
        feed.close()
        while admitted.move():
            pass
        os.close(source)
        os.close(sink)
        return result.read()


@pytest.mark.parametrize(
    ("stream", "expected"), [(plain(0, 7), FULL), (package(7, 8, 9), NEXT), (plain(0, 7) + b"more", FULL), (b"", FULL)]
)
def test_an_admitted_stream_comes_out_as_it_went_in(stream: bytes, expected: Expected) -> None:
    assert moved(stream, expected) == stream


def test_a_stream_that_ends_within_a_record_is_not_completed() -> None:
    assert moved(plain(0, 7)[:100], FULL) == b""


def test_while_something_waits_for_the_sink_it_says_so() -> None:
    source, into = os.pipe()
    out, sink = os.pipe()
    admitted = Admitted(source, sink, NEXT)
    os.write(into, HEAD)
    while True:
        try:
            os.write(sink, b"x" * 65536)
        except BlockingIOError:
            break
    with pytest.raises(BlockingIOError):
        admitted.move()
    assert admitted.waits_for_sink()
    for descriptor in (source, into, out, sink):
        os.close(descriptor)
