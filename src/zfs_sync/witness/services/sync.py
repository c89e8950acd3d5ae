# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Running a group now: asked for, its datasets wait for neither mode, interval nor backoff."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select, update

from zfs_sync.core.errors import Fault, ZfsSyncError, pointer
from zfs_sync.core.planner import ACTIONABLE, Outcome
from zfs_sync.witness import audit
from zfs_sync.witness.db.desired import sync_groups
from zfs_sync.witness.db.work import edges, jobs, plan_rows
from zfs_sync.witness.principal import Principal
from zfs_sync.witness.services import scheduling

_ASKED = sorted(str(each) for each in ACTIONABLE | {Outcome.BLOCKED_BY_PARENT, Outcome.TARGET_DIRTY})
"""What a request runs: a dataset that waits for the one above it, or to be mended, has been asked for too."""


def edges_of_group(connection: Connection, group: str, targets: Sequence[str] | None) -> list[Row[Any]]:
    """The group's edges to these targets (None: all). Raises E_SYNC_GROUP_NOT_FOUND, E_VALIDATION for other targets."""
    if connection.execute(select(sync_groups.c.name).where(sync_groups.c.name == group)).scalar() is None:
        raise ZfsSyncError("E_SYNC_GROUP_NOT_FOUND", f"There is no sync group '{group}'.")
    rows = list(connection.execute(select(edges).where(edges.c.group == group).order_by(edges.c.id)))
    known = {row.to_system for row in rows}
    faults = [
        Fault(pointer("targets", index), f"'{name}' is no target of sync group '{group}'")
        for index, name in enumerate(targets or ())
        if name not in known
    ]
    if faults:
        raise ZfsSyncError("E_VALIDATION", "The request names systems that are no targets.", faults=faults)
    return [row for row in rows if targets is None or row.to_system in targets]


def request(
    connection: Connection, principal: Principal, group: str, targets: Sequence[str] | None, now: datetime
) -> set[str]:
    """Queue what is behind, at once; the systems to wake."""
    rows = edges_of_group(connection, group, targets)
    for edge in rows:
        behind = (plan_rows.c.edge == edge.id) & plan_rows.c.outcome.in_(_ASKED)
        connection.execute(update(plan_rows).where(behind).values(requested_at=now))
        scheduling.schedule_edge(connection, edge, now)
    touched = {system for row in rows for system in (row.from_system, row.to_system)}
    audit.record(connection, principal, "sync_group.sync", "sync_group", group, {"targets": targets}, now, touched)
    return touched


def alive_jobs(connection: Connection, rows: Sequence[Row[Any]]) -> list[str]:
    """The jobs that wait or run for these edges."""
    ids = [row.id for row in rows]
    statement = select(jobs.c.id).where(jobs.c.edge.in_(ids), jobs.c.state.in_(scheduling.ALIVE))
    return list(connection.execute(statement.order_by(jobs.c.created_at)).scalars())
