# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The datasets and snapshots of a system as they are stored, and bringing them to what a report says."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, insert, select, update

from zfs_sync.api.reports import DatasetReport
from zfs_sync.witness.db.observed import datasets, snapshots

BATCH = 400
_COLUMNS = {"kind": "type"} | {name: name for name in ("used", "referenced", "encryption_root", "marker")}


@dataclass(frozen=True, slots=True)
class Seen:
    """One snapshot of a report."""

    createtxg: int
    name: str
    creation: int | None


@dataclass(slots=True)
class Incoming:
    """One dataset of a report, all parts together."""

    path: str
    columns: Mapping[str, Any]
    add: dict[int, Seen] = field(default_factory=dict)
    remove: set[int] = field(default_factory=set)

    @classmethod
    def of(cls, report: DatasetReport) -> "Incoming":
        """From one part of the wire."""
        columns = {
            "guid": int(report.guid),
            "kind": report.type,
            "used": report.used,
            "referenced": report.referenced,
            "encryption_root": report.encryption_root,
            "marker": report.marker,
        }
        add = {int(each.guid): Seen(int(each.createtxg), each.name, each.creation) for each in report.add}
        return cls(report.path, columns, add, {int(each) for each in report.remove})

    @classmethod
    def stored(cls, part: Mapping[str, Any]) -> "Incoming":
        """From a part that was checked when it came, and kept until the report was complete."""
        columns = {name: part[key] for name, key in _COLUMNS.items()} | {"guid": int(part["guid"])}
        add = {int(each["guid"]): Seen(int(each["createtxg"]), each["name"], each["creation"]) for each in part["add"]}
        return cls(part["path"], columns, add)


def replace_all(connection: Connection, system: str, incoming: Mapping[str, Incoming], now: datetime) -> set[str]:
    """Make a system's datasets exactly those of a full report; the paths that differ."""
    held = _rows(connection, system)
    gone = held.keys() - incoming.keys()
    for path, one in incoming.items():
        if path in held:
            one.remove = _guids(connection, held[path].id).keys() - one.add.keys()
    return take(connection, system, incoming, gone, now)


def take(
    connection: Connection, system: str, incoming: Mapping[str, Incoming], gone: Iterable[str], now: datetime
) -> set[str]:
    """Add, change and remove what is said; the paths that differ in what the planner looks at."""
    held = _rows(connection, system)
    changed = {path for path in gone if path in held}
    recreated = {path for path, one in incoming.items() if path in held and held[path].guid != one.columns["guid"]}
    _remove(connection, [held[path].id for path in changed | recreated])
    changed |= recreated
    for path, one in incoming.items():
        row = held.get(path) if path not in recreated else None
        if row is None:
            connection.execute(insert(datasets), {"system": system, "path": path, **one.columns})
            row = _row(connection, system, path)
            changed.add(path)
        elif _update(connection, row, one.columns):
            changed.add(path)
        if _take_snapshots(connection, row.id, one, now):
            changed.add(path)
    return changed


def _rows(connection: Connection, system: str) -> dict[str, Row[Any]]:
    return {row.path: row for row in connection.execute(select(datasets).where(datasets.c.system == system))}


def _row(connection: Connection, system: str, path: str) -> Row[Any]:
    return connection.execute(select(datasets).where(datasets.c.system == system, datasets.c.path == path)).one()


def _update(connection: Connection, row: Row[Any], columns: Mapping[str, Any]) -> bool:
    """Store what differs; whether the planner has to look at it."""
    differing = {name: value for name, value in columns.items() if getattr(row, name) != value}
    if differing:
        connection.execute(update(datasets).where(datasets.c.id == row.id).values(differing))
    return bool(differing.keys() - {"used", "referenced"})


def _remove(connection: Connection, ids: list[int]) -> None:
    for start in range(0, len(ids), BATCH):
        connection.execute(delete(datasets).where(datasets.c.id.in_(ids[start : start + BATCH])))


def _guids(connection: Connection, dataset: int) -> dict[int, str]:
    statement = select(snapshots.c.guid, snapshots.c.name).where(snapshots.c.dataset_id == dataset)
    return {row.guid: row.name for row in connection.execute(statement)}


def _take_snapshots(connection: Connection, dataset: int, one: Incoming, now: datetime) -> bool:
    held = _guids(connection, dataset)
    fresh = {guid: seen for guid, seen in one.add.items() if guid not in held}
    if fresh:
        rows = [
            {
                "dataset_id": dataset,
                "guid": guid,
                "createtxg": seen.createtxg,
                "name": seen.name,
                "creation": seen.creation,
                "seen_at": now,
            }
            for guid, seen in fresh.items()
        ]
        connection.execute(insert(snapshots), rows)
    renamed = [
        {"key": guid, "label": seen.name} for guid, seen in one.add.items() if guid in held and held[guid] != seen.name
    ]
    mine = snapshots.c.dataset_id == dataset
    if renamed:
        same = mine & (snapshots.c.guid == bindparam("key"))
        connection.execute(update(snapshots).where(same).values(name=bindparam("label")), renamed)
    gone = [{"key": guid} for guid in one.remove if guid in held]
    if gone:
        connection.execute(delete(snapshots).where(mine & (snapshots.c.guid == bindparam("key"))), gone)
    return bool(fresh or renamed or gone)
