# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Desired state in the database: all of it is read at once (it is small), and only what changed is written."""

import secrets
from datetime import datetime

from sqlalchemy import Connection, Table, delete, insert, select, update

from zfs_sync.witness.db.desired import meta, sync_groups, systems
from zfs_sync.witness.services.desired.model import KINDS, Change, Fleet, Key, Kind, Stored

_STATE = "desired_state"
_WITNESS = "witness_id"
_TABLES: dict[Kind, Table] = {"system": systems, "sync_group": sync_groups}


def load(connection: Connection) -> Fleet:
    """All of desired state."""
    found: dict[Key, Stored] = {}
    for kind in KINDS:
        for row in connection.execute(select(_TABLES[kind]).order_by("name")):
            found[kind, row.name] = Stored(row.owner, row.spec, row.created_at, row.updated_at)
    return found


def load_one(connection: Connection, key: Key) -> Stored | None:
    """One object."""
    table = _TABLES[key[0]]
    row = connection.execute(select(table).where(table.c.name == key[1])).one_or_none()
    return None if row is None else Stored(row.owner, row.spec, row.created_at, row.updated_at)


def load_page(connection: Connection, kind: Kind, *, after: str | None, limit: int) -> list[tuple[str, Stored]]:
    """Objects of a kind by name, behind the name ``after``."""
    table = _TABLES[kind]
    statement = select(table).order_by(table.c.name).limit(limit)
    if after is not None:
        statement = statement.where(table.c.name > after)
    rows = connection.execute(statement)
    return [(row.name, Stored(row.owner, row.spec, row.created_at, row.updated_at)) for row in rows]


def write(connection: Connection, change: Change, at: datetime) -> None:
    """Bring one object to what the change says."""
    table = _TABLES[change.key[0]]
    name = change.key[1]
    match change.action:
        case "created":
            row = {"name": name, "owner": change.owner, "spec": change.after, "created_at": at, "updated_at": at}
            connection.execute(insert(table), row)
        case "updated":
            values = {"owner": change.owner, "spec": change.after, "updated_at": at}
            connection.execute(update(table).where(table.c.name == name).values(values))
        case "deleted":
            connection.execute(delete(table).where(table.c.name == name))
        case "unchanged":
            pass


def state_tag(connection: Connection) -> str:
    """The ETag of desired state: which witness, and how often its desired state changed."""
    values = _meta(connection)
    return f'"{values.get(_WITNESS, "new")}-{values.get(_STATE, "0")}"'


def advance_state(connection: Connection) -> None:
    """Note that desired state has moved on."""
    values = _meta(connection)
    _set(connection, values, _STATE, str(int(values.get(_STATE, "0")) + 1))
    if _WITNESS not in values:
        _set(connection, values, _WITNESS, secrets.token_hex(4))


def renew_identity(connection: Connection) -> None:
    """Give every state tags of its own from now on: this database was another state of the same witness before."""
    _set(connection, _meta(connection), _WITNESS, secrets.token_hex(4))


def _meta(connection: Connection) -> dict[str, str]:
    rows = connection.execute(select(meta).where(meta.c.key.in_([_STATE, _WITNESS])))
    return {row.key: row.value for row in rows}


def _set(connection: Connection, values: dict[str, str], key: str, value: str) -> None:
    if key in values:
        connection.execute(update(meta).where(meta.c.key == key).values(value=value))
    else:
        connection.execute(insert(meta), {"key": key, "value": value})
