# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""What the witness tells an agent, and what passes between them about one job."""

from dataclasses import dataclass, field
from typing import Annotated, Literal

from annotated_types import Ge, Len

from zfs_sync.api.annotations import (
    STRICT,
    Count,
    DatasetPath,
    DatasetPattern,
    Example,
    GroupName,
    Host,
    Identifier,
    JumpHost,
    LabelPattern,
    Port,
    PropertyName,
    PropertyValue,
    RelativePath,
    SystemName,
    U64Text,
    User,
)
from zfs_sync.api.protocol import Since
from zfs_sync.core.properties import DEFAULTS
from zfs_sync.core.selection import Selection

EdgeId = Annotated[str, Len(1, 400), Example("photos:nas2:backup/photos")]
Seconds = Annotated[int, Ge(1), Example(30)]
Message = Annotated[str, Len(0, 4_000), Example("receiving")]
JobState = Literal["queued", "running", "lost", "succeeded", "failed", "cancelled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """The other host of an edge, and how ssh reaches it."""

    __pydantic_config__ = STRICT

    system: SystemName
    """Its name."""
    host: Host
    """Host name or address."""
    user: User
    """The login."""
    port: Port
    """The port of sshd."""
    jump: Annotated[JumpHost | None, Since(2)] = None
    """A host on the way there, user@host:port."""
    formerly: Annotated[list[SystemName], Since(2, dispensable=True)] = field(default_factory=list)
    """Names that it had, under which it may still be trusted here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeSelection:
    """Which datasets and snapshots an edge carries. Both ends hold every job and request against it."""

    __pydantic_config__ = STRICT

    exclude: list[DatasetPattern] = field(default_factory=list)
    """Patterns on paths below the roots: what one matches is not carried, nor what lies below it."""
    include_root: Annotated[bool, Example(True)] = True
    """Whether the roots themselves are carried."""
    snapshots_include: list[LabelPattern] = field(default_factory=lambda: ["*"])
    """Patterns on the labels of snapshots that are carried."""
    snapshots_exclude: list[LabelPattern] = field(default_factory=list)
    """Patterns on the labels of snapshots that are not carried all the same."""
    intermediate: Annotated[bool, Example(True)] = True
    """Whether all of these snapshots are carried, and not only the newest."""

    @property
    def rule(self) -> Selection:
        """As the planner and the engine apply it."""
        return Selection(
            tuple(self.exclude),
            self.include_root,
            tuple(self.snapshots_include),
            tuple(self.snapshots_exclude),
            self.intermediate,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkEdge:
    """An edge in force that touches this host. The host's gate checks every request of a peer against it."""

    __pydantic_config__ = STRICT

    id: EdgeId
    """<group>:<to_system>:<to_root>."""
    group: GroupName
    """The sync group."""
    role: Annotated[Literal["from", "to", "local"], Example("to")]
    """Which end this host is."""
    from_system: SystemName
    """The feeding system."""
    from_root: DatasetPath
    """Its root dataset."""
    to_system: SystemName
    """The fed system."""
    to_root: DatasetPath
    """Its root dataset."""
    recursive: bool
    """Whether children belong to it."""
    selection: Annotated[EdgeSelection, Since(2)] = field(default_factory=EdgeSelection)
    """What of it is carried."""
    properties: Annotated[dict[PropertyName, PropertyValue], Since(2), Example(dict(DEFAULTS))] = field(
        default_factory=lambda: dict(DEFAULTS)
    )
    """What is set on a new target when it is first received."""
    peer: Peer | None = None
    """The other host; null for a local pair."""
    direction: Annotated[Literal["pull", "push"], Since(2), Example("pull")] = "pull"
    """Whose agent runs the jobs and connects: pull the target's, push the source's."""
    peers: Annotated[bool, Since(2), Example(False)] = False
    """Whether both ends are peers: the target needs no mark, and nobody's readonly is touched."""
    takeover: Annotated[bool, Since(2), Example(False)] = False
    """Whether the target was the group's source before: it is taken over while it is strictly behind."""
    formerly: Annotated[list[GroupName], Since(2, dispensable=True)] = field(default_factory=list)
    """Names that the group had: targets may carry one of them as their mark."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingJob:
    """A job that this host may claim, or that it holds or held."""

    __pydantic_config__ = STRICT

    id: Identifier
    """The job's id."""
    edge: EdgeId
    """Its edge."""
    relative: RelativePath
    """The dataset below the edge's roots; empty for the root itself."""
    state: Annotated[JobState, Example("queued")]
    """queued, or running and lost for those that this host holds or held."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How often the agent speaks."""

    __pydantic_config__ = STRICT

    heartbeat_seconds: Seconds
    """The longest silence."""
    lease_seconds: Seconds
    """How long a claim lasts without progress."""
    progress_seconds: Seconds
    """How often progress is reported."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """The whole of what one host needs to know."""

    __pydantic_config__ = STRICT

    system: SystemName
    """The host."""
    settings: Settings
    """How often it speaks."""
    edges: list[WorkEdge] = field(default_factory=list)
    """The edges in force that touch it, in both roles."""
    jobs: list[WaitingJob] = field(default_factory=list)
    """Its jobs, most urgent first."""
    formerly: Annotated[list[SystemName], Since(2, dispensable=True)] = field(default_factory=list)
    """Names that the host had, by which its agent may still call itself."""
    withheld: Annotated[list[EdgeId], Since(2, dispensable=True)] = field(default_factory=list)
    """Edges that touch it and rest: nothing may be served or received along them, and what they hold stays held."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimRequest:
    """An agent takes a job."""

    __pydantic_config__ = STRICT

    installation: Identifier
    """The installation that asks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobStep:
    """One stream to receive, by GUID."""

    __pydantic_config__ = STRICT

    op: Annotated[Literal["receive"], Example("receive")]
    """What to do."""
    base_guid: U64Text | None = None
    """The snapshot that both sides have; null for a full stream."""
    to_guid: U64Text
    """The snapshot that the target's head is afterwards. With a base, everything between comes too."""
    alone: Annotated[bool, Since(2), Example(False)] = False
    """True: nothing between the two comes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A job given out under a lease."""

    __pydantic_config__ = STRICT

    id: Identifier
    """The job."""
    epoch: Count
    """The fencing token: progress and finish carry it."""
    lease_seconds: Seconds
    """How long it lasts without progress."""
    edge: WorkEdge
    """The edge as it is now."""
    relative: RelativePath
    """The dataset below the edge's roots."""
    steps: list[JobStep]
    """The streams, in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a running job is."""

    __pydantic_config__ = STRICT

    epoch: Count
    """The claim's fencing token."""
    step: Count = 0
    """The step that runs, from 0."""
    bytes_done: Count = 0
    """Bytes of all steps that went through the pipeline."""
    bytes_total: Count | None = None
    """The estimate of all steps; null where nothing is known."""
    bytes_per_second: Count = 0
    """The rate of the last seconds."""
    message: Message = ""
    """What is being done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgressAnswer:
    """The lease is renewed."""

    __pydantic_config__ = STRICT

    cancel: bool
    """True: end the pipeline, and finish as cancelled."""
    lease_seconds: Seconds
    """How long the lease lasts from now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobError:
    """Why a job failed, as every front end shows it."""

    __pydantic_config__ = STRICT

    code: Annotated[str, Len(1, 64), Example("E_TARGET_MODIFIED")]
    """A code of the catalogue."""
    message: Message
    """What happened to which object."""
    hint: Message
    """What to do about it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish:
    """A job ended. The same one sent again is answered the same."""

    __pydantic_config__ = STRICT

    epoch: Count
    """The claim's fencing token."""
    result: Annotated[Literal["succeeded", "failed", "cancelled"], Example("succeeded")]
    """How it ended."""
    moved_snapshots: Count = 0
    """Snapshots that the target has now and had not before."""
    moved_bytes: Count = 0
    """Bytes of the streams."""
    target_head_guid: U64Text | None = None
    """The target's newest snapshot, read again after the receive."""
    error: JobError | None = None
    """Why it failed; null otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishAnswer:
    """The job as it stands."""

    __pydantic_config__ = STRICT

    state: Annotated[JobState, Example("succeeded")]
    """Its state."""
