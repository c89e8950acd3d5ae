# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Bytes through real pipes, in the kernel and through memory: all of them, in order, and stopped when told to."""

import fcntl
import os
import threading
from collections.abc import Callable

import pytest

from zfs_sync.engine import pump as pumps
from zfs_sync.engine.pump import Copy, Mover, Splice, mover, pump

CONTENT = os.urandom(3_000_000)


@pytest.mark.parametrize("make", [Splice, Copy])
def test_every_byte_arrives_whichever_side_is_slow(make: Callable[[int, int], Mover]) -> None:
    (source, feed), (drain, sink) = os.pipe(), os.pipe()
    received = bytearray()

    def write() -> None:
        with os.fdopen(feed, "wb") as stream:
            for start in range(0, len(CONTENT), 700_000):
                stream.write(CONTENT[start : start + 700_000])
                stream.flush()

    def read() -> None:
        while chunk := os.read(drain, 50_000):
            received.extend(chunk)

    threads = [threading.Thread(target=each) for each in (write, read)]
    for descriptor in (source, sink):
        os.set_blocking(descriptor, False)
    for thread in threads:
        thread.start()
    counts: list[int] = []
    assert pump(source, sink, on_bytes=counts.append, stop=lambda _: False, moving=make(source, sink))
    os.close(sink)
    for thread in threads:
        thread.join()
    os.close(source)
    os.close(drain)
    assert bytes(received) == CONTENT
    assert counts == sorted(counts)
    assert counts[-1] == len(CONTENT)


def test_what_the_sink_does_not_take_now_is_kept() -> None:
    (source, feed), (drain, sink) = os.pipe(), os.pipe()
    size = fcntl.fcntl(sink, fcntl.F_SETPIPE_SZ, 4096)
    os.set_blocking(sink, False)
    content = os.urandom(size + 100)
    os.write(feed, content)
    copy = Copy(source, sink)
    assert copy.move() == size
    with pytest.raises(BlockingIOError):
        copy.move()
    assert copy.waits_for_sink()
    assert os.read(drain, size) == content[:size]
    assert copy.move() == 100
    assert os.read(drain, size) == content[size:]
    assert not copy.waits_for_sink()
    for descriptor in (source, feed, drain, sink):
        os.close(descriptor)


def test_a_sink_that_is_closed_ends_it() -> None:
    (source, feed), (drain, sink) = os.pipe(), os.pipe()
    os.write(feed, b"x")
    os.close(drain)
    assert not pump(source, sink, on_bytes=lambda _: None, stop=lambda _: False)
    for descriptor in (source, feed, sink):
        os.close(descriptor)


def test_it_is_asked_whether_to_stop_while_nothing_moves() -> None:
    (source, feed), (drain, sink) = os.pipe(), os.pipe()
    asked: list[int] = []

    def stop(count: int) -> bool:
        asked.append(count)
        return len(asked) == 3

    assert not pump(source, sink, on_bytes=lambda _: None, stop=stop)
    assert asked == [0, 0, 0]
    for descriptor in (source, feed, drain, sink):
        os.close(descriptor)


def test_without_splice_bytes_go_through_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    source, sink = os.pipe()
    assert isinstance(mover(source, sink), Splice)
    monkeypatch.delattr(os, "splice")
    assert isinstance(mover(source, sink), Copy)
    os.close(source)
    os.close(sink)


def test_a_pipe_that_may_not_be_widened_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "too many")

    monkeypatch.setattr(fcntl, "fcntl", refuse)
    source, sink = os.pipe()
    pumps._widen(sink)
    os.close(source)
    os.close(sink)
