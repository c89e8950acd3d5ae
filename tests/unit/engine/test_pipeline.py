# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""What a pipeline says is the cause when it fails."""

import shlex
import subprocess
import threading
import time
from pathlib import Path

import pytest

from tests.unit.engine.streams import package, plain
from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.engine import pipeline
from zfs_sync.engine.admission import Expected
from zfs_sync.engine.processes import ProcessSource

ENDLESS = "trap 'exit 255' TERM; cat plain; while :; do echo stream; done"
BRIEF = "cat plain"
BROKEN = "cat plain; exit 255"
OTHER = "trap 'exit 255' TERM; cat other; while :; do echo stream; done"
REFUSES = "echo 'cannot receive: destination b/c has been modified since most recent snapshot' >&2; exit 1"
TAKES = "cat >/dev/null"
COMPLAINS = "cat >/dev/null; echo 'cannot receive: incomplete stream' >&2; exit 1"


class ShellSource(ProcessSource):
    """A sending process as ssh is one: ended by us, it exits with 255 and no word."""

    def __init__(self, script: str, folder: Path) -> None:
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        super().__init__(subprocess.Popen(["bash", "-c", script], cwd=folder, **pipes))

    def error(self, status: int | None) -> ZfsSyncError | None:
        return None if status == 0 else ZfsSyncError("E_SSH", f"ssh ended with status {status}.")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the sending processes find their streams."""
    (tmp_path / "plain").write_bytes(plain(0, 7))
    (tmp_path / "other").write_bytes(package(0, 7, payload=8))
    return tmp_path


def run(folder: Path, source: str, receive: str) -> pipeline.Ended:
    receiving = subprocess.Popen(["bash", "-c", receive], stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    return pipeline.run(
        ShellSource(source, folder),
        pipeline.ReceiveSink(receiving, "b/c"),
        Expected("b/c", None, 7),
        on_bytes=lambda _: None,
        cancelled=threading.Event(),
        clock=time.monotonic,
    )


@pytest.mark.parametrize(
    ("source", "receive", "codes"),
    [
        pytest.param(BRIEF, TAKES, [], id="both end well"),
        pytest.param(ENDLESS, REFUSES, ["E_TARGET_MODIFIED"], id="the receive refuses, and the source is ended by us"),
        pytest.param(BROKEN, COMPLAINS, ["E_SSH", "E_INTERRUPTED"], id="the source breaks, the receive notices"),
        pytest.param(BROKEN, TAKES, ["E_SSH"], id="the source breaks after its last byte"),
        pytest.param(OTHER, COMPLAINS, ["E_STREAM_REFUSED", "E_INTERRUPTED"], id="it is not what was asked for"),
    ],
)
def test_the_likely_cause_comes_first(folder: Path, source: str, receive: str, codes: list[str]) -> None:
    assert [error.code for error in run(folder, source, receive).errors] == codes


def test_a_receive_sees_nothing_of_a_stream_that_is_refused(folder: Path) -> None:
    receive = f"cd {shlex.quote(str(folder))}; cat >seen; exit 1"
    assert run(folder, OTHER, receive).stopped is not None
    assert (folder / "seen").read_bytes() == b""
