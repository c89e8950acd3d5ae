# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Deleting what is older than it is kept: ended jobs with their history, the audit, keys that ended.

A batch is small, and a transaction of its own, so that what agents write waits for none of it. What still goes on is
never deleted, however old it is; sums of jobs (``totals``) and what the planner knows stay.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, Connection, Table, delete, or_, select

from zfs_sync.witness.db.desired import api_keys, audit, systems
from zfs_sync.witness.db.work import job_events, jobs
from zfs_sync.witness.settings import Settings

BATCH = 500


def prune(connection: Connection, settings: Settings, now: datetime) -> int:
    """Delete at most a batch of each kind; how many rows went, histories not counted. 0 says that nothing is left."""
    jobs_before = now - timedelta(days=settings.jobs_kept_days)
    audit_before = now - timedelta(days=settings.audit_kept_days)
    old_jobs = _oldest(connection, jobs.c.id, jobs.c.finished_at, jobs_before)
    connection.execute(delete(job_events).where(job_events.c.job.in_(old_jobs)))
    return (
        _delete(connection, jobs, jobs.c.id, old_jobs)
        + _delete(connection, audit, audit.c.id, _oldest(connection, audit.c.id, audit.c.at, audit_before))
        + _delete(connection, api_keys, api_keys.c.id, _ended_keys(connection, audit_before))
    )


def _ended_keys(connection: Connection, before: datetime) -> list[Any]:
    """Keys that ended, but for the last one of a system's agent: that it was revoked keeps the system out still."""
    later = api_keys.alias("later")
    same = (later.c.system == api_keys.c.system) & (later.c.role == "agent")
    longer = or_(later.c.revoked_at.is_(None), later.c.revoked_at > api_keys.c.revoked_at)
    followed = select(later.c.id).where(same, longer)
    last = (api_keys.c.role == "agent") & api_keys.c.system.in_(select(systems.c.name)) & ~followed.exists()
    statement = select(api_keys.c.id).where(api_keys.c.revoked_at < before, ~last)
    return list(connection.execute(statement.order_by(api_keys.c.revoked_at).limit(BATCH)).scalars())


def _oldest(connection: Connection, key: Column[Any], moment: Column[Any], before: datetime) -> list[Any]:
    statement = select(key).where(moment < before).order_by(moment).limit(BATCH)
    return list(connection.execute(statement).scalars())


def _delete(connection: Connection, table: Table, key: Column[Any], keys: list[Any]) -> int:
    if keys:
        connection.execute(delete(table).where(key.in_(keys)))
    return len(keys)
