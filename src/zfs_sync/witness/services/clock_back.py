# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""When the witness's clock goes back: what was to happen in seconds must not wait for the clock to come there again.

A clock that ran an hour fast and is put right leaves leases, backoffs and intervals an hour in the future: a host that
died would not be noticed, and a job would not be tried, until then. They go back with the clock. A clock that goes
forward needs nothing: leases run out early, and the agents that hold them take them up again.
"""

from datetime import datetime, timedelta

from sqlalchemy import Column, Connection, func, select, update

from zfs_sync.witness.db.observed import hosts
from zfs_sync.witness.db.work import job_events, jobs, plan_rows

LEAST = timedelta(seconds=2)
"""A smaller step is no step: two threads may see two moments in either order."""


def latest_known(connection: Connection) -> datetime | None:
    """The newest moment that is recorded: whatever the clock said when the witness last ran."""
    seen = connection.execute(select(func.max(hosts.c.last_seen))).scalar()
    event = connection.execute(select(job_events.c.at).order_by(job_events.c.id.desc()).limit(1)).scalar()
    return max(filter(None, (seen, event)), default=None)


def follow(connection: Connection, before: datetime, now: datetime) -> timedelta | None:
    """Put back what lies in the future, where the clock went back from ``before``; by how much."""
    step = before - now
    if step < LEAST:
        return None
    for column in (jobs.c.run_after, jobs.c.lease_expires, plan_rows.c.next_attempt, plan_rows.c.last_started):
        _put_back(connection, column, step, now)
    _put_back(connection, hosts.c.last_seen, step, now)
    return step


def _put_back(connection: Connection, column: Column[datetime], step: timedelta, now: datetime) -> None:
    table = column.table
    moments = connection.execute(select(column).where(column > now).distinct()).scalars().all()
    for moment in sorted(moments):  # none is moved to one that is still to be moved
        connection.execute(update(table).where(column == moment).values({column.name: moment - step}))
