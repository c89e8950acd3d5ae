# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Listing what was reported, dataset by dataset: the order of snapshots is that of their pool's history.

A page reads the datasets that it needs, by the index on system and path, and the snapshots of each by its key. No index
holds snapshots in their order, for each report would pay for it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, select, true, tuple_

from zfs_sync.witness.clock import instant
from zfs_sync.witness.db.observed import datasets, snapshots

Place = tuple[str, str, int, int]
"""System, dataset, transaction group and GUID of the last snapshot of a page."""
_BATCH = 100


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for; None wherever everything is."""

    system: str | None = None
    dataset: str | None = None
    guid: int | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A snapshot and where it is."""

    system: str
    dataset: str
    row: Row[Any]

    @property
    def place(self) -> Place:
        """What lists are ordered by."""
        return (self.system, self.dataset, self.row.createtxg, self.row.guid)


def page(connection: Connection, search: Search, *, after: Place | None, limit: int) -> list[Found]:
    """At most ``limit`` snapshots behind a place, by system and dataset, oldest first in each."""
    found: list[Found] = []
    for holder in _datasets(connection, search, after):
        rows = connection.execute(select(snapshots).where(_mine(holder.id, search)))
        here = sorted((Found(holder.system, holder.path, row) for row in rows), key=lambda each: each.place)
        found += [each for each in here if after is None or each.place > after]
        if len(found) >= limit:
            break
    return found[:limit]


def _mine(dataset: int, search: Search) -> ColumnElement[bool]:
    condition: ColumnElement[bool] = snapshots.c.dataset_id == dataset
    return condition if search.guid is None else condition & (snapshots.c.guid == search.guid)


def _datasets(connection: Connection, search: Search, after: Place | None) -> Iterator[Row[Any]]:
    """The datasets from the place on, in order."""
    condition: ColumnElement[bool] = true()
    if search.system is not None:
        condition &= datasets.c.system == search.system
    if search.dataset is not None:
        condition &= datasets.c.path == search.dataset
    if search.guid is not None:
        condition &= datasets.c.id.in_(select(snapshots.c.dataset_id).where(_held_anywhere(search.guid)))
    key = tuple_(datasets.c.system, datasets.c.path)
    statement = select(datasets).order_by(datasets.c.system, datasets.c.path)
    start = condition if after is None else condition & (key >= tuple_(*after[:2]))
    while rows := connection.execute(statement.where(start).limit(_BATCH)).all():
        yield from rows
        start = condition & (key > tuple_(rows[-1].system, rows[-1].path))


def _held_anywhere(guid: int) -> ColumnElement[bool]:
    """A look-up by key in each dataset, and no scan of all snapshots."""
    return (snapshots.c.dataset_id == datasets.c.id) & (snapshots.c.guid == guid)


def shown(found: Found) -> dict[str, Any]:
    """A snapshot as answers show it."""
    row = found.row
    return {
        "system": found.system,
        "dataset": found.dataset,
        "guid": str(row.guid),
        "createtxg": str(row.createtxg),
        "name": row.name,
        "created": None if row.creation is None else instant(moment(row.creation)),
        "seen": instant(row.seen_at),
    }


def moment(seconds: int) -> datetime:
    """The moment that an agent gave in seconds since 1970; the last one that a calendar has for what lies beyond."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return datetime.max.replace(tzinfo=UTC)
