# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""How far a job is: bytes, rate over the last seconds, time left."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

RATE_SECONDS = 10.0

Clock = Callable[[], float]
"""Seconds that never go back."""


@dataclass(frozen=True, slots=True)
class Progress:
    """A running job."""

    step: int
    """The step that runs, from 0."""
    steps: int
    bytes_done: int
    """Bytes of all steps so far."""
    bytes_total: int | None
    """What all steps are estimated at; None where nothing is known, or the estimate was too low."""
    bytes_per_second: int
    eta_seconds: int | None
    message: str


Report = Callable[[Progress], None]
"""Called from the pump: it must not block."""


class Meter:
    """Counts the bytes of a job and reports at most once a period."""

    def __init__(self, report: Report, clock: Clock, estimates: Sequence[int | None], period_seconds: float) -> None:
        self._report = report
        self._clock = clock
        self._period = period_seconds
        known = [each for each in estimates if each is not None]
        self._total = sum(known) if known else None
        self._steps = len(estimates)
        self._step = 0
        self._message = ""
        self._before = 0
        self.done = 0
        self._samples = deque([(clock(), 0)])
        self._reported_at: float | None = None

    def begin(self, step: int, message: str) -> None:
        """A step begins; reported at once."""
        self._step, self._message, self._before = step, message, self.done
        self._say(self._clock())

    def moved(self, count: int) -> None:
        """``count`` bytes of this step went through so far."""
        self.done = self._before + count
        now = self._clock()
        if self._reported_at is None or now - self._reported_at >= self._period:
            self._say(now)

    def _say(self, now: float) -> None:
        self._reported_at = now
        rate = self._rate(now)
        total = self._total if self._total is not None and self._total >= self.done else None
        eta = round((total - self.done) / rate) if total is not None and rate else None
        self._report(Progress(self._step, self._steps, self.done, total, rate, eta, self._message))

    def _rate(self, now: float) -> int:
        """Bytes per second over the last seconds."""
        self._samples.append((now, self.done))
        while len(self._samples) > 2 and now - self._samples[1][0] >= RATE_SECONDS:
            self._samples.popleft()
        since, then = self._samples[0]
        return round((self.done - then) / (now - since)) if now > since else 0
