# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Who is behind and why: edges as people and front ends read them, and a group's sync on demand."""

from dataclasses import dataclass, field
from typing import Annotated, Any

from zfs_sync.api.annotations import STRICT, Example, SystemName
from zfs_sync.api.work import JobState

Instant = Annotated[str, Example("2026-11-24T08:30:00Z")]


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotName:
    """A snapshot in an answer."""

    __pydantic_config__ = STRICT

    guid: str
    """The identity, as a decimal string."""
    name: str
    """The label behind the @."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobProgress:
    """The job of an edge's dataset that waits or runs."""

    __pydantic_config__ = STRICT

    id: str
    """The job's id."""
    state: JobState
    """Its state."""
    bytes_done: int
    """Bytes that went through the pipeline."""
    bytes_total: int | None
    """The estimate; null where nothing is known."""
    bytes_per_second: int
    """The rate of the last seconds."""
    eta_seconds: int | None
    """How long it will still take; null where nothing is known."""
    message: str
    """What is being done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeError:
    """Why the last attempt failed, or what keeps the dataset from being synced."""

    __pydantic_config__ = STRICT

    code: str
    """A code of the catalogue."""
    message: str
    """What happened to which object."""
    hint: str
    """What to do about it."""
    at: Instant | None
    """When the attempt ended; null for a state that is no attempt."""
    next_attempt: Instant | None
    """When it is tried again by itself; null where it is not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeStatus:
    """One dataset of one edge."""

    __pydantic_config__ = STRICT

    edge: str
    """The edge's id."""
    group: str
    """The sync group."""
    from_system: str
    """The feeding system."""
    to_system: str
    """The fed system."""
    from_root: str
    """The feeding root dataset."""
    to_root: str
    """The fed root dataset."""
    relative: str
    """The dataset below the roots; empty for the root itself."""
    peers: bool
    """Whether both ends are peers, so that there is an edge the other way too."""
    outcome: str
    """What the planner says: IN_SYNC, BEHIND, DIVERGED, ..."""
    message: str
    """The outcome as a sentence."""
    source_head: SnapshotName | None
    """The source's newest snapshot."""
    target_head: SnapshotName | None
    """The target's newest snapshot."""
    base: SnapshotName | None
    """The newest snapshot that both have."""
    lag_snapshots: int
    """How many snapshots the target lacks."""
    lag_seconds: int | None
    """The age of the oldest snapshot that the target lacks; 0 when it lacks none, null where it is not known."""
    late: bool
    """Whether the lag is over the group's lag_limit."""
    last_success: Instant | None
    """When a job of this dataset last succeeded."""
    job: JobProgress | None
    """The job that waits or runs."""
    error: EdgeError | None
    """What a person should look at."""
    evidence: dict[str, Any] = field(default_factory=dict)
    """The GUIDs that prove the outcome."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemStatus:
    """One host as the witness sees it."""

    __pydantic_config__ = STRICT

    name: str
    """Its name."""
    online: bool
    """Whether it was heard of lately."""
    enrolled: bool
    """Whether an agent has enrolled."""
    last_seen: Instant | None
    """When it was last heard of."""
    agent_version: str | None
    """Its agent's version."""
    platform: str | None
    """What its agent reports."""
    maintenance: bool
    """Whether no new job starts there."""
    datasets: int
    """How many datasets it reports."""
    snapshots: int
    """How many snapshots it reports."""
    warnings: list[str]
    """What a person should look at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingSystem:
    """An agent that waits for approval: it came with a general enrol key, and nobody has declared its name."""

    __pydantic_config__ = STRICT

    name: str
    """The name that it gave itself."""
    installation: str
    """Its installation."""
    agent_version: str
    """Its version."""
    enrolled_with: str
    """The name of the enrol key that it came with."""
    since: Instant
    """When it came."""
    last_seen: Instant | None
    """When it was last heard of, to about a minute."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingPage:
    """A page of agents that wait for approval."""

    __pydantic_config__ = STRICT

    items: list[PendingSystem]
    """The agents."""
    next: str | None
    """Give it as `after` for the next page; null on the last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """The fleet."""

    __pydantic_config__ = STRICT

    items: list[EdgeStatus]
    """One entry per edge and dataset, worst first."""
    next: str | None
    """Give it as `after` for the next page; null on the last."""
    summary: dict[str, int]
    """How many datasets have which outcome, over all pages."""
    systems: list[SystemStatus]
    """The hosts; with a filter those of the edges that it finds. They come with the first page only."""
    pending: list[PendingSystem] = field(default_factory=list)
    """Agents that wait for approval; on the first page without a filter, and at most a thousand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncRequest:
    """Run a group now."""

    __pydantic_config__ = STRICT

    targets: list[SystemName] | None = None
    """Only the edges to these systems; all of them where it is not given."""
    check: Annotated[bool, Example(False)] = False
    """True: say what would run, and write nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncAnswer:
    """What runs, or would run."""

    __pydantic_config__ = STRICT

    edges: list[EdgeStatus]
    """The group's edges."""
    jobs: list[str]
    """The ids of the jobs that wait or run for them."""
