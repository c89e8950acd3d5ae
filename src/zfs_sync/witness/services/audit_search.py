# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Searching in the audit: newest first, each filter by an index."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, select, true

from zfs_sync.witness.clock import instant
from zfs_sync.witness.db.desired import audit, audit_systems
from zfs_sync.witness.services import former_names


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for; None wherever everything is."""

    since: datetime | None = None
    until: datetime | None = None
    event: str | None = None
    """An event, or all of a kind: ``job`` means ``job.started``, ``job.failed``, ..."""
    system: str | None = None
    actor: str | None = None


def entries(connection: Connection, search: Search, *, after: int | None, limit: int) -> list[dict[str, Any]]:
    """At most ``limit`` entries that meet the search and are older than number ``after``, as answers show them."""
    statement = select(audit).where(_condition(connection, search)).order_by(audit.c.id.desc()).limit(limit)
    if after is not None:
        statement = statement.where(audit.c.id < after)
    rows = connection.execute(statement).all()
    touched = _systems(connection, [row.id for row in rows])
    return [_shown(row, touched.get(row.id, [])) for row in rows]


def _condition(connection: Connection, search: Search) -> ColumnElement[bool]:
    condition: ColumnElement[bool] = true()
    if search.since is not None:
        condition &= audit.c.at >= search.since
    if search.until is not None:
        condition &= audit.c.at < search.until
    if search.event is not None:
        condition &= _event(search.event)
    if search.actor is not None:
        condition &= audit.c.actor == search.actor
    if search.system is not None:
        names = [search.system, *former_names.of(connection, "system", search.system)]  # entries keep the name of then
        condition &= audit.c.id.in_(select(audit_systems.c.audit).where(audit_systems.c.system.in_(names)))
    return condition


def _event(event: str) -> ColumnElement[bool]:
    if "." in event:
        return audit.c.event == event
    return (audit.c.event >= f"{event}.") & (audit.c.event < f"{event}/")  # "/" follows "."


def _systems(connection: Connection, numbers: list[int]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    if numbers:
        statement = select(audit_systems).where(audit_systems.c.audit.in_(numbers)).order_by(audit_systems.c.system)
        for row in connection.execute(statement):
            found.setdefault(row.audit, []).append(row.system)
    return found


def _shown(row: Row[Any], systems: list[str]) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "at": instant(row.at),
        "event": row.event,
        "actor": row.actor,
        "role": row.actor_role,
        "key_id": row.key_id,
        "object_kind": row.object_kind,
        "object_name": row.object_name,
        "systems": systems,
        "request_id": row.request_id,
        "detail": row.detail,
    }
