# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""When each key was last used, to about a minute: gathered in memory and written together, not one commit a request."""

import threading
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, update

from zfs_sync.witness.db.database import Database
from zfs_sync.witness.db.desired import api_keys

FLUSH_AFTER = timedelta(seconds=60)


class LastUsed:
    """Notes uses from any thread."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._pending: dict[str, datetime] = {}
        self._flushed: datetime | None = None

    def note(self, key_id: str, at: datetime) -> None:
        """The key was used; the database learns it with the next flush, which this may queue but never waits for."""
        with self._lock:
            self._pending[key_id] = at
            if self._flushed is not None and at - self._flushed < FLUSH_AFTER:
                return
            self._flushed, pending = at, self._pending
            self._pending = {}
        self._database.submit(lambda connection: _write(connection, pending))

    def flush(self) -> None:
        """Write what is still only in memory."""
        with self._lock:
            pending, self._pending = self._pending, {}
        if pending:
            self._database.write(lambda connection: _write(connection, pending))


def _write(connection: Connection, pending: dict[str, datetime]) -> None:
    statement = update(api_keys).where(api_keys.c.id == bindparam("key")).values(last_used_at=bindparam("at"))
    connection.execute(statement, [{"key": key, "at": at} for key, at in sorted(pending.items())])
