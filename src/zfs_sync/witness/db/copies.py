# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Copies of a SQLite database: made while it is in use, and checked to be whole."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from zfs_sync.core.errors import ZfsSyncError

BUSY_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Contents:
    """What a database holds."""

    revision: str | None
    counts: dict[str, int]


def copy(source: Path, target: Path) -> None:
    """Copy a database that may be in use into ``target``, one file that needs no log beside it.

    SQLite's own backup reads one state of the database; nobody who writes waits for it. Raises E_DATABASE_UNAVAILABLE.
    """
    try:
        with closing(_opened(source, "ro")) as reading, closing(sqlite3.connect(target)) as writing:
            reading.backup(writing)
            writing.execute("PRAGMA journal_mode = DELETE").fetchone()
    except sqlite3.Error as error:
        raise ZfsSyncError("E_DATABASE_UNAVAILABLE", f"The database {source} cannot be copied: {error}.") from error


def inspect(path: Path) -> Contents:
    """What a database holds, once it was checked to be whole. Raises sqlite3.Error for one that is not."""
    with closing(_opened(path, "ro")) as connection:
        for check in ("integrity_check", "foreign_key_check"):
            faults = [row for row in connection.execute(f"PRAGMA {check}") if row != ("ok",)]
            if faults:
                raise sqlite3.DatabaseError(f"{check}: {faults[0][0]}")
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        own = sorted(name for name in names if not name.startswith("sqlite_") and name != "alembic_version")
        counts = {name: _count(connection, name) for name in own}
        found = connection.execute("SELECT version_num FROM alembic_version") if "alembic_version" in names else None
        row = None if found is None else found.fetchone()
        return Contents(None if row is None else str(row[0]), counts)


def _opened(path: Path, mode: str) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{quote(str(path))}?mode={mode}", uri=True, timeout=BUSY_SECONDS)


def _count(connection: sqlite3.Connection, table: str) -> int:
    quoted = table.replace('"', '""')
    return int(connection.execute(f'SELECT count(*) FROM "{quoted}"').fetchone()[0])  # noqa: S608
