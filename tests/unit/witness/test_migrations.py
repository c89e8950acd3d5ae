# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The migrations make exactly the tables that the program speaks to."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from tests.unit.witness.rows import EACH, contents, fill, tables
from zfs_sync.witness.db.database import Database
from zfs_sync.witness.db.migrate import configuration, upgrade
from zfs_sync.witness.db.schema import HEAD, metadata, revision_of
from zfs_sync.witness.services.desired.canonical import defaults

BEFORE = ("description", "enabled", "mode", "members", "recursive", "interval", "lag_limit", "priority")
"""The fields of a group in revision 0005."""

REVISIONS = [each.revision for each in ScriptDirectory.from_config(configuration()).walk_revisions()][::-1]
"""From the first to the newest: a revision that is added is tested by that."""
CHANGED: dict[str, set[tuple[str, str]]] = {
    "0006": {("sync_groups", "spec")},
    "0007": {("sync_groups", "spec")},
    "0008": {("sync_groups", "spec"), ("systems", "spec")},
}
"""The columns whose values a revision means to change, by revision."""


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Database]:
    opened = Database(f"sqlite:///{tmp_path}/migrated.db")
    yield opened
    opened.close()


def _definitions(connection: Connection) -> dict[str, list[str]]:
    """Each table's and index's definition, its parts sorted: what was added stands last."""
    rows = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")).all()
    return {
        row.name: sorted(filter(None, (part.strip(" ,\t") for part in re.split(r"\n|, ", row.sql))))
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


def test_groups_that_are_there_get_the_fields_that_are_new(empty: Database) -> None:
    """As an operator's database has them that ran the version before."""
    declared = {"description": "", "members": [], "recursive": True}

    def before(connection: Connection) -> None:
        _step(connection, "0005")
        values = {"name": "photos", "owner": "a/b", "created_at": 0, "updated_at": 0, "spec": json.dumps(declared)}
        columns = ", ".join(values)
        connection.execute(text(f"INSERT INTO sync_groups ({columns}) VALUES (:{', :'.join(values)})"), values)

    empty.write(before)
    empty.write(upgrade)
    spec = empty.read(lambda each: each.execute(text("SELECT spec FROM sync_groups")).scalar_one())
    fields = defaults(("sync_group", "photos"))
    assert json.loads(spec) == declared | {name: fields[name] for name in fields if name not in BEFORE}


def test_a_migration_that_fails_leaves_nothing(empty: Database) -> None:
    def failing(connection: Connection) -> None:
        upgrade(connection)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        empty.write(failing)
    assert empty.read(_definitions) == {}


def _step(connection: Connection, revision: str) -> None:
    config = configuration()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def _faults(connection: Connection) -> list[object]:
    broken = list(connection.execute(text("PRAGMA foreign_key_check")))
    return broken + [row for row in connection.execute(text("PRAGMA integrity_check")) if row[0] != "ok"]


def test_the_revisions_stand_in_one_line() -> None:
    assert [f"{number:04}" for number in range(1, len(REVISIONS) + 1)] == REVISIONS


@pytest.mark.parametrize("revision", REVISIONS[1:])
def test_a_migration_keeps_what_the_version_before_has_stored(empty: Database, revision: str) -> None:
    before = REVISIONS[REVISIONS.index(revision) - 1]
    empty.write(lambda each: _step(each, before))
    empty.write(fill)
    old = empty.read(contents)
    assert all(len(rows) == EACH for rows in old.values())
    empty.write(lambda each: _step(each, revision))
    _assert_kept(old, empty.read(contents), CHANGED.get(revision, set()))
    assert empty.read(_faults) == []


def test_what_the_first_version_stored_is_there_in_the_newest(empty: Database) -> None:
    kept: dict[str, list[dict[str, object]]] = {}
    for revision in REVISIONS:
        empty.write(lambda each, revision=revision: _step(each, revision))
        empty.write(fill)
        kept = empty.read(contents) | kept
    changed = {column for columns in CHANGED.values() for column in columns}
    _assert_kept(kept, empty.read(contents), changed)
    assert empty.read(_faults) == []
    assert set(empty.read(tables)) == set(metadata.tables)


def _assert_kept(old: dict[str, list], new: dict[str, list], changed: set[tuple[str, str]]) -> None:
    """Every row of the old tables is there, with the same values in the columns that both have."""
    for table, rows in old.items():
        if table not in new:
            assert (table, "*") in changed, f"the table {table} is gone"
            continue
        for row in rows:
            same = {
                name: value for name, value in row.items() if (table, name) not in changed and name in new[table][0]
            }
            lost = {name for name in row.keys() - new[table][0].keys() if (table, name) not in changed}
            assert lost == set(), f"columns of {table} are gone"
            assert any(all(each[name] == value for name, value in same.items()) for each in new[table]), row


def test_older_entries_of_the_audit_are_found_by_their_systems(empty: Database) -> None:
    def before(connection: Connection) -> None:
        _step(connection, "0002")
        fill(connection)
        connection.execute(text("UPDATE jobs SET from_system = 'nas1', to_system = 'nas' || substr(id, 3)"))
        connection.execute(text("UPDATE audit SET object_kind = 'job', object_name = 'id' || (id - 1) WHERE id < 3"))
        connection.execute(text("UPDATE audit SET object_kind = 'system', object_name = 'nas9' WHERE id = 3"))

    empty.write(before)
    empty.write(lambda each: _step(each, "0003"))
    rows = empty.read(lambda each: each.execute(text("SELECT audit, system FROM audit_systems ORDER BY 1, 2")).all())
    assert rows == [(1, "nas0"), (1, "nas1"), (2, "nas1"), (3, "nas9")]


def test_jobs_and_snapshots_that_are_there_already_are_counted(empty: Database) -> None:
    def before(connection: Connection) -> None:
        _step(connection, "0004")
        fill(connection)
        connection.execute(text("UPDATE jobs SET \"group\" = 'photos', from_system = 'a', to_system = 'b'"))
        connection.execute(text("UPDATE jobs SET started_at = 1000, finished_at = 4000, moved_bytes = 7"))

    empty.write(before)
    empty.write(lambda each: _step(each, "0005"))
    totals = empty.read(lambda each: each.execute(text("SELECT * FROM job_totals")).all())
    assert totals == [("photos", "a", "b", "succeeded", 3, 9000, 6, 21)]
    counts = empty.read(lambda each: each.execute(text("SELECT dataset_count, snapshot_count FROM hosts")).all())
    assert counts == [(1, 1)] * EACH
