# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Children end when they are asked to, and what they say is kept within bounds."""

import signal
import subprocess

import pytest

from zfs_sync.engine.processes import Listener, end, pipe
from zfs_sync.engine.progress import RATE_SECONDS, Meter, Progress


def shell(script: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(["bash", "-c", script], stdout=subprocess.PIPE)


@pytest.mark.parametrize(
    ("script", "status"),
    [
        ("exit 3", 3),
        ("trap 'exit 4' TERM; echo; while :; do sleep 0.05; done", 4),
        ("trap '' TERM; echo; while :; do sleep 0.05; done", -signal.SIGKILL),
    ],
    ids=["by itself", "when asked", "by force"],
)
def test_a_process_ends(script: str, status: int) -> None:
    process = shell(script)
    assert process.stdout is not None
    process.stdout.readline()
    assert end(process, grace_seconds=0.5) == status
    process.stdout.close()


def test_a_process_that_the_kernel_does_not_let_go_of_has_no_status() -> None:
    class Stuck:
        asked: list[int] = []  # noqa: RUF012

        def wait(self, seconds: float) -> int:
            raise subprocess.TimeoutExpired("zfs", seconds)

        def send_signal(self, number: int) -> None:
            self.asked.append(number)

    stuck = Stuck()
    assert end(stuck, 0.01) is None  # type: ignore[arg-type]
    assert stuck.asked == [signal.SIGTERM, signal.SIGKILL]


def test_the_first_words_are_kept_and_the_rest_is_read_all_the_same() -> None:
    process = shell("head -c 300000 /dev/zero; echo end")
    listener = Listener(pipe(process.stdout), limit=1000)
    assert process.wait(30) == 0
    assert (len(listener.heard()), listener.overflow) == (1000, True)


def test_a_stream_that_was_not_opened_is_no_pipe() -> None:
    with pytest.raises(ValueError, match="not opened"):
        pipe(None)


def test_the_rate_is_that_of_the_last_seconds_and_tells_the_time_left() -> None:
    seen: list[Progress] = []
    now = [0.0]
    meter = Meter(seen.append, lambda: now[0], [1000, None, 2000], period_seconds=1.0)
    meter.begin(0, "one")
    for second in range(1, 31):
        now[0] = float(second)
        meter.moved(second * (10 if second <= 15 else 50))
    last = seen[-1]
    assert (last.step, last.steps, last.bytes_done, last.bytes_total, last.message) == (0, 3, 1500, 3000, "one")
    assert last.bytes_per_second == 50 or last.bytes_per_second == round((1500 - 20 * 50) / RATE_SECONDS)
    assert last.eta_seconds == round(1500 / last.bytes_per_second)
    meter.moved(4000)
    now[0] += 1
    meter.moved(4000)
    assert (seen[-1].bytes_total, seen[-1].eta_seconds) == (None, None), "an estimate that was too low is none"


def test_it_reports_at_most_once_a_period() -> None:
    seen: list[Progress] = []
    meter = Meter(seen.append, lambda: 5.0, [None], period_seconds=1.0)
    for count in range(10):
        meter.moved(count)
    assert [(each.bytes_done, each.bytes_per_second, each.bytes_total) for each in seen] == [(0, 0, None)]
