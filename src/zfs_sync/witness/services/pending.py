# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Agents that came with a general enrol key and a name that nobody has declared: listed, and given nothing.

Declaring the name is the approval, by whichever way it is declared. Until then its key opens no route.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, insert, select

from zfs_sync.api.reports import Enrolment
from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.witness import audit
from zfs_sync.witness.db.desired import api_keys, pending_systems
from zfs_sync.witness.db.observed import hosts
from zfs_sync.witness.principal import Principal
from zfs_sync.witness.services import keys


def find(connection: Connection, name: str) -> Row[Any] | None:
    """The agent that waits under this name."""
    return connection.execute(select(pending_systems).where(pending_systems.c.name == name)).one_or_none()


def page(connection: Connection, *, after: str | None, limit: int) -> list[Row[Any]]:
    """Agents that wait, by name, behind the name ``after``, each with when it was last heard of."""
    statement = _select().order_by(pending_systems.c.name).limit(limit)
    if after is not None:
        statement = statement.where(pending_systems.c.name > after)
    return list(connection.execute(statement))


def _select() -> Select[Any]:
    with_key = api_keys.c.id == pending_systems.c.key_id
    return select(pending_systems, api_keys.c.last_used_at).join(api_keys, with_key, isouter=True)


def note(connection: Connection, principal: Principal, body: Enrolment, now: datetime) -> None:
    """Let an agent wait. Raises E_AGENT_CLONED where another one waits under its name."""
    other = find(connection, body.system)
    if other is not None:
        raise ZfsSyncError(
            "E_AGENT_CLONED",
            f"Installation {other.installation} waits for approval as '{body.system}', not {body.installation}.",
            hint=f"Approve or reject '{body.system}', or configure another name on one of the two hosts.",
        )
    row = {
        "name": body.system,
        "installation": body.installation,
        "agent_version": body.agent_version,
        "key_id": body.token_lookup,
        "enrolled_with": principal.name,
        "since": now,
    }
    connection.execute(insert(pending_systems), row)
    detail = {"installation": body.installation, "key": body.token_lookup}
    audit.record(connection, principal, "system.pending", "system", body.system, detail, now, (body.system,))


def approve(connection: Connection, principal: Principal, name: str, now: datetime) -> None:
    """Let the agent that waits under a name speak for the system, which has just been declared."""
    row = find(connection, name)
    if row is None:
        return
    connection.execute(insert(hosts), {"system": name, "installation": row.installation})
    connection.execute(delete(pending_systems).where(pending_systems.c.name == name))
    detail = {"installation": row.installation, "key": row.key_id}
    audit.record(connection, principal, "system.approved", "system", name, detail, now, (name,))


def required(connection: Connection, name: str) -> Row[Any]:
    """The agent that waits under this name. Raises E_SYSTEM_NOT_FOUND where none does."""
    statement = _select().where(pending_systems.c.name == name)
    row = connection.execute(statement).one_or_none()
    if row is None:
        raise ZfsSyncError("E_SYSTEM_NOT_FOUND", f"No agent waits for approval as {ascii(name)[:80]}.")
    return row


def reject(connection: Connection, principal: Principal, name: str, now: datetime) -> None:
    """Turn an agent that waits away: its key ends. Raises E_SYSTEM_NOT_FOUND where none waits under this name."""
    row = required(connection, name)
    keys.revoke(connection, principal, row.key_id, now)
    connection.execute(delete(pending_systems).where(pending_systems.c.name == name))
    detail = {"installation": row.installation, "key": row.key_id}
    audit.record(connection, principal, "system.rejected", "system", name, detail, now, (name,))
