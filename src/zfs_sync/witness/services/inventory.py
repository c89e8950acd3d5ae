# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The datasets and snapshots of a system as they are stored, and bringing them to what a report says.

A report may have a hundred thousand snapshots: they are held and compared in the form in which the database has them,
and written many at once, a number of datasets at a time.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Connection, Row, bindparam, delete, insert, select, type_coerce, update

from zfs_sync.api.reports import DatasetReport
from zfs_sync.witness.db.bulk import insert_rows
from zfs_sync.witness.db.observed import datasets, snapshots
from zfs_sync.witness.db.types import stored_time, stored_u64

BATCH = 400
_GUID = type_coerce(snapshots.c.guid, BigInteger)
_COLUMNS = ("guid", "kind", "used", "referenced", "written", "encryption_root", "marker")
_NAME = 1


Seen = tuple[int, str, int | None]
"""One snapshot of a report as it is stored: createtxg, name, creation."""


@dataclass(slots=True)
class Incoming:
    """One dataset of a report, all parts together. Its snapshots go by their stored GUIDs."""

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
            "written": report.written,
            "encryption_root": report.encryption_root,
            "marker": report.marker,
        }
        add = {_stored(each.guid): (_stored(each.createtxg), each.name, each.creation) for each in report.add}
        return cls(report.path, columns, add, set(map(_stored, report.remove)))

    def staged(self) -> dict[str, Any]:
        """As JSON keeps it until the report is complete. Columns of numbers and names: the fewest objects to read."""
        values = zip(*self.add.values(), strict=True) if self.add else ((), (), ())
        createtxg, name, creation = values
        snapshots = {"guid": list(self.add), "createtxg": createtxg, "name": name, "creation": creation}
        return {"path": self.path, "columns": self.columns, "snapshots": snapshots}

    @classmethod
    def unstaged(cls, part: Mapping[str, Any]) -> "Incoming":
        """From what ``staged`` gave."""
        its = part["snapshots"]
        values = zip(its["createtxg"], its["name"], its["creation"], strict=True)
        return cls(part["path"], part["columns"], dict(zip(its["guid"], values, strict=True)))


def _stored(text: str) -> int:
    return stored_u64(int(text))


def replace_all(connection: Connection, system: str, incoming: Mapping[str, Incoming], now: datetime) -> set[str]:
    """Make a system's datasets exactly those of a full report; the paths that differ."""
    held = _rows(connection, system)
    changed = _bring_datasets(connection, system, held, incoming, held.keys() - incoming.keys())
    return changed | _bring_snapshots(connection, system, incoming, now, whole=True)


def take(
    connection: Connection, system: str, incoming: Mapping[str, Incoming], gone: Iterable[str], now: datetime
) -> set[str]:
    """Add, change and remove what is said; the paths that differ in what the planner looks at."""
    changed = _bring_datasets(connection, system, _rows(connection, system), incoming, gone)
    return changed | _bring_snapshots(connection, system, incoming, now, whole=False)


def _rows(connection: Connection, system: str) -> dict[str, Row[Any]]:
    return {row.path: row for row in connection.execute(select(datasets).where(datasets.c.system == system))}


def _bring_datasets(
    connection: Connection,
    system: str,
    held: Mapping[str, Row[Any]],
    incoming: Mapping[str, Incoming],
    gone: Iterable[str],
) -> set[str]:
    changed = {path for path in gone if path in held}
    changed |= {path for path, one in incoming.items() if path in held and held[path].guid != one.columns["guid"]}
    _remove(connection, [held[path].id for path in changed])
    new = [path for path in incoming if path not in held or path in changed]
    if new:
        connection.execute(
            insert(datasets), [{"system": system, "path": path, **incoming[path].columns} for path in new]
        )
    kept = [(held[path], one.columns) for path, one in incoming.items() if path in held and path not in changed]
    return changed | set(new) | _update(connection, kept)


def _update(connection: Connection, kept: Iterable[tuple[Row[Any], Mapping[str, Any]]]) -> set[str]:
    """Store what differs; the paths that the planner has to look at."""
    values: list[dict[str, Any]] = []
    changed = set()
    for row, columns in kept:
        differing = {name for name, value in columns.items() if getattr(row, name) != value}
        if differing:
            values.append({f"new_{name}": value for name, value in columns.items()} | {"key": row.id})
        if differing - {"used", "referenced", "written"} or bool(columns["written"]) != bool(row.written):
            changed.add(row.path)
    if values:
        new: dict[str, Any] = {name: bindparam(f"new_{name}") for name in _COLUMNS}
        connection.execute(update(datasets).where(datasets.c.id == bindparam("key")).values(new), values)
    return changed


def _remove(connection: Connection, ids: list[int]) -> None:
    for start in range(0, len(ids), BATCH):
        connection.execute(delete(datasets).where(datasets.c.id.in_(ids[start : start + BATCH])))


def _bring_snapshots(
    connection: Connection, system: str, incoming: Mapping[str, Incoming], now: datetime, *, whole: bool
) -> set[str]:
    """``whole``: a dataset has no snapshots but those that are said."""
    rows = _rows(connection, system)
    found = [(rows[path].id, one) for path, one in incoming.items()]
    changed: set[str] = set()
    for start in range(0, len(found), BATCH):
        changed |= _bring_batch(connection, dict(found[start : start + BATCH]), now, whole=whole)
    return changed


def _bring_batch(connection: Connection, batch: Mapping[int, Incoming], now: datetime, *, whole: bool) -> set[str]:
    held, seen_at = _held(connection, list(batch)), stored_time(now)
    added: list[tuple[Any, ...]] = []
    renamed: list[dict[str, Any]] = []
    gone: list[dict[str, Any]] = []
    changed = set()
    for dataset, one in batch.items():
        here = held[dataset]
        before = len(added) + len(renamed) + len(gone)
        for guid, seen in one.add.items():
            if guid not in here:
                added.append((dataset, guid, *seen, seen_at))
            elif here[guid] != seen[_NAME]:
                renamed.append({"dataset": dataset, "key": guid, "label": seen[_NAME]})
        left = here.keys() - one.add.keys() if whole else one.remove & here.keys()
        gone += [{"dataset": dataset, "key": guid} for guid in left]
        if len(added) + len(renamed) + len(gone) > before:
            changed.add(one.path)
    insert_rows(connection, snapshots, added)
    _rename(connection, renamed)
    _forget(connection, gone)
    return changed


def _held(connection: Connection, ids: list[int]) -> dict[int, dict[int, str]]:
    """The names of these datasets' snapshots by their stored GUIDs."""
    held: dict[int, dict[int, str]] = {each: {} for each in ids}
    statement = select(snapshots.c.dataset_id, _GUID, snapshots.c.name).where(snapshots.c.dataset_id.in_(ids))
    for dataset, guid, name in connection.execute(statement):
        held[dataset][guid] = name
    return held


_SAME = (snapshots.c.dataset_id == bindparam("dataset")) & (bindparam("key", type_=BigInteger) == _GUID)


def _rename(connection: Connection, renamed: list[dict[str, Any]]) -> None:
    if renamed:
        connection.execute(update(snapshots).where(_SAME).values(name=bindparam("label")), renamed)


def _forget(connection: Connection, gone: list[dict[str, Any]]) -> None:
    if gone:
        connection.execute(delete(snapshots).where(_SAME), gone)
