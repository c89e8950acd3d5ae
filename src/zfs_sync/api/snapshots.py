# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Reported snapshots, and what datasets have of each other's: by GUID, never by name."""

from dataclasses import dataclass
from typing import Annotated

from zfs_sync.api.annotations import STRICT, Count, Example
from zfs_sync.api.status import Instant, SnapshotName


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A snapshot of a system, as its agent reported it."""

    __pydantic_config__ = STRICT

    system: str
    """The system that has it."""
    dataset: Annotated[str, Example("tank/photos")]
    """The dataset there."""
    guid: str
    """The identity, the same wherever the snapshot was received; a decimal string."""
    createtxg: str
    """The position in the history of that system's pool; a decimal string."""
    name: str
    """The label behind the @ there."""
    created: Instant | None
    """When it was made; null where the platform does not say."""
    seen: Instant
    """When it was first reported."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotPage:
    """A page of snapshots by system and dataset, oldest first in each."""

    __pydantic_config__ = STRICT

    items: list[Snapshot]
    """The snapshots."""
    next: str | None
    """Give it as `after` for the next page; null on the last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lacking:
    """What one member has and another lacks."""

    __pydantic_config__ = STRICT

    system: str
    """The system that has them."""
    dataset: str
    """The dataset there."""
    common: SnapshotName | None
    """The newest snapshot that both have, the incremental base; null where they share none."""
    count: Count
    """How many snapshots are lacked."""
    gaps: Count
    """How many of them are older than that common one: no later sync brings these."""
    snapshots: list[SnapshotName]
    """The lacked ones in the order of the history of the system that has them, as many as `limit` allows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedMember:
    """One dataset of a comparison."""

    __pydantic_config__ = STRICT

    system: str
    """The system."""
    dataset: str
    """The dataset there."""
    reported: bool
    """Whether the system has reported this dataset."""
    count: Count
    """How many snapshots it has."""
    oldest: SnapshotName | None
    """Its oldest snapshot."""
    head: SnapshotName | None
    """Its newest snapshot."""
    lacks: list[Lacking]
    """What it lacks of each other member that has something more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The same dataset on several systems, compared by GUID."""

    __pydantic_config__ = STRICT

    identical: bool
    """Whether all of them are reported and have exactly the same snapshots."""
    members: list[ComparedMember]
    """The datasets, in the order in which they were asked for; a group's by system and dataset."""
