# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Full jitter: the ceiling doubles up to the most, and each wait lies anywhere below it."""

from zfs_sync.client.backoff import Backoff


def test_the_ceiling_doubles_up_to_the_most_and_starts_anew_after_a_success() -> None:
    ranges: list[tuple[float, float]] = []

    def uniform(low: float, high: float) -> float:
        ranges.append((low, high))
        return high / 2

    backoff = Backoff(least_seconds=2.0, most_seconds=10.0, uniform=uniform)
    assert [backoff.next_seconds() for _ in range(4)] == [1.0, 2.0, 4.0, 5.0]
    assert ranges == [(0.0, 2.0), (0.0, 4.0), (0.0, 8.0), (0.0, 10.0)]
    backoff.reset()
    assert backoff.next_seconds() == 1.0


def test_a_long_outage_does_not_overflow() -> None:
    backoff = Backoff(most_seconds=60.0, uniform=lambda _, high: high)
    backoff.failures = 100_000
    assert backoff.next_seconds() == 60.0


def test_many_callers_do_not_come_back_together() -> None:
    waits = {Backoff(least_seconds=60.0).next_seconds() for _ in range(50)}
    assert len(waits) == 50
    assert all(0 <= wait <= 60 for wait in waits)
