# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The fleet in numbers: what there is now, and what went on in a window of time."""

from dataclasses import dataclass
from typing import Annotated

from zfs_sync.api.annotations import STRICT, Count, Example
from zfs_sync.api.status import Instant

JobCounts = Annotated[dict[str, int], Example({"queued": 1, "running": 2, "succeeded": 240, "failed": 3})]


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetFigures:
    """All systems together."""

    __pydantic_config__ = STRICT

    systems: Count
    """Declared systems."""
    online: Count
    """Systems that were heard of lately."""
    sync_groups: Count
    """Declared sync groups."""
    datasets: Count
    """Datasets that hosts report."""
    snapshots: Count
    """Snapshots that hosts report."""
    used_bytes: Count
    """What these datasets use, each byte of a host counted once."""
    conflicts: Count
    """Datasets of edges whose two histories contradict each other."""
    jobs: JobCounts
    """Jobs that wait or go on now, and those that ended in the window, by state."""
    moved_snapshots: Count
    """Snapshots that arrived in the window."""
    moved_bytes: Count
    """Bytes of the streams of jobs that ended in the window."""
    success_rate: float | None
    """Which part of the jobs that succeeded or failed in the window succeeded, 0 to 1; null where none did either."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemFigures:
    """One system."""

    __pydantic_config__ = STRICT

    name: str
    """The system."""
    online: bool
    """Whether it was heard of lately."""
    datasets: Count
    """Datasets that it reports."""
    snapshots: Count
    """Snapshots that it reports."""
    used_bytes: Count
    """What these datasets use, each byte counted once."""
    jobs: JobCounts
    """Jobs to this system, as above."""
    received_bytes: Count
    """Bytes that it received in the window."""
    sent_bytes: Count
    """Bytes that it sent in the window."""
    success_rate: float | None
    """As above, for jobs to this system."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """The fleet, and a page of its systems by name."""

    __pydantic_config__ = STRICT

    since: Instant
    """When the window began; it ends now."""
    fleet: FleetFigures
    """The figures of the whole fleet, on every page."""
    items: list[SystemFigures]
    """Each system."""
    next: str | None
    """Give it as `after` for the next page; null on the last."""
