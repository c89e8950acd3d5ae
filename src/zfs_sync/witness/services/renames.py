# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Datasets of an edge that are gone from their place, and reported at another one of the same host."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqlalchemy import Connection, Row, or_, select

from zfs_sync.core.edges import Edge
from zfs_sync.core.names import join
from zfs_sync.core.ownership import Ownership
from zfs_sync.core.planner import Outcome, Verdict
from zfs_sync.core.renames import RENAMED, Rename, source_renamed, target_renamed
from zfs_sync.witness.db.observed import datasets
from zfs_sync.witness.db.work import edges, plan_rows
from zfs_sync.witness.services.verdicts import Ends

HELD_BACK = (Outcome.INITIAL, Outcome.BLOCKED_BY_PARENT)
"""What would be received anew if it were not known to be there already."""


def unsettled(connection: Connection, system: str) -> dict[str, set[str]]:
    """By edge, the datasets of a system that were renamed or lost: they may turn up at any path."""
    lost = (plan_rows.c.outcome == Outcome.UNREPORTED) & plan_rows.c.source_guid.is_not(None)
    statement = (
        select(plan_rows.c.edge, plan_rows.c.relative)
        .join(edges, edges.c.id == plan_rows.c.edge)
        .where(or_(edges.c.from_system == system, edges.c.to_system == system))
        .where(or_(plan_rows.c.outcome.in_(sorted(RENAMED)), lost))
    )
    found: dict[str, set[str]] = {}
    for row in connection.execute(statement):
        found.setdefault(row.edge, set()).add(row.relative)
    return found


def held_back(old: Mapping[str, Row[Any]]) -> set[str]:
    """The datasets that have to be judged with every change: each rename concerns two paths."""
    return {name for name, row in old.items() if row.outcome in RENAMED}


@dataclass
class Renames:
    """What is known of the renames of one edge."""

    connection: Connection
    edge: Edge
    ends: Ends
    old: Mapping[str, Row[Any]]
    ownership: Ownership

    def refined(self, name: str, verdict: Verdict | None) -> Verdict | None:
        """The verdict on a dataset, unless it, or what it was received from, is elsewhere now."""
        if name not in self.ends.sources and self.ends.source_reported:
            return self._gone(name) or verdict
        if verdict is None or verdict.outcome not in HELD_BACK:
            return verdict
        return self._arrived(name) or self._moved(name) or verdict

    def _gone(self, name: str) -> Verdict | None:
        """A source that is elsewhere; below the root only while there is a copy that somebody has to decide about."""
        rename = self._lost_sources.get(name)
        if rename is None or (name and not self._ours(name)):
            return None
        return source_renamed(rename, rename.whole(self._exists(self.edge.from_system)))

    def _arrived(self, name: str) -> Verdict | None:
        """A source that was at another path of the tree, whose copy is at that path still."""
        guid = self.ends.sources[name].guid
        was = next(
            (each for each, rename in self._lost_sources.items() if rename.guid == guid and self._ours(each)), None
        )
        return None if was is None else self._gone(was)

    def _moved(self, name: str) -> Verdict | None:
        """A target that is elsewhere on its host, and is ours still."""
        known = self.old[name].target_guid if name in self.old else None
        if known is None:
            return None
        was = join(self.edge.to_root, name)
        found = self._places(self.edge.to_system, [known]).get(known)
        if found is None or found.path == was or not self.ownership.admits(self.edge.group, found.marker):
            return None
        rename = Rename(known, was, found.path)
        return target_renamed(rename, rename.whole(self._exists(self.edge.to_system)))

    def _ours(self, name: str) -> bool:
        target = self.ends.targets.get(name)
        return target is not None and self.ownership.admits(self.edge.group, target.marker)

    @cached_property
    def _lost_sources(self) -> Mapping[str, Rename]:
        """Sources that are gone from their paths below the root, and where they are."""
        lost = {
            name: row.source_guid
            for name, row in self.old.items()
            if row.source_guid is not None and name not in self.ends.sources
        }
        places = self._places(self.edge.from_system, lost.values()) if lost else {}
        return {
            name: Rename(guid, join(self.edge.from_root, name), places[guid].path)
            for name, guid in lost.items()
            if guid in places and places[guid].path != join(self.edge.from_root, name)
        }

    def _places(self, system: str, guids: Iterable[int]) -> Mapping[int, Row[Any]]:
        own = select(datasets.c.guid, datasets.c.path, datasets.c.marker).where(datasets.c.system == system)
        rows: list[Row[Any]] = list(self.connection.execute(own.where(datasets.c.guid.in_(list(guids)))))
        return {row.guid: row for row in rows}

    def _exists(self, system: str) -> "_Exists":
        return _Exists(self.connection, system)


@dataclass(frozen=True, slots=True)
class _Exists:
    """Whether a system has reported a path."""

    connection: Connection
    system: str

    def __call__(self, path: str) -> bool:
        statement = select(datasets.c.id).where(datasets.c.system == self.system, datasets.c.path == path)
        return self.connection.execute(statement).scalar() is not None
