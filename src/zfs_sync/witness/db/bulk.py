# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Statements over many rows that SQLite and PostgreSQL take alike."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

T = TypeVar("T")

BATCH = 200
"""How many rows one IN names: well below the parameters that any database takes in one statement."""


def batches(items: Iterable[T], size: int = BATCH) -> Iterator[Sequence[T]]:
    """The items in runs of at most ``size``."""
    source = iter(items)
    while batch := list(islice(source, size)):
        yield batch


def upsert(connection: Connection, table: Table, names: Iterable[str]) -> postgresql.Insert | sqlite.Insert:
    """An INSERT that brings the columns ``names`` of a row with the same primary key to the new values instead."""
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    statement = insert(table)
    keys = [column.name for column in table.primary_key]
    return statement.on_conflict_do_update(
        index_elements=keys, set_={name: statement.excluded[name] for name in names}
    )
