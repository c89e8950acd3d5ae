# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Jobs as people and front ends read them: searched, newest first, and one with its history."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, func, or_, select, true

from zfs_sync.witness.clock import instant
from zfs_sync.witness.db.work import job_events, jobs

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_SAME = (
    "id", "edge", "group", "relative", "from_system", "to_system", "target_dataset", "state", "attempt", "epoch",
    "bytes_done", "bytes_total", "bytes_per_second", "moved_snapshots", "moved_bytes", "message", "error",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for; empty or None wherever everything is."""

    states: Collection[str] = ()
    group: str | None = None
    system: str | None = None
    since: datetime | None = None


def found(connection: Connection, search: Search, *, after: str | None, limit: int) -> list[Row[Any]]:
    """At most ``limit`` jobs that meet the search, newest first, behind the place ``after``."""
    statement = select(jobs).where(_condition(search)).order_by(jobs.c.created_at.desc(), jobs.c.id.desc())
    if after is not None:
        moment, _, job = after.partition("-")
        created = _EPOCH + int(moment) * _MICROSECOND
        older = (jobs.c.created_at < created) | ((jobs.c.created_at == created) & (jobs.c.id < job))
        statement = statement.where(older)
    return list(connection.execute(statement.limit(limit)))


def place(row: Row[Any]) -> str:
    """Where the job stands in the list: it stays so when the job itself is deleted."""
    return f"{(row.created_at - _EPOCH) // _MICROSECOND}-{row.id}"


def _condition(search: Search) -> ColumnElement[bool]:
    condition: ColumnElement[bool] = true()
    if search.states:
        condition &= jobs.c.state.in_(sorted(search.states))
    if search.group is not None:
        condition &= jobs.c.group == search.group
    if search.system is not None:
        condition &= or_(jobs.c.from_system == search.system, jobs.c.to_system == search.system)
    if search.since is not None:
        condition &= jobs.c.created_at >= search.since
    return condition


def shown(row: Row[Any]) -> dict[str, Any]:
    """A job as lists show it."""
    moments = {"created": row.created_at, "started": row.started_at, "finished": row.finished_at}
    same = {name: getattr(row, name) for name in _SAME} | {"history": None}
    return same | {name: None if moment is None else instant(moment) for name, moment in moments.items()}


def history(connection: Connection, job: str) -> list[dict[str, Any]]:
    """Every change of the job's state, oldest first."""
    statement = select(job_events).where(job_events.c.job == job).order_by(job_events.c.id)
    return [
        {"at": instant(row.at), "state": row.state, "epoch": row.epoch, "detail": row.detail}
        for row in connection.execute(statement)
    ]


def newest_transition(connection: Connection) -> int:
    """The number of the newest change of any job's state; 0 where there is none."""
    return connection.execute(select(func.max(job_events.c.id))).scalar() or 0


def transitions(connection: Connection, *, after: int, limit: int = 500) -> list[tuple[int, dict[str, Any]]]:
    """Changes of the states of all jobs behind a number, in order, each with its own."""
    columns = [jobs.c[name] for name in ("group", "edge", "relative", "from_system", "to_system")]
    statement = select(job_events, *columns).join(jobs, jobs.c.id == job_events.c.job)
    rows = connection.execute(statement.where(job_events.c.id > after).order_by(job_events.c.id).limit(limit))
    return [(row.id, _transition(row)) for row in rows]


def _transition(row: Row[Any]) -> dict[str, Any]:
    same = ("job", "group", "edge", "relative", "from_system", "to_system", "state", "epoch", "detail")
    return {name: getattr(row, name) for name in same} | {"at": instant(row.at)}
