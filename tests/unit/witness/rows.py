# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Rows for every table of a database, whatever its revision: made from the tables as the database describes them."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import JSON, BigInteger, Boolean, Column, Connection, Integer, MetaData, String, Table, insert, select

SAMPLES: Mapping[tuple[str, str], Any] = {
    ("systems", "spec"): {
        "description": "",
        "platform": "linux",
        "ssh": {"host": "nas1.example.org", "user": "zfs-sync", "port": 22},
        "labels": {"site": "berlin"},
        "maintenance": False,
    },
    ("sync_groups", "spec"): {
        "description": "Family photos",
        "enabled": True,
        "mode": "auto",
        "members": [
            {"system": "name0", "dataset": "tank/photos", "role": "source", "from": None},
            {"system": "name1", "dataset": "backup/photos", "role": "target", "from": None},
        ],
        "recursive": True,
        "interval": "15m",
        "lag_limit": None,
        "priority": 50,
    },
    ("api_keys", "role"): "agent",
    ("jobs", "state"): "succeeded",
    ("job_events", "state"): "succeeded",
    ("plan_rows", "outcome"): "IN_SYNC",
}
"""Values that mean something to the program, and so to a migration that looks into them."""
EACH = 3


def tables(connection: Connection) -> dict[str, Table]:
    """The tables that the database has, parents first."""
    found = MetaData()
    found.reflect(connection)
    return {table.name: table for table in found.sorted_tables if table.name != "alembic_version"}


def fill(connection: Connection) -> None:
    """Put rows into every table that has none."""
    for table in tables(connection).values():
        if connection.execute(select(table).limit(1)).first() is None:
            connection.execute(insert(table), [_row(table, number) for number in range(EACH)])


def contents(connection: Connection) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table, by its key."""
    return {
        name: [dict(row._mapping) for row in connection.execute(select(table).order_by(*table.primary_key))]
        for name, table in tables(connection).items()
    }


def _row(table: Table, number: int) -> dict[str, Any]:
    return {column.name: _value(table, column, number) for column in table.columns}


def _value(table: Table, column: Column[Any], number: int) -> Any:
    for key in column.foreign_keys:
        return _value(key.column.table, key.column, number)
    if (sample := SAMPLES.get((table.name, column.name))) is not None:
        return sample
    if isinstance(column.type, JSON):
        return {"number": number}
    if isinstance(column.type, Boolean):
        return False
    if isinstance(column.type, BigInteger | Integer):
        return 1 + number
    if isinstance(column.type, String):
        text = f"{column.name}{number}"
        return text if column.type.length is None else text[-column.type.length :]
    raise AssertionError(f"{table.name}.{column.name} is of a type that has no sample yet: {column.type}")
