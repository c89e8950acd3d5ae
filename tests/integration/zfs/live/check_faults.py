# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Killing each part of a transfer in the middle. Afterwards a sync converges, and nothing is lost."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.zfs.live.conftest import Pair, sh
from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.engine.feeder import LocalFeeder
from zfs_sync.engine.locks import target_lock
from zfs_sync.engine.marking import Intent
from zfs_sync.engine.processes import Listener, ProcessSource, pipe
from zfs_sync.engine.sending import Sending, Stream
from zfs_sync.zfs.errors import classify

DEADLINE_SECONDS = 30.0


def until(condition: Callable[[], object]) -> None:
    """Wait for a condition."""
    limit = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < limit, "the condition did not come true"
        threading.Event().wait(0.05)


class Slow(LocalFeeder):
    """A source whose stream goes through a program that stops half way until it is let go."""

    def __init__(self, pair: Pair, program: str) -> None:
        super().__init__(pair.sender, edge=pair.edge, group="g", to_system="here", dataset=pair.source)
        self.program = program

    def send(self, base_guid: int | None, to_guid: int, *, alone: bool = False) -> Sending:
        first = super().send(base_guid, to_guid, alone=alone)
        process = subprocess.Popen(
            [sys.executable, "-c", self.program],
            stdin=pipe(first.process.stdout),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        pipe(first.process.stdout).close()
        threading.Thread(target=first.process.wait, daemon=True).start()
        self.process = process
        return Through(process)  # type: ignore[return-value]


class Through(ProcessSource):
    """What the program is to the engine: a source."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        super().__init__(process)
        self.listener = Listener(pipe(process.stderr))

    def error(self, status: int | None) -> ZfsSyncError | None:
        return None if status == 0 else classify(self.listener.text() or "signal received", "source", verb="send")


HALF = "import os,sys,time\nd=sys.stdin.buffer.read(%d)\nsys.stdout.buffer.write(d)\nsys.stdout.flush()\n"
STALL = HALF % 6_000_000 + "time.sleep(60)"
CUT = HALF % 6_000_000
CUT_AND_FAIL = CUT + "sys.stderr.write('connection closed: broken pipe'); sys.exit(1)"


@pytest.fixture
def big(make_pair: Callable[[str], Pair]) -> Pair:
    pair = make_pair("fault")
    pair.fill("f", 16)
    pair.snapshot("a")
    return pair


def in_thread(pair: Pair, feeder: Slow) -> tuple[threading.Thread, list[ZfsSyncError]]:
    errors: list[ZfsSyncError] = []

    def run() -> None:
        try:
            pair.sync(feeder=feeder)
        except ZfsSyncError as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    until(lambda: pair.seen and pair.seen[-1].bytes_done > 5_000_000)
    return thread, errors


def converges(pair: Pair) -> None:
    pair.cancelled.clear()
    pair.sync()
    assert pair.guids(pair.target) == pair.guids(pair.source)
    assert pair.property("zfs-sync:group") == ("g", "local")
    assert pair.receiver.targets.unfinished() == frozenset()


def receives(dataset: str) -> list[int]:
    """The zfs receive processes for a dataset."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"receive" in words and dataset.encode() in words:
            found.append(int(process.name))
    return found


def test_a_cancelled_transfer_ends_and_the_next_converges(big: Pair) -> None:
    thread, errors = in_thread(big, Slow(big, STALL))
    big.cancelled.set()
    thread.join(DEADLINE_SECONDS)
    assert [each.code for each in errors] == ["E_CANCELLED"]
    assert receives(big.target) == []
    assert big.zfs.dataset(big.target) is None
    converges(big)


def test_a_sender_killed_half_way(big: Pair) -> None:
    feeder = Slow(big, STALL)
    thread, errors = in_thread(big, feeder)
    feeder.process.kill()
    thread.join(DEADLINE_SECONDS)
    assert [each.code for each in errors] == ["E_INTERRUPTED"]
    converges(big)


def test_a_receive_killed_half_way(big: Pair) -> None:
    thread, errors = in_thread(big, Slow(big, STALL))
    (process,) = receives(big.target)
    os.kill(process, signal.SIGKILL)
    thread.join(DEADLINE_SECONDS)
    assert [each.code for each in errors] == ["E_INTERRUPTED"]
    until(lambda: big.zfs.dataset(big.target) is None)
    converges(big)


@pytest.mark.parametrize("program", [CUT, CUT_AND_FAIL])
def test_a_truncated_stream(big: Pair, program: str) -> None:
    with pytest.raises(ZfsSyncError) as caught:
        big.sync(feeder=Slow(big, program))
    assert caught.value.code == "E_INTERRUPTED"
    converges(big)


def test_a_truncated_incremental_keeps_what_it_had(big: Pair) -> None:
    big.sync()
    for label in ("b", "c"):
        big.fill(label, 5)
        big.snapshot(label)
    with pytest.raises(ZfsSyncError) as caught:
        big.sync(feeder=Slow(big, CUT))
    assert caught.value.code == "E_INTERRUPTED"
    assert len(big.guids(big.target)) == 2, "the first of the two snapshots came whole, and stays"
    converges(big)


def test_nothing_moves_for_too_long(big: Pair) -> None:
    big.receiver._idle = 0.5
    with pytest.raises(ZfsSyncError) as caught:
        big.sync(feeder=Slow(big, STALL))
    assert caught.value.code == "E_INTERRUPTED"
    assert "0.5 s" in caught.value.message
    big.receiver._idle = 600.0
    converges(big)


def test_a_receive_that_fails_ends_the_sender(big: Pair) -> None:
    big.sync()
    sh("zfs", "set", "quota=17M", big.target)
    big.fill("more", 16)
    big.snapshot("b")
    with pytest.raises(ZfsSyncError) as caught:
        big.sync()
    assert caught.value.code == "E_SPACE"
    sh("zfs", "set", "quota=none", big.target)
    converges(big)


def test_two_receives_into_one_dataset_are_impossible(big: Pair) -> None:
    thread, errors = in_thread(big, Slow(big, STALL))
    with pytest.raises(ZfsSyncError) as caught:
        Pair(big.zfs, big.state, big.source, big.target).sync()
    assert caught.value.code == "E_TARGET_LOCKED"
    big.cancelled.set()
    thread.join(DEADLINE_SECONDS)
    assert errors
    converges(big)


AGENT = """
import sys, threading, time
from pathlib import Path
from tests.integration.zfs.live.conftest import Pair
from tests.integration.zfs.live.check_faults import STALL, Slow
from zfs_sync.zfs.host import Zfs
from zfs_sync.zfs.runner import LocalRunner
pair = Pair(Zfs(LocalRunner()), Path(sys.argv[1]), sys.argv[2], sys.argv[3])
def seen(progress):
    if progress.bytes_done > 5_000_000:
        print("half", flush=True)
pair.seen = type("Seen", (), {"append": staticmethod(seen)})()
pair.sync(feeder=Slow(pair, STALL))
"""


def test_after_kill_9_of_the_agent_the_lock_lives_as_long_as_the_receive(big: Pair) -> None:
    agent = subprocess.Popen(
        [sys.executable, "-c", AGENT, str(big.state), big.source, big.target],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        start_new_session=True,
    )
    assert agent.stdout
    assert agent.stdout.readline() == "half\n"
    (receive,) = receives(big.target)
    still_open = os.open(f"/proc/{receive}/fd/0", os.O_WRONLY)  # so that it waits for more
    os.killpg(agent.pid, signal.SIGKILL)  # with the slow source; the receive is in a group of its own
    agent.wait()
    with pytest.raises(ZfsSyncError) as caught, target_lock(big.state, big.target):
        pass
    assert caught.value.code == "E_TARGET_LOCKED"
    assert big.receiver.targets.heal_all() == []
    os.close(still_open)
    until(lambda: receives(big.target) == [])
    until(lambda: big.zfs.dataset(big.target) is None)
    converges(big)
    agent.stdout.close()


def test_a_crash_between_receive_and_marking_heals(big: Pair) -> None:
    to_guid = big.guids(big.source)[-1]
    big.receiver.targets.intend(Intent(big.target, "g", to_guid))
    sh("sh", "-c", f"zfs send '{big.source}@a' | zfs receive -u '{big.target}'")
    assert big.receiver.targets.unfinished() == {big.target}
    assert big.receiver.targets.heal_all() == [big.target]
    assert big.property("zfs-sync:group") == ("g", "local")
    assert big.property("canmount") == ("noauto", "local")
    assert big.receiver.targets.unfinished() == frozenset()
    big.snapshot("b")
    converges(big)


def test_an_intent_does_not_take_over_what_somebody_made(big: Pair) -> None:
    big.receiver.targets.intend(Intent(big.target, "g", big.guids(big.source)[-1]))
    sh("zfs", "create", big.target)
    with pytest.raises(ZfsSyncError) as caught:
        big.sync(steps=())
    assert caught.value.code == "E_TARGET_LOCKED"
    sh("zfs", "snapshot", f"{big.target}@theirs")
    assert big.receiver.targets.heal_all() == []
    assert big.receiver.targets.unfinished() == frozenset()
    assert big.property("zfs-sync:group") == ("-", "-")


def test_the_gate_sends_to_a_descriptor_and_says_what_failed(big: Pair) -> None:
    reading, writing = os.pipe()
    stream = Stream(big.edge, "g", "there", big.source, None, big.guids(big.source)[-1])
    with subprocess.Popen(["zfs", "receive", "-u", big.target], stdin=reading) as receive:
        os.close(reading)
        big.sender.serve(stream, writing, threading.Event())
        assert receive.wait(DEADLINE_SECONDS) == 0
    assert big.guids(big.target) == big.guids(big.source)
    sh("zfs", "release", "zfs-sync:g:there", f"{big.source}@a")


def test_the_gate_ends_a_send_whose_peer_hung_up(big: Pair) -> None:
    reading, writing = os.pipe()
    gone = threading.Event()
    threading.Timer(0.3, gone.set).start()
    with pytest.raises(ZfsSyncError) as caught:
        big.sender.serve(Stream(big.edge, "g", "here", big.source, None, big.guids(big.source)[-1]), writing, gone)
    assert caught.value.code == "E_INTERRUPTED"
    os.close(reading)
