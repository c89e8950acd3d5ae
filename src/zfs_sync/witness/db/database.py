# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The way in and out of the database.

SQLite holds three rules here. Every write is queued on one thread, first come first served: with many writers SQLite's
busy handler starves some of them for seconds. Every write begins with ``BEGIN IMMEDIATE``: a transaction that reads
before it writes would otherwise fail with "database is locked". Every commit is on the disk before it is answered
(``synchronous=FULL``): a lease that was given out survives a power cut.
"""

import contextvars
import queue
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError

from zfs_sync.core.errors import ZfsSyncError

T = TypeVar("T")

READERS = 8
"""Connections kept for reading; more are opened under load and closed again."""
BUSY_TIMEOUT_MS = 5_000
_AFTER_COMMIT = "zfs_sync_after_commit"
_UNAVAILABLE = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_PERM,
    }
)


def after_commit(connection: Connection, action: Callable[[], None]) -> None:
    """Run ``action`` on the writer's thread once this transaction is on the disk; never if it is rolled back."""
    connection.info.setdefault(_AFTER_COMMIT, []).append(action)


@dataclass(frozen=True, slots=True)
class _Task:
    work: Callable[[Connection], Any]
    context: contextvars.Context
    result: "Future[Any]"


class Database:
    """Reads on pooled connections of the caller's thread, writes in order on a thread of its own."""

    def __init__(self, url: str | URL) -> None:
        self.url = make_url(url)
        self._readers = _engine(self.url, begin="BEGIN", pool_size=READERS, max_overflow=40)
        self._writer = _engine(self.url, begin="BEGIN IMMEDIATE", pool_size=1, max_overflow=0)
        self._tasks: queue.SimpleQueue[_Task | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="database-writer", daemon=True)
        self._closed = False
        self._followers: list[Callable[[], None]] = []
        self._thread.start()

    def follow(self, action: Callable[[], None]) -> None:
        """Run ``action`` on the writer's thread after every commit. It must be quick."""
        self._followers.append(action)

    def read(self, work: Callable[[Connection], T]) -> T:
        """What ``work`` returns, run in one read transaction, so that it sees one state of the database."""
        try:
            with self._readers.begin() as connection:
                return work(connection)
        except DBAPIError as error:
            raise _translated(error) from error

    def submit(self, work: Callable[[Connection], T]) -> "Future[T]":
        """Queue ``work`` for writing. The future is done when the transaction is committed or rolled back."""
        if self._closed:
            raise ZfsSyncError("E_DATABASE_UNAVAILABLE", "The witness is shutting down.")
        result: Future[T] = Future()
        self._tasks.put(_Task(work, contextvars.copy_context(), result))
        return result

    def write(self, work: Callable[[Connection], T]) -> T:
        """What ``work`` returns, run in one write transaction that is committed when this returns."""
        return self.submit(work).result()

    def close(self) -> None:
        """Finish what is queued and close every connection."""
        if not self._closed:
            self._closed = True
            self._tasks.put(None)
            self._thread.join()
            self._readers.dispose()
            self._writer.dispose()

    def _run(self) -> None:
        while (task := self._tasks.get()) is not None:
            try:
                task.result.set_result(task.context.run(self._transact, task.work))
            except BaseException as error:  # noqa: BLE001  (handed to the caller, who raises it)
                task.result.set_exception(error)

    def _transact(self, work: Callable[[Connection], T]) -> T:
        try:
            with self._writer.connect() as connection:
                actions: list[Callable[[], None]] = []
                connection.info[_AFTER_COMMIT] = actions
                with connection.begin():
                    result = work(connection)
        except DBAPIError as error:
            raise _translated(error) from error
        for action in (*actions, *self._followers):
            action()
        return result


def _engine(url: URL, *, begin: str, pool_size: int, max_overflow: int) -> Engine:
    engine = create_engine(url, pool_size=pool_size, max_overflow=max_overflow)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(begin))
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # SQLAlchemy's begin event opens the transaction, the driver must not
    for pragma in (
        f"busy_timeout = {BUSY_TIMEOUT_MS}",
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
    ):
        connection.execute(f"PRAGMA {pragma}").close()


def _translated(error: DBAPIError) -> Exception:
    """E_DATABASE_UNAVAILABLE where the database cannot be used, else the error itself: a fault of the program."""
    number = getattr(error.orig, "sqlite_errorcode", None)
    if error.connection_invalidated or (number is not None and number & 0xFF in _UNAVAILABLE):
        return ZfsSyncError("E_DATABASE_UNAVAILABLE", f"The database cannot be used: {error.orig}.")
    return error
