# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The migrations make exactly the tables that the program speaks to."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from zfs_sync.witness.db.database import Database
from zfs_sync.witness.db.migrate import configuration, upgrade
from zfs_sync.witness.db.schema import HEAD, metadata, revision_of


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Database]:
    opened = Database(f"sqlite:///{tmp_path}/migrated.db")
    yield opened
    opened.close()


def _definitions(connection: Connection) -> dict[str, list[str]]:
    """Each table's and index's definition, its parts sorted: the order of constraints means nothing."""
    rows = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")).all()
    return {
        row.name: sorted(part.strip(" ,") for part in re.split(r"\n", row.sql))
        for row in rows
        if row.name != "alembic_version"
    }


def test_a_migrated_database_is_the_one_that_the_tables_describe(empty: Database, database: Database) -> None:
    empty.write(upgrade)
    assert empty.read(_definitions) == database.read(_definitions)
    assert empty.read(lambda each: compare_metadata(MigrationContext.configure(each), metadata)) == []


def test_the_program_needs_the_newest_revision(empty: Database) -> None:
    assert ScriptDirectory.from_config(configuration()).get_current_head() == HEAD
    assert empty.read(revision_of) is None
    empty.write(upgrade)
    assert empty.read(revision_of) == HEAD


def test_a_second_upgrade_changes_nothing(empty: Database) -> None:
    empty.write(upgrade)
    before = empty.read(_definitions)
    empty.write(upgrade)
    assert empty.read(_definitions) == before


def test_a_migration_that_fails_leaves_nothing(empty: Database) -> None:
    def failing(connection: Connection) -> None:
        upgrade(connection)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        empty.write(failing)
    assert empty.read(_definitions) == {}
