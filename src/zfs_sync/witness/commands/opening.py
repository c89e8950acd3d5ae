# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Opening the database from the command line, and refusing one that this version does not fit."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.witness.db.database import Database
from zfs_sync.witness.db.schema import HEAD, revision_of


def url_of(path: Path) -> str:
    """The URL of the SQLite database in this file."""
    return f"sqlite:///{path}"


def require_database(path: Path) -> None:
    """Raise E_MIGRATION_NEEDED where no database was made yet."""
    if not path.exists():
        raise ZfsSyncError("E_MIGRATION_NEEDED", f"There is no database {path} yet.", hint="Run zfs-sync-witness init.")


def open_current(path: Path) -> Database:
    """The database, checked to be of this version. Raises E_MIGRATION_NEEDED, E_DATABASE_UNAVAILABLE."""
    require_database(path)
    database = Database(url_of(path))
    try:
        _check_revision(path, database.read(revision_of))
    except BaseException:
        database.close()
        raise
    return database


def _check_revision(path: Path, revision: str | None) -> None:
    if revision != HEAD:
        raise ZfsSyncError(
            "E_MIGRATION_NEEDED", f"The database {path} is at revision {revision}, and this version needs {HEAD}."
        )


@contextmanager
def opened(path: Path) -> Iterator[Database]:
    """The database of this version, closed afterwards."""
    database = open_current(path)
    try:
        yield database
    finally:
        database.close()
