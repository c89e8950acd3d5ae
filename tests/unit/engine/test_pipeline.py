# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""What a pipeline says is the cause when it fails."""

import subprocess
import threading
import time

import pytest

from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.engine import pipeline

ENDLESS = "trap 'exit 255' TERM; while :; do echo stream; done"
BRIEF = "echo stream"
BROKEN = "echo stream; exit 255"
REFUSES = "echo 'cannot receive: destination b/c has been modified since most recent snapshot' >&2; exit 1"
TAKES = "cat >/dev/null"
COMPLAINS = "cat >/dev/null; echo 'cannot receive: incomplete stream' >&2; exit 1"


class ShellSource:
    """A sending process as ssh is one: ended by us, it exits with 255 and no word."""

    def __init__(self, script: str) -> None:
        self.process = subprocess.Popen(["bash", "-c", script], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

    def error(self, status: int | None) -> ZfsSyncError | None:
        return None if status == 0 else ZfsSyncError("E_SSH", f"ssh ended with status {status}.")


def run(source: str, receive: str) -> pipeline.Ended:
    receiving = subprocess.Popen(["bash", "-c", receive], stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    return pipeline.run(
        ShellSource(source),
        receiving,
        "b/c",
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
    ],
)
def test_the_likely_cause_comes_first(source: str, receive: str, codes: list[str]) -> None:
    assert [error.code for error in run(source, receive).errors] == codes
