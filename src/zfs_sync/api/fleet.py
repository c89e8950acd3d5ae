# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The fleet document: which dataset lives on which hosts, and how it is kept in sync.

A field that is absent is not managed and ``null`` puts it back to its default. Absent and null look the same
in a dataclass, so presence is taken from the raw mapping; these classes hold the shape, and the schema comes from them.
"""

from dataclasses import dataclass, field
from typing import Annotated, Literal

from annotated_types import Ge, Le, Len

from zfs_sync.api.annotations import (
    STRICT,
    Checked,
    DatasetPath,
    DatasetPattern,
    Duration,
    Example,
    GroupName,
    Host,
    Interval,
    JumpHost,
    LabelPattern,
    Port,
    PropertyName,
    PropertyValue,
    SystemName,
    Text,
    User,
)
from zfs_sync.core.properties import check_properties


def check_owner(text: str) -> str:
    """Accept ``<tool>/<name>``, printable and at most 128 characters."""
    tool, slash, name = text.partition("/")
    if not (tool and slash and name and len(text) <= 128 and text.isprintable() and " " not in text):
        raise ValueError(f"{ascii(text)[:80]} is not an owner: write <tool>/<name>, such as gitops/berlin")
    return text


Platform = Literal["linux", "freebsd", "illumos", "macos"]
Owner = Annotated[str, Checked(check_owner, "gitops/berlin")]
PropertySetting = PropertyValue | Annotated[bool, Example(True)]
LabelKey = Annotated[str, Len(1, 63), Example("site")]
LabelValue = Annotated[str, Len(0, 255), Example("berlin")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ssh:
    """How peers reach a system."""

    __pydantic_config__ = STRICT

    host: Host | None = None
    """Host name or address; the system's name where it is not given."""
    user: User | None = None
    """The login that peers use; zfs-sync where it is not given."""
    port: Port | None = None
    """The port of sshd; 22 where it is not given."""
    jump: JumpHost | None = None
    """A host on the way there, `user@host:port`, as ssh's ProxyJump; none where it is not given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitsSpec:
    """What must not be exceeded. On an edge the least of both systems', the group's and the members' limits holds."""

    __pydantic_config__ = STRICT

    jobs: Annotated[int, Ge(1), Le(1_000), Example(4)] | None = None
    """How many jobs may run at once; a job counts where it sends and where it receives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemSpec:
    """What is declared of one ZFS host."""

    __pydantic_config__ = STRICT

    description: Text | None = None
    """A note for people."""
    platform: Annotated[Platform, Example("linux")] | None = None
    """The operating system. Agents report the truth; a contradiction is a warning."""
    ssh: Ssh | None = None
    """How peers reach this host. One value: declared means exactly that."""
    labels: Annotated[dict[LabelKey, LabelValue], Example({"site": "berlin"})] | None = None
    """Free labels for people and tools. One value: declared means exactly that."""
    limits: LimitsSpec | None = None
    """Over all groups. One value: declared means exactly that. Default the witness's jobs_per_system."""
    maintenance: Annotated[bool, Example(False)] | None = None
    """True: reports go on, and no new job starts here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberSpec:
    """One dataset of one system in a sync group."""

    __pydantic_config__ = STRICT

    system: SystemName
    """The system that holds the dataset."""
    dataset: DatasetPath
    """The root dataset on that system; pools may differ from host to host."""
    role: Annotated[Literal["source", "target", "peer"], Example("target")]
    """source: it is written here. target: it is received here. peer: both, one writer at a time."""
    from_: Annotated[str, Len(1, 320), Example("nas2")] | None = None
    """The member that feeds this target: system, or system:dataset where that is ambiguous. Default the source."""
    limits: LimitsSpec | None = None
    """For what is sent from here and received here. Default none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotsSpec:
    """Which snapshots are replicated, by patterns on what stands behind the @ of their names."""

    __pydantic_config__ = STRICT

    include: Annotated[list[LabelPattern], Len(1, 1_000), Example(["autosnap_*"])] | None = None
    """Patterns of snapshots that are replicated, with * ? [abc]. Default all."""
    exclude: Annotated[list[LabelPattern], Len(0, 1_000), Example(["scratch-*"])] | None = None
    """Patterns of snapshots that are not replicated all the same. Default none."""
    intermediate: Annotated[bool, Example(True)] | None = None
    """True: all of these snapshots travel. False: only the newest of them. Default true."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PropertiesSpec:
    """Properties of targets."""

    __pydantic_config__ = STRICT

    set: (
        Annotated[
            dict[PropertyName, PropertySetting], Checked(check_properties, {"readonly": "on", "compression": "lz4"})
        ]
        | None
    ) = None
    """By name, set on each new target when it is first received; targets that are there keep what they have.

    readonly is on and canmount is noauto unless they are named. Default nothing else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncGroupSpec:
    """What is declared of one sync group: its members, what of them is replicated, and when."""

    __pydantic_config__ = STRICT

    description: Text | None = None
    """A note for people."""
    enabled: Annotated[bool, Example(True)] | None = None
    """False: what runs is finished, and nothing new starts. Default true."""
    mode: Annotated[Literal["auto", "manual"], Example("auto")] | None = None
    """auto: a job is queued when a target is behind. manual: only when asked. Default auto."""
    members: (
        Annotated[list[MemberSpec], Example([{"system": "nas1", "dataset": "tank/photos", "role": "source"}])] | None
    ) = None
    """One source and at least one target, or at least two peers. Order does not matter."""
    recursive: Annotated[bool, Example(True)] | None = None
    """Children too, at the same relative paths. Default true."""
    include_root: Annotated[bool, Example(True)] | None = None
    """False: only what lies below the roots is replicated, and a target's root must exist. Default true."""
    exclude: Annotated[list[DatasetPattern], Len(0, 1_000), Example(["**/cache", "tmp/*"])] | None = None
    """Patterns, as in gitignore, of datasets below the roots that are left out with all that lies below them."""
    snapshots: SnapshotsSpec | None = None
    """Which snapshots are replicated. One value: declared means exactly that. Default all."""
    interval: Interval | None = None
    """The least time between two syncs of an edge: continuous (as soon as a snapshot is known) or a duration.

    Default continuous."""
    lag_limit: Duration | None = None
    """A target that lags longer than this is shown as late. It changes no schedule. Default none."""
    direction: Annotated[Literal["pull", "push"], Example("pull")] | None = None
    """Who connects: pull, the target's host asks the source's; push, the source's host hands over. Default pull."""
    priority: Annotated[int, Ge(0), Le(100), Example(50)] | None = None
    """0 to 100; of the jobs that wait for one host, those of the higher go first. Default 50."""
    limits: LimitsSpec | None = None
    """Over all edges of the group. One value: declared means exactly that. Default none."""
    properties: PropertiesSpec | None = None
    """Properties of new targets. One value: declared means exactly that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """Values merged under every entry of the document before it is validated."""

    __pydantic_config__ = STRICT

    system: SystemSpec | None = None
    """Merged under every system."""
    sync_group: SyncGroupSpec | None = None
    """Merged under every sync group."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetDocument:
    """The version-controlled description of a fleet, or of one owner's part of it."""

    __pydantic_config__ = STRICT

    version: Annotated[Literal[1], Example(1)]
    """The version of this contract."""
    owner: Owner | None = None
    """Whose declarations these are, as <tool>/<name>."""
    defaults: Defaults | None = None
    """Values for every entry below that does not say otherwise."""
    systems: Annotated[dict[SystemName, SystemSpec | None], Example({"nas1": {}})] = field(default_factory=dict)
    """The ZFS hosts by name."""
    sync_groups: Annotated[dict[GroupName, SyncGroupSpec | None], Example({"photos": {"members": []}})] = field(
        default_factory=dict
    )
    """The sync groups by name."""
