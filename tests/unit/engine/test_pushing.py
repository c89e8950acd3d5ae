# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""A push whose peer does not do what was expected. What goes well is proved on lab hosts too (tests/integration)."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.engine.conftest import listed, look
from tests.unit.zfs.program import Program
from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.engine import ssh_push, wire
from zfs_sync.engine.checks import Step
from zfs_sync.engine.continuity import Holds
from zfs_sync.engine.fed import Fed
from zfs_sync.engine.pushing import Push, Pusher
from zfs_sync.engine.receiving import Moved
from zfs_sync.engine.sending import Sender
from zfs_sync.engine.ssh import SshFiles, SshPeer
from zfs_sync.engine.ssh_push import SshHandover, SshTarget
from zfs_sync.zfs import commands
from zfs_sync.zfs.host import Zfs

PEER = SshPeer("nas2", "nas2", "zfs-sync", 22)
GATE = """#!{python}
import json, os, sys, time
def say(**words):
    sys.stdout.write(json.dumps(words) + "\\n")
    sys.stdout.flush()
def refuse(code):
    sys.stderr.write("zfs-sync-gate: " + json.dumps({{"code": code, "message": "no", "hint": ""}}) + "\\n")
    sys.exit(1)
def streamed():
    content = sys.stdin.buffer.read()
    open({folder!r} + "/streamed", "wb").write(content)
request = json.loads(sys.stdin.buffer.readline())
if request["op"] == "list":
    print({listing!r})
    sys.exit(0)
described = json.loads(sys.stdin.buffer.read(request["source_bytes"]))
{play}
"""
ARRIVES = """
say(state="ready", base_guid=request["base_guid"], to_guid=request["to_guid"])
streamed()
say(state="done", snapshots=1, head_guid=request["to_guid"], warnings=["E_BUSY: busy"])
"""
TARGET = {"path": "beta/x", "guid": "9", "type": "filesystem", "marker": "g"}
FIRST = {"guid": "1", "createtxg": "1", "name": "s1"}


@pytest.fixture(autouse=True)
def recorded(program: Program) -> None:
    """alpha/x with two snapshots."""
    program.say(look("alpha/x"), listed("alpha/x", 1, 2))
    program.say(commands.send("alpha/x", "s1", "s2"), "stream")
    program.say(commands.send("alpha/x", None, "s1"), "whole")
    program.say(commands.get(["referenced"], ["alpha/x@s1"]), "alpha/x@s1\treferenced\t-\t5\n")
    for label in ("s1", "s2"):
        program.say(commands.hold("zfs-sync:g:nas2", "alpha/x", label))
        program.say(commands.release("zfs-sync:g:nas2", "alpha/x", label))


@pytest.fixture
def sender(zfs: Zfs, holds: Holds, folder: Path) -> Sender:
    return Sender(zfs, holds, Fed(folder))


Run = Callable[..., Moved]


@pytest.fixture
def run(sender: Sender, tmp_path: Path) -> Run:
    """Push along an edge to a gate that plays what a test wants; the target has the first snapshot."""

    def job(
        play: str = ARRIVES,
        *,
        steps: tuple[Step, ...] = (Step(1, 2),),
        target: object = "default",
        cancelled: threading.Event | None = None,
    ) -> Moved:
        listing = {"dataset": {**TARGET, "add": [FIRST]} if target == "default" else target}
        program = tmp_path / "gate"
        text = GATE.format(python=sys.executable, folder=str(tmp_path), listing=wire.json.dumps(listing), play=play)
        program.write_text(text)
        program.chmod(0o755)
        files = SshFiles(tmp_path / "key", tmp_path / "known", tmp_path / "c", str(program))
        return Pusher(sender, time.monotonic).run(
            Push("e", "g", "alpha/x", "nas2", "beta/x", steps),
            SshTarget(PEER, files, edge="e", relative=""),
            allow=lambda _: None,
            on_progress=lambda _: None,
            cancelled=cancelled or threading.Event(),
        )

    return job


def refused(run: Run, *words: str, **options: object) -> ZfsSyncError:
    with pytest.raises(ZfsSyncError) as caught:
        run(*words, **options)
    return caught.value


def test_a_step_is_streamed_and_its_result_is_the_peers_word(run: Run, sender: Sender, tmp_path: Path) -> None:
    moved = run()
    assert (moved.snapshots, moved.bytes, moved.head_guid) == (1, 6, 2)
    assert moved.warnings == ("nas2: E_BUSY: busy",)
    assert (tmp_path / "streamed").read_bytes() == b"stream"
    assert sender.has_fed("alpha/x", ["other", "g"])
    assert not sender.has_fed("alpha/x", ["other"])
    assert not sender.has_fed("alpha/y", ["g"])


def test_a_target_that_has_everything_costs_nothing(run: Run, program: Program) -> None:
    both = {**TARGET, "add": [FIRST, {"guid": "2", "createtxg": "2", "name": "s2"}]}
    assert run(target=both) == Moved(0, 0, 2)
    assert not [line for line in program.asked if line.startswith("zfs send")]


def test_a_first_copy_is_two_streams(run: Run, tmp_path: Path) -> None:
    moved = run(steps=(Step(None, 1), Step(1, 2)), target=None)
    assert (moved.snapshots, moved.bytes, moved.head_guid) == (2, 11, 2)


def test_what_the_peer_has_meanwhile_is_not_sent(run: Run, program: Program) -> None:
    moved = run('say(state="done", head_guid="2")')
    assert (moved.snapshots, moved.bytes, moved.head_guid) == (0, 0, 2)
    assert not [line for line in program.asked if line.startswith("zfs send")]


def test_a_peer_that_does_not_say_what_its_target_has_leaves_what_was_known(run: Run) -> None:
    assert run('say(state="done")').head_guid == 1


@pytest.mark.parametrize(
    ("play", "code"),
    [
        pytest.param('refuse("E_TARGET_LOCKED")', "E_TARGET_LOCKED", id="refused before a byte"),
        pytest.param("sys.exit(0)", "E_VALIDATION", id="no answer"),
        pytest.param('say(state="ready")', "E_VALIDATION", id="no snapshot is wanted"),
        pytest.param('say(state="odd")', "E_VALIDATION", id="no answer that is known"),
        pytest.param('sys.stdout.write("x" * 100_000); sys.stdout.flush(); time.sleep(9)', "E_VALIDATION", id="babble"),
        pytest.param('say(state="ready", base_guid="1", to_guid="7")', "E_SOURCE_GONE", id="another snapshot"),
        pytest.param(
            'say(state="ready", base_guid="1", to_guid="2"); streamed(); say(state="done", head_guid="1")',
            "E_VERIFY_FAILED",
            id="it did not arrive",
        ),
        pytest.param(
            'say(state="ready", base_guid="1", to_guid="2"); streamed(); say(state="done")',
            "E_VERIFY_FAILED",
            id="nothing is there",
        ),
        pytest.param(
            'say(state="ready", base_guid="1", to_guid="2"); streamed(); refuse("E_TARGET_MODIFIED")',
            "E_TARGET_MODIFIED",
            id="refused by zfs",
        ),
        pytest.param(
            'say(state="ready", base_guid="1", to_guid="2"); streamed()', "E_VALIDATION", id="no word at the end"
        ),
    ],
)
def test_a_peer_that_does_not_receive_says_why(run: Run, play: str, code: str) -> None:
    assert refused(run, play).code == code


def test_a_source_that_is_gone(run: Run, program: Program) -> None:
    program.say(look("alpha/x"), stderr="cannot open 'alpha/x': dataset does not exist\n", status=1)
    assert refused(run).code == "E_SOURCE_GONE"


def test_a_plan_that_is_not_true_any_more_costs_no_stream(run: Run, program: Program) -> None:
    stranger = {**TARGET, "marker": None, "add": [FIRST]}
    assert refused(run, target=stranger).code == "E_TARGET_UNMANAGED"
    assert not [line for line in program.asked if line.startswith("zfs send")]


def test_a_push_that_is_cancelled_before_it_began(run: Run) -> None:
    event = threading.Event()
    event.set()
    assert refused(run, cancelled=event).code == "E_CANCELLED"


def cancel_once(path: Path, event: threading.Event) -> None:
    """Set the event when the peer has made this file."""

    def wait() -> None:
        while not path.exists():
            time.sleep(0.01)
        event.set()

    threading.Thread(target=wait, daemon=True).start()


def test_a_push_that_is_cancelled_while_the_peer_looks(run: Run, tmp_path: Path) -> None:
    event, looking = threading.Event(), tmp_path / "looking"
    cancel_once(looking, event)
    play = f"open({str(looking)!r}, 'w').close(); time.sleep(600)"
    assert refused(run, play, cancelled=event).code == "E_CANCELLED"


def test_a_push_that_is_cancelled_in_mid_stream(run: Run, program: Program, tmp_path: Path) -> None:
    program.say(commands.send("alpha/x", "s1", "s2"), then="while :; do echo stream; sleep 0.05; done")
    event, begun = threading.Event(), tmp_path / "begun"
    cancel_once(begun, event)
    play = f'say(state="ready", base_guid="1", to_guid="2"); sys.stdin.read(1); open({str(begun)!r}, "w"); streamed()'
    assert refused(run, play, cancelled=event).code == "E_CANCELLED"


def test_a_peer_that_is_silent_is_given_up(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ssh_push, "ANSWER_SECONDS", 0.3)
    assert refused(run, "time.sleep(600)").code == "E_INTERRUPTED"


def test_a_peer_that_does_not_read_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ssh_push, "ANSWER_SECONDS", 0.3)
    files = SshFiles(tmp_path / "key", tmp_path / "known", tmp_path / "c")
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    deaf = subprocess.Popen(["sleep", "600"], **pipes)  # type: ignore[call-overload]
    handover = SshHandover(deaf, PEER, files, b"x" * 1_000_000)
    with pytest.raises(ZfsSyncError) as caught:
        handover.ready(threading.Event())
    handover.stop()
    handover.stop()
    assert caught.value.code == "E_INTERRUPTED"
    assert deaf.returncode is not None
