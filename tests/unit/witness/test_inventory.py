# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""What is held of a host is what it said, in whatever steps it said it."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, delete, insert, select

from zfs_sync.api.reports import DatasetReport, SnapshotReport
from zfs_sync.witness.db import desired
from zfs_sync.witness.db.database import Database
from zfs_sync.witness.db.observed import datasets, snapshots
from zfs_sync.witness.db.schema import metadata
from zfs_sync.witness.services import inventory
from zfs_sync.witness.services.inventory import Incoming

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
GUIDS = (1, 2, 2**63 - 1, 2**63, 2**64 - 1)
Snapshots = dict[int, str]
Held = dict[str, tuple[int, str | None, int, Snapshots]]

texts = st.sampled_from(["hourly", "daily 1", "-x"])
dataset = st.tuples(
    st.sampled_from([7, 2**64 - 7]),
    st.sampled_from([None, "photos"]),
    st.integers(0, 2**40),
    st.dictionaries(st.sampled_from(GUIDS), texts),
)
states = st.dictionaries(st.sampled_from(["tank", "tank/a", "tank/a b", "tank/c"]), dataset)
steps = st.lists(st.tuples(st.booleans(), states), min_size=1, max_size=5)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Any:
    file: Path = tmp_path_factory.mktemp("inventory") / "witness.db"
    opened = Database(f"sqlite:///{file}")
    opened.write(metadata.create_all)
    row = {"name": "nas1", "owner": "x/y", "spec": {}, "created_at": NOW, "updated_at": NOW}
    opened.write(lambda connection: connection.execute(insert(desired.systems), row))
    yield opened
    opened.close()


def reported(path: str, said: Any, add: Snapshots, remove: set[int]) -> Incoming:
    guid, marker, used, _ = said
    new = [SnapshotReport(guid=str(each), createtxg=str(each), name=name, creation=None) for each, name in add.items()]
    gone = [str(each) for each in remove]
    report = DatasetReport(path=path, guid=str(guid), type="filesystem", marker=marker, used=used, add=new, remove=gone)
    return Incoming.of(report)


def say_all(connection: Connection, state: Held) -> set[str]:
    incoming = {path: reported(path, said, said[3], set()) for path, said in state.items()}
    return inventory.replace_all(connection, "nas1", incoming, NOW)


def say_changes(connection: Connection, before: Held, state: Held) -> set[str]:
    """As an agent does: what differs only, and a dataset that was made anew as a whole."""
    incoming = {}
    for path, said in state.items():
        old = before.get(path)
        was = old[3] if old is not None and old[0] == said[0] else {}
        add = {guid: name for guid, name in said[3].items() if was.get(guid) != name}
        if old is None or old != said:
            incoming[path] = reported(path, said, add, was.keys() - said[3].keys())
    return inventory.take(connection, "nas1", incoming, before.keys() - state.keys(), NOW)


def held(connection: Connection) -> Held:
    found: Held = {}
    for row in connection.execute(select(datasets)).all():
        own = connection.execute(select(snapshots).where(snapshots.c.dataset_id == row.id)).all()
        assert all(each.createtxg == each.guid and each.seen_at == NOW for each in own)
        found[row.path] = (row.guid, row.marker, row.used, {each.guid: each.name for each in own})
    return found


def looked_at(said: Any) -> Any:
    """What the planner looks at of a dataset: not how many bytes it uses."""
    return None if said is None else (said[0], said[1], said[3])


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=steps)
def test_reports_in_any_steps_lead_to_what_the_last_one_says(
    database: Database, steps: list[tuple[bool, Held]]
) -> None:
    def follow(connection: Connection) -> None:
        connection.execute(delete(datasets))
        before: Held = {}
        for whole, state in steps:
            changed = say_all(connection, state) if whole else say_changes(connection, before, state)
            assert held(connection) == state
            paths = before.keys() | state.keys()
            assert changed == {path for path in paths if looked_at(before.get(path)) != looked_at(state.get(path))}
            before = state

    database.write(follow)
