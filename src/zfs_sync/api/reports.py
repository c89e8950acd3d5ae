# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""What an agent tells the witness about its host: reports, heartbeats, enrolment."""

from dataclasses import dataclass, field
from typing import Annotated, Literal

from annotated_types import Ge, Le, Len

from zfs_sync.api.annotations import (
    STRICT,
    Count,
    DatasetPath,
    Example,
    GroupName,
    Identifier,
    SnapshotLabel,
    SystemName,
    U64Text,
)
from zfs_sync.api.protocol import Since

AgentVersion = Annotated[str, Len(1, 64), Example("0.1.0")]
Protocol = Annotated[int, Ge(1), Example(1)]
Flags = Annotated[list[Annotated[str, Len(1, 16)]], Len(0, 64), Example(["u", "s"])]
ShortText = Annotated[str, Len(0, 255), Example("Linux")]
NO_AGENT = "no-agent"
"""The installation that speaks for a system without an agent, whose snapshots somebody else reports."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What ZFS on a host can do, found by probing."""

    __pydantic_config__ = STRICT

    zfs_version: ShortText | None = None
    """What zfs says of its version; null where it does not say."""
    send: Flags = field(default_factory=list)
    """The flags of zfs send that work."""
    receive: Flags = field(default_factory=list)
    """The flags of zfs receive that work."""
    parsable_list: bool = False
    """Whether zfs list -p works."""
    bookmarks: bool = False
    """Whether bookmarks can be made."""
    holds: bool = False
    """Whether snapshots can be held."""
    resume: bool = False
    """Whether an interrupted receive can be resumed."""
    delegation: bool = False
    """Whether zfs allow works."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowedSubtree:
    """A rule of the host's own allow-list."""

    __pydantic_config__ = STRICT

    dataset: DatasetPath
    """The top of the subtree."""
    operations: Annotated[list[Annotated[str, Len(1, 32)]], Len(0, 16), Example(["send"])]
    """What replication may do there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostReport:
    """The host itself."""

    __pydantic_config__ = STRICT

    platform: Annotated[Literal["linux", "freebsd", "illumos", "macos"], Example("linux")]
    """The operating system."""
    hostname: ShortText
    """The host's own name."""
    capabilities: Capabilities = field(default_factory=Capabilities)
    """What its ZFS can do."""
    allow: Annotated[list[AllowedSubtree], Len(0, 1_000)] | None = None
    """The host's allow-list, so that no job is queued that it would refuse; null where the agent does not tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolReport:
    """One pool."""

    __pydantic_config__ = STRICT

    name: DatasetPath
    """The pool's name."""
    guid: U64Text
    """The pool's GUID."""
    health: ShortText | None = None
    """What zpool says of its health."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotReport:
    """One snapshot."""

    __pydantic_config__ = STRICT

    guid: U64Text
    """The identity, which send and receive keep."""
    createtxg: U64Text
    """The position in the pool's history."""
    name: SnapshotLabel
    """The label behind the @."""
    creation: Annotated[int, Ge(0), Le(253_402_300_799), Example(1_793_500_000)] | None = None
    """When it was made, in seconds since 1970 (UTC)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetReport:
    """One dataset; in a delta only what changed of its snapshots."""

    __pydantic_config__ = STRICT

    path: DatasetPath
    """The dataset's path, pool first."""
    guid: U64Text
    """The dataset's own GUID, by which a rename is noticed."""
    type: Annotated[Literal["filesystem", "volume"], Example("filesystem")]
    """What it is."""
    used: Count | None = None
    """Bytes used with everything below."""
    referenced: Count | None = None
    """Bytes that the dataset itself refers to."""
    written: Count | None = None
    """Bytes written since the newest snapshot; null where the platform does not tell."""
    encryption_root: DatasetPath | None = None
    """Where its encryption key belongs to; null for a dataset that is not encrypted."""
    marker: GroupName | None = None
    """The sync group that the local property zfs-sync:group names; null where it is not set locally."""
    add: list[SnapshotReport] = field(default_factory=list)
    """Snapshots: all of them in a full report, the new ones in a delta."""
    remove: list[U64Text] = field(default_factory=list)
    """GUIDs of snapshots that are gone; empty in a full report."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One chunk of a report. A full one becomes current with its last chunk, so a reader never sees half."""

    __pydantic_config__ = STRICT

    protocol: Protocol
    """The protocol that the agent speaks."""
    installation: Identifier
    """The installation that enrolled."""
    generation: Identifier
    """The name of the state that this report leads to; the agent chooses it."""
    base_generation: Identifier | None = None
    """The state that a delta builds on; null in a full report."""
    kind: Annotated[Literal["full", "delta"], Example("full")]
    """full: everything that the host has. delta: what changed since base_generation."""
    seq: Count
    """The chunk's number, from 0."""
    last: bool
    """Whether this is the last chunk."""
    agent_version: AgentVersion
    """The agent's version."""
    host: HostReport
    """The host that reports."""
    pools: list[PoolReport] = field(default_factory=list)
    """The pools."""
    datasets: list[DatasetReport] = field(default_factory=list)
    """The datasets of this chunk. The same path in a later chunk adds to it."""
    gone: list[DatasetPath] = field(default_factory=list)
    """Datasets that are no more; empty in a full report."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportAnswer:
    """What the witness holds now."""

    __pydantic_config__ = STRICT

    generation: Identifier | None
    """The current generation of this system."""
    accepted: bool
    """Whether the chunk was taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldSnapshot:
    """A snapshot that the witness holds."""

    __pydantic_config__ = STRICT

    guid: U64Text
    """The identity."""
    name: SnapshotLabel
    """The label behind the @."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldDataset:
    """A dataset that the witness holds, with what its snapshots are known by."""

    __pydantic_config__ = STRICT

    path: DatasetPath
    """The dataset's path, pool first."""
    guid: U64Text
    """The dataset's own GUID."""
    type: Annotated[Literal["filesystem", "volume"], Example("filesystem")]
    """What it is."""
    snapshots: list[HeldSnapshot] = field(default_factory=list)
    """Its snapshots, the oldest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldReport:
    """A page of what the witness holds of a system, by path."""

    __pydantic_config__ = STRICT

    generation: Identifier | None
    """The current generation; null before the first full report."""
    installation: Identifier | None
    """Who reported it; null where nobody has."""
    items: list[HeldDataset]
    """The datasets."""
    next: str | None
    """Give it as `after` for the next page; null on the last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What keeps an agent from reporting."""

    __pydantic_config__ = STRICT

    code: Annotated[str, Len(1, 64), Example("E_REPORT_TOO_LARGE")]
    """A code of the catalogue."""
    message: Annotated[str, Len(0, 1_000), Example("The host reports 300000 snapshots; at most 200000 are taken.")]
    """What happened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """A sign of life of a host on which nothing changed."""

    __pydantic_config__ = STRICT

    protocol: Protocol
    """The protocol that the agent speaks."""
    installation: Identifier
    """The installation that enrolled."""
    generation: Identifier | None = None
    """The generation that the agent takes for current; null before its first report."""
    agent_version: AgentVersion
    """The agent's version."""
    running: Annotated[list[Identifier], Len(0, 1_000)] = field(default_factory=list)
    """The jobs whose pipelines this agent runs now."""
    trouble: Trouble | None = None
    """Why its last report did not come; null where nothing is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeartbeatAnswer:
    """What the agent should do next."""

    __pydantic_config__ = STRICT

    report: Annotated[Literal["ok", "send_full"], Example("ok")]
    """send_full: the witness does not hold this generation."""
    key: Annotated[Literal["ok", "renew"], Since(2, dispensable=True), Example("ok")] = "ok"
    """renew: somebody asked that the agent makes itself a new key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Succession:
    """An agent's new key, as a hash. It comes with the old key, which goes on for an overlap."""

    __pydantic_config__ = STRICT

    installation: Identifier
    """This installation's id."""
    token_lookup: Annotated[str, Len(8, 8), Example("k3x7a2qz")]
    """The lookup part of the new key."""
    token_sha256: Annotated[
        str, Len(64, 64), Example("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")
    ]
    """The SHA-256 of the new key; the key itself never leaves the host."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SuccessionAnswer:
    """The new key is live."""

    __pydantic_config__ = STRICT

    system: SystemName
    """The system that it speaks for."""
    key: Identifier
    """The new key's id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolment:
    """An agent's first word: the key that it will use from now on, as a hash."""

    __pydantic_config__ = STRICT

    system: SystemName
    """The system that the enrol key is bound to."""
    installation: Identifier
    """This installation's id."""
    token_lookup: Annotated[str, Len(8, 8), Example("k3x7a2qz")]
    """The lookup part of the agent's own key."""
    token_sha256: Annotated[
        str, Len(64, 64), Example("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")
    ]
    """The SHA-256 of the agent's own key; the key itself never leaves the host."""
    agent_version: AgentVersion
    """The agent's version."""
    protocol: Protocol
    """The protocol that the agent speaks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolmentAnswer:
    """The system that the agent speaks for now."""

    __pydantic_config__ = STRICT

    system: SystemName
    """Its name."""
    state: Annotated[Literal["enrolled", "pending"], Since(2, dispensable=True), Example("enrolled")] = "enrolled"
    """pending: nobody has declared or approved the system yet, and nothing is taken from it or given to it."""
