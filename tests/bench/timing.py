# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Pairs of timings, taken in turn, so that what else the machine does falls on both."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Way:
    """One way to do the work: ``prepare`` is not timed; ``objects`` is how many objects one run handles."""

    name: str
    run: Callable[[], object]
    objects: int
    prepare: Callable[[], object] = lambda: None


@dataclass(slots=True)
class Timing:
    """Seconds of every run of one way."""

    name: str
    objects: int
    seconds: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    @property
    def each(self) -> float:
        """Seconds per object, of the median run."""
        return self.median / self.objects


@dataclass(frozen=True, slots=True)
class Comparison:
    """A baseline and the ways compared with it; ``ratio`` is of seconds per object."""

    title: str
    baseline: Timing
    ways: Sequence[Timing]

    def ratio(self, way: Timing) -> float:
        """How many times as long as ours the baseline takes for each object."""
        return self.baseline.each / way.each

    def document(self) -> dict[str, object]:
        """What the JSON says of it."""
        return {
            "title": self.title,
            "ways": [
                {
                    "name": way.name,
                    "objects": way.objects,
                    "seconds": way.seconds,
                    "median_seconds": way.median,
                    "seconds_per_object": way.each,
                    "baseline_over_this": self.ratio(way),
                }
                for way in (self.baseline, *self.ways)
            ],
        }

    def lines(self) -> list[str]:
        """What a person reads."""
        rows = [
            f"  {way.name:<52} {way.objects:>7,} objects {way.median:>9.3f} s {way.each * 1e3:>10.4f} ms each"
            f" {self.ratio(way):>9.1f} x"
            for way in (self.baseline, *self.ways)
        ]
        return [self.title, *rows]


def compare(title: str, baseline: Way, *ways: Way, rounds: int) -> Comparison:
    """Run every way once in each round, the baseline first."""
    timings = [Timing(way.name, way.objects) for way in (baseline, *ways)]
    for _ in range(rounds):
        for way, timing in zip((baseline, *ways), timings, strict=True):
            way.prepare()
            before = time.perf_counter()
            way.run()
            timing.seconds.append(time.perf_counter() - before)
    return Comparison(title, timings[0], timings[1:])
