# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Conflicts as the audit has them: when one appeared, with the GUIDs that prove it, and when it was over."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, or_, select

from zfs_sync.core.planner import CONFLICTS
from zfs_sync.witness import audit
from zfs_sync.witness.db.work import edges, plan_rows
from zfs_sync.witness.principal import WITNESS

Held = Mapping[tuple[str, str], Row[Any]]
"""The rows in conflict by edge and relative dataset."""


@contextmanager
def recorded(connection: Connection, now: datetime, system: str | None = None) -> Iterator[None]:
    """Note in the audit which conflicts begin and end in the block; only on edges that touch ``system``, if given."""
    before = _held(connection, system)
    yield
    after = _held(connection, system)
    for key, row in after.items():
        if key not in before or before[key].outcome != row.outcome:
            _record(connection, "detected", row, now)
    for key, row in before.items():
        if key not in after:
            _record(connection, "ended", row, now)


def _held(connection: Connection, system: str | None) -> Held:
    statement = (
        select(plan_rows, edges.c.from_system, edges.c.to_system)
        .join(edges, edges.c.id == plan_rows.c.edge)
        .where(plan_rows.c.outcome.in_(sorted(CONFLICTS)))
        .order_by(plan_rows.c.edge, plan_rows.c.relative)
    )
    if system is not None:
        statement = statement.where(or_(edges.c.from_system == system, edges.c.to_system == system))
    return {(row.edge, row.relative): row for row in connection.execute(statement)}


def _record(connection: Connection, event: str, row: Row[Any], now: datetime) -> None:
    detail = {"relative": row.relative, "outcome": row.outcome, "message": row.message, "evidence": row.evidence}
    ends = (row.from_system, row.to_system)
    audit.record(connection, WITNESS, f"conflict.{event}", "edge", row.edge, detail, now, ends)
