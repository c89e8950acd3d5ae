# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Many rows at once, in the form in which they are stored.

A report brings a hundred thousand snapshots. Bound as mappings and converted value by value, they take SQLAlchemy
three times as long as the database itself needs for them.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Table, insert


def insert_rows(connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert rows that have every column of the table, in its order, as stored (``stored_u64``, ``stored_time``)."""
    if rows:
        statement = insert(table).compile(connection, column_keys=table.c.keys())
        connection.exec_driver_sql(str(statement), list(rows))
