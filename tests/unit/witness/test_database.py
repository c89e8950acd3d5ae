# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The database: order, atomicity, what happens after a commit, and what its failures are called."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Column, Connection, Integer, MetaData, String, Table, func, insert, select, text
from sqlalchemy.exc import IntegrityError, OperationalError

from tests.unit.witness.conftest import ManualClock
from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.witness.db.database import Database, after_commit
from zfs_sync.witness.db.types import U64, UtcTime

extra = MetaData()
things = Table(
    "things",
    extra,
    Column("id", Integer, primary_key=True),
    Column("guid", U64, unique=True),
    Column("at", UtcTime),
    Column("name", String),
)


@pytest.fixture
def store(database: Database) -> Database:
    database.write(extra.create_all)
    return database


def add(guid: int) -> "object":
    return lambda connection: connection.execute(insert(things), {"guid": guid})


def count(connection: Connection) -> int:
    return int(connection.execute(select(func.count()).select_from(things)).scalar_one())


@pytest.mark.parametrize("guid", [0, 1, 2**63 - 1, 2**63, 2**64 - 1])
def test_all_64_bits_of_a_guid_are_kept_and_found(store: Database, guid: int) -> None:
    store.write(add(guid))  # type: ignore[arg-type]
    found = store.read(lambda each: each.execute(select(things.c.guid).where(things.c.guid == guid)).scalar_one())
    assert found == guid


@pytest.mark.parametrize("guid", [-1, 2**64])
def test_what_is_no_guid_is_refused(store: Database, guid: int) -> None:
    with pytest.raises(Exception, match="unsigned 64-bit"):
        store.write(add(guid))  # type: ignore[arg-type]


def test_moments_keep_their_microseconds_and_their_zone(store: Database) -> None:
    now = ManualClock().now.replace(microsecond=123_456)
    store.write(lambda each: each.execute(insert(things), {"at": now}))
    assert store.read(lambda each: each.execute(select(things.c.at)).scalar_one()) == now


def test_a_write_that_fails_leaves_nothing(store: Database) -> None:
    def work(connection: Connection) -> None:
        connection.execute(insert(things), {"guid": 1})
        connection.execute(insert(things), {"guid": 1})

    with pytest.raises(IntegrityError):
        store.write(work)
    assert store.read(count) == 0


def test_what_follows_a_commit_sees_it_and_never_follows_a_rollback(store: Database) -> None:
    seen: list[int] = []

    def work(connection: Connection, *, fails: bool) -> None:
        connection.execute(insert(things), {"name": "x"})
        after_commit(connection, lambda: seen.append(store.read(count)))
        if fails:
            raise LookupError

    store.write(lambda connection: work(connection, fails=False))
    with pytest.raises(LookupError):
        store.write(lambda connection: work(connection, fails=True))
    store.write(lambda connection: work(connection, fails=False))
    assert seen == [1, 2]


def test_many_threads_that_read_before_they_write_lose_nothing(store: Database) -> None:
    def work(connection: Connection) -> None:
        found = count(connection)
        connection.execute(insert(things), {"guid": found})

    with ThreadPoolExecutor(16) as pool:
        for future in [pool.submit(store.write, work) for _ in range(200)]:
            future.result()
    assert store.read(count) == 200


def test_readers_see_one_state_while_a_write_goes_on(store: Database) -> None:
    written, read = threading.Event(), threading.Event()

    def work(connection: Connection) -> None:
        connection.execute(insert(things), {"name": "x"})
        written.set()
        assert read.wait(10)

    pending = store.submit(work)
    assert written.wait(10)
    assert store.read(count) == 0
    read.set()
    pending.result()
    assert store.read(count) == 1


def test_the_rules_of_sqlite_hold_on_every_connection(store: Database) -> None:
    def pragmas(connection: Connection) -> list[object]:
        names = ("journal_mode", "synchronous", "foreign_keys")
        return [connection.execute(text(f"PRAGMA {name}")).scalar_one() for name in names]

    assert store.read(pragmas) == store.write(pragmas) == ["wal", 2, 1]


def test_a_database_that_somebody_else_holds_is_unavailable(store: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zfs_sync.witness.db.database.BUSY_TIMEOUT_MS", 20)
    other = Database(store.url)

    def work(_connection: Connection) -> None:
        with pytest.raises(ZfsSyncError, match="database is locked") as caught:
            other.write(add(1))  # type: ignore[arg-type]
        assert caught.value.code == "E_DATABASE_UNAVAILABLE"

    store.write(work)
    other.close()


def test_a_full_disk_is_unavailable_and_recovers(store: Database) -> None:
    pages = store.write(lambda each: each.execute(text("PRAGMA page_count")).scalar_one())
    store.write(lambda each: each.execute(text(f"PRAGMA max_page_count = {pages}")).scalar_one())
    with pytest.raises(ZfsSyncError, match="full") as caught:
        store.write(lambda each: each.execute(insert(things), [{"name": "x" * 1000} for _ in range(100)]))
    assert caught.value.code == "E_DATABASE_UNAVAILABLE"
    assert store.read(count) == 0
    store.write(lambda each: each.execute(text(f"PRAGMA max_page_count = {pages + 1000}")).scalar_one())
    store.write(add(1))  # type: ignore[arg-type]


def test_a_file_that_is_no_database_is_unavailable(tmp_path: Path) -> None:
    path = tmp_path / "witness.db"
    path.write_bytes(b"not a database, by far\n" * 1000)
    broken = Database(f"sqlite:///{path}")
    with pytest.raises(ZfsSyncError) as caught:
        broken.read(count)
    assert caught.value.code == "E_DATABASE_UNAVAILABLE"
    broken.close()


def test_a_fault_of_the_program_keeps_its_name(store: Database) -> None:
    with pytest.raises(OperationalError, match="no such table"):
        store.read(lambda each: each.execute(text("SELECT * FROM nowhere")))


def test_a_closed_database_takes_no_more_writes_and_has_done_those_it_took(tmp_path: Path) -> None:
    opened = Database(f"sqlite:///{tmp_path}/witness.db")
    opened.write(extra.create_all)
    pending = [opened.submit(add(number)) for number in range(50)]  # type: ignore[arg-type]
    opened.close()
    assert all(each.done() and each.exception() is None for each in pending)
    with pytest.raises(ZfsSyncError, match="shutting down"):
        opened.write(count)
    opened.close()
