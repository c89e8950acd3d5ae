# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Timings taken in turn, so that what else the machine does falls on all ways alike."""

import resource
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Way:
    """One way to do the work; ``prepare`` is not timed."""

    run: Callable[[], object]
    prepare: Callable[[], object] = lambda: None


def wall_seconds() -> float:
    """The clock of what a person waits for."""
    return time.perf_counter()


def children_cpu_seconds() -> float:
    """The clock of what ended child processes have computed."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def medians(*ways: Way, rounds: int, clock: Callable[[], float] = wall_seconds) -> list[float]:
    """The median seconds of each way; every round runs each of them once."""
    seconds: list[list[float]] = [[] for _ in ways]
    for _ in range(rounds):
        for way, taken in zip(ways, seconds, strict=True):
            way.prepare()
            before = clock()
            way.run()
            taken.append(clock() - before)
    return [statistics.median(each) for each in seconds]
