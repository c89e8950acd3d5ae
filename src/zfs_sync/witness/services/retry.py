# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Running again what a job did not bring: its dataset is asked for now, in a job of its own."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select, update

from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.witness import audit
from zfs_sync.witness.db.work import edges, jobs, plan_rows
from zfs_sync.witness.principal import Principal
from zfs_sync.witness.services import scheduling
from zfs_sync.witness.services.jobs import find

RETRIED = ("failed", "cancelled")


def retry(connection: Connection, principal: Principal, job: str, now: datetime) -> Row[Any]:
    """Ask for the job's dataset now, whatever mode, interval and backoff say; the job that brings it.

    Raises E_JOB_NOT_FOUND, and E_JOB_NOT_RETRYABLE with the reason.
    """
    old = find(connection, job)
    if old.state not in RETRIED:
        raise _refusal(job, f"it is {old.state}, and only one that failed or was cancelled is run again")
    edge = connection.execute(select(edges).where(edges.c.id == old.edge)).one_or_none()
    if edge is None:
        raise _refusal(job, f"its edge '{old.edge}' is no more")
    same = (plan_rows.c.edge == old.edge) & (plan_rows.c.relative == old.relative)
    connection.execute(update(plan_rows).where(same).values(requested_at=now))
    scheduling.schedule_edge(connection, edge, now, {old.relative})
    fresh = _alive(connection, old)
    if fresh is None:
        raise _refusal(job, _reason(connection, old))
    detail = {"edge": old.edge, "relative": old.relative, "job": fresh.id}
    audit.record(connection, principal, "job.retried", "job", job, detail, now, (old.from_system, old.to_system))
    return fresh


def _alive(connection: Connection, old: Row[Any]) -> Row[Any] | None:
    same = (jobs.c.edge == old.edge) & (jobs.c.relative == old.relative) & jobs.c.state.in_(scheduling.ALIVE)
    return connection.execute(select(jobs).where(same).order_by(jobs.c.state)).first()


def _reason(connection: Connection, old: Row[Any]) -> str:
    same = (plan_rows.c.edge == old.edge) & (plan_rows.c.relative == old.relative)
    row = connection.execute(select(plan_rows).where(same)).one_or_none()
    if row is None:
        return "its dataset is no more"
    return f"nothing may run for its dataset now, which is {row.outcome}: {row.message}"


def _refusal(job: str, why: str) -> ZfsSyncError:
    return ZfsSyncError("E_JOB_NOT_RETRYABLE", f"Job '{job}' cannot be run again: {why}.")
