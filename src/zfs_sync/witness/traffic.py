# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Requests, counted in memory by route: how many were answered how, and how long they took.

Labels are the routes' own paths, never what a client wrote, so that nobody makes the table grow.
"""

import bisect
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper bounds of durations in seconds; the last one is about that of a long poll."""
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
UNKNOWN = "other"


@dataclass(slots=True)
class Durations:
    """How many requests took how long; ``counts`` has one place more than there are bounds."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS) + 1))
    seconds: float = 0.0


class Traffic:
    """Counts from the event loop, is read from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answers: Counter[tuple[str, str, int]] = Counter()
        self._durations: dict[tuple[str, str], Durations] = {}

    def note(self, method: str, route: str | None, status: int, seconds: float) -> None:
        """Count a request that was answered; ``route`` is the path of its route, None where there was none."""
        known = (method if method in METHODS else UNKNOWN, route or UNKNOWN)
        with self._lock:
            self._answers[*known, status] += 1
            durations = self._durations.setdefault(known, Durations())
            durations.counts[bisect.bisect_left(BUCKETS, seconds)] += 1
            durations.seconds += seconds

    def answers(self) -> Mapping[tuple[str, str, int], int]:
        """How often each method of each route was answered with each status."""
        with self._lock:
            return dict(self._answers)

    def durations(self) -> Mapping[tuple[str, str], Durations]:
        """How long each method of each route took."""
        with self._lock:
            return {key: Durations(list(each.counts), each.seconds) for key, each in self._durations.items()}
