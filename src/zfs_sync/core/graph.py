# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The snapshots of one dataset as the planner sees them.

A snapshot is its GUID: send and receive keep it. Order is ``createtxg``, which is comparable within one pool only, so
two datasets are compared by GUID and never by name or clock.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One snapshot: identity, position in its pool's history, and the label behind the ``@``."""

    guid: int
    createtxg: int
    name: str


@dataclass(frozen=True, slots=True)
class DatasetView:
    """One dataset as reported or listed: its identity, its snapshots in order, and whose target it is."""

    path: str
    guid: int
    snapshots: tuple[Snapshot, ...] = ()
    marker: str | None = None
    """The sync group named by the local user property ``zfs-sync:group``; None where it is not set locally."""
    encrypted: bool = False
    written: int | None = None
    """Bytes written since the newest snapshot; None where the platform does not tell."""
    _guids: frozenset[int] = field(init=False, repr=False, compare=False, default=frozenset())

    def __post_init__(self) -> None:
        """Bring the snapshots into the order of the pool's history."""
        object.__setattr__(self, "snapshots", tuple(sorted(self.snapshots, key=lambda each: each.createtxg)))
        object.__setattr__(self, "_guids", frozenset(each.guid for each in self.snapshots))

    @property
    def head(self) -> Snapshot | None:
        """The newest snapshot."""
        return self.snapshots[-1] if self.snapshots else None

    @property
    def oldest(self) -> Snapshot | None:
        """The oldest snapshot."""
        return self.snapshots[0] if self.snapshots else None

    def has(self, guid: int) -> bool:
        """Whether the snapshot with this GUID is here."""
        return guid in self._guids

    def find(self, guid: int) -> Snapshot | None:
        """The snapshot with this GUID."""
        return next((each for each in self.snapshots if each.guid == guid), None)

    def after(self, guid: int) -> tuple[Snapshot, ...]:
        """The snapshots newer than the one with this GUID; all of them when it is not here."""
        found = self.find(guid)
        if found is None:
            return self.snapshots
        return tuple(each for each in self.snapshots if each.createtxg > found.createtxg)


def newest_common(source: DatasetView, target: DatasetView) -> Snapshot | None:
    """The newest snapshot of ``source`` that ``target`` has too: the incremental base."""
    return next((each for each in reversed(source.snapshots) if target.has(each.guid)), None)
