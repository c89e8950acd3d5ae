# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Jobs as people and front ends read them."""

from dataclasses import dataclass
from typing import Annotated

from zfs_sync.api.annotations import STRICT, Count, Example
from zfs_sync.api.status import Instant
from zfs_sync.api.work import JobError, JobState


@dataclass(frozen=True, slots=True, kw_only=True)
class JobEvent:
    """One change of a job's state."""

    __pydantic_config__ = STRICT

    at: Instant
    """When it was."""
    state: JobState
    """The state since then."""
    epoch: Count
    """How often the job had been claimed by then."""
    detail: Annotated[str, Example("claimed by 0f8c1f9be0a54f0d")]
    """Why, or by whom."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One job."""

    __pydantic_config__ = STRICT

    id: str
    """Its id."""
    edge: str
    """Its edge."""
    group: str
    """The sync group."""
    relative: str
    """The dataset below the edge's roots."""
    from_system: str
    """The feeding system."""
    to_system: str
    """The fed system, which runs it."""
    target_dataset: str
    """The dataset that receives."""
    state: JobState
    """Its state."""
    attempt: Count
    """How many attempts failed before this one."""
    epoch: Count
    """How often it was claimed."""
    created: Instant
    """When it was queued."""
    started: Instant | None
    """When it was first claimed."""
    finished: Instant | None
    """When it ended."""
    bytes_done: Count
    """Bytes that went through the pipeline."""
    bytes_total: int | None
    """The estimate."""
    bytes_per_second: Count
    """The rate of the last seconds."""
    moved_snapshots: Count
    """Snapshots that arrived."""
    moved_bytes: Count
    """Bytes of the streams."""
    message: str
    """What is being done."""
    error: JobError | None
    """Why it failed."""
    history: list[JobEvent] | None = None
    """Every change of its state, oldest first, where one job is asked for; null in lists."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPage:
    """A page of jobs, newest first."""

    __pydantic_config__ = STRICT

    items: list[Job]
    """The jobs."""
    next: str | None
    """Give it as `after` for the next page; null on the last."""
