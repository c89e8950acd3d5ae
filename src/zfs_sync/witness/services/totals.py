# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Counting jobs as they end, in the transaction that ends them: reading the sums costs the same after any history."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, insert, update

from zfs_sync.witness.db.work import job_durations, job_totals

BUCKETS = (1, 2, 5, 10, 30, 60, 300, 900, 3_600, 4 * 3_600, 86_400)
"""Upper bounds of durations in seconds: a small increment takes seconds, a first copy a day."""
LONGER = -1


def count(connection: Connection, job: Row[Any], result: str, now: datetime, values: Mapping[str, Any]) -> None:
    """Count a job that ends now with ``result``; one that never ran is none. ``values`` may say what it moved."""
    if job.started_at is None:
        return
    took = max(now - job.started_at, timedelta())
    key = {"group": job.group, "from_system": job.from_system, "to_system": job.to_system, "result": result}
    added = {
        "jobs": 1,
        "microseconds": took // timedelta(microseconds=1),
        "snapshots": values.get("moved_snapshots", 0),
        "bytes": values.get("moved_bytes", 0),
    }
    same = [job_totals.c[name] == value for name, value in key.items()]
    sums = {name: job_totals.c[name] + value for name, value in added.items()}
    if connection.execute(update(job_totals).where(*same).values(sums)).rowcount == 0:
        connection.execute(insert(job_totals), {**key, **added})
    _count_duration(connection, took)


def _count_duration(connection: Connection, took: timedelta) -> None:
    seconds = next((each for each in BUCKETS if took <= timedelta(seconds=each)), LONGER)
    same = job_durations.c.seconds == seconds
    if connection.execute(update(job_durations).where(same).values(jobs=job_durations.c.jobs + 1)).rowcount == 0:
        connection.execute(insert(job_durations), {"seconds": seconds, "jobs": 1})
