# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""When a job is queued, and when a waiting one is no longer wanted."""

import random
import secrets
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from zfs_sync.core.names import join
from zfs_sync.core.numbers import parse_duration
from zfs_sync.core.planner import ACTIONABLE, Outcome
from zfs_sync.witness.db.desired import sync_groups, systems
from zfs_sync.witness.db.work import edges, job_events, jobs, plan_rows
from zfs_sync.witness.services import peers, totals
from zfs_sync.witness.services.hindrances import Hindrances

ALIVE = ("queued", "running", "lost")
NEEDS_A_PERSON = frozenset(
    {
        "E_DIVERGED",
        "E_ENCRYPTED_SOURCE",
        "E_NAME_TOO_LONG",
        "E_NOT_ALLOWED_HERE",
        "E_NO_COMMON_BASE",
        "E_PARENT_MISSING",
        "E_PERMISSION",
        "E_PROPERTY_REFUSED",
        "E_SPACE",
        "E_STREAM_REFUSED",
        "E_TARGET_AHEAD",
        "E_TARGET_MODIFIED",
        "E_TARGET_UNMANAGED",
    }
)
"""Errors that trying again does not mend by itself: the next attempt is minutes away, or when somebody asks."""
_JITTER = random.SystemRandom()


def backoff_seconds(code: str, attempts: int) -> float:
    """How long to wait after the attempt number ``attempts`` (from 1): full jitter below an exponential ceiling."""
    if code in NEEDS_A_PERSON:
        return _JITTER.uniform(60, max(60, min(900, 60 * 2 ** min(attempts, 8))))
    return 1 + _JITTER.uniform(0, min(300, 2 * 2 ** min(attempts, 10)))


def schedule_edge(
    connection: Connection, edge: Row[Any], now: datetime, relatives: Collection[str] | None = None
) -> None:
    """Queue what the edge's rows ask for, and cancel waiting jobs that they ask for no longer."""
    group = connection.execute(select(sync_groups.c.spec).where(sync_groups.c.name == edge.group)).scalar_one()
    resting = _resting(connection, edge) or not group["enabled"]
    hindrances = Hindrances.load(connection, {edge.from_system, edge.to_system}, now)
    alive = _alive(connection, edge.id)
    rows = connection.execute(select(plan_rows).where(plan_rows.c.edge == edge.id)).all()
    known = {row.relative for row in rows}
    for name, job in alive.items():
        if job.state == "queued" and name not in known:
            transition(connection, job, "cancelled", now, "the dataset is gone at the source")
    for row in rows:
        if relatives is None or row.relative in relatives:
            wanted = not resting and _wanted(row, group) and hindrances.of(edge, row.relative) is None
            if edge.peers and wanted:
                if row.relative not in alive:
                    _feed_peer(connection, edge, group, row.relative, now)
                    continue
                wanted = not peers.torn(connection, edge, row.relative)
            _settle(connection, edge, group, row, alive.get(row.relative), now, wanted=wanted)


def forget_refusals(connection: Connection, edge: Row[Any]) -> None:
    """An attempt that an allow-list refused says nothing of the next one once that list is another."""
    statement = select(plan_rows.c.relative, plan_rows.c.error).where(plan_rows.c.edge == edge.id)
    rows = connection.execute(statement.where(plan_rows.c.error.is_not(None))).all()
    refused = [row.relative for row in rows if row.error and row.error["code"] == "E_NOT_ALLOWED_HERE"]
    mine = (plan_rows.c.edge == edge.id) & plan_rows.c.relative.in_(refused)
    anew = {"error": None, "error_at": None, "next_attempt": None, "attempts": 0}
    connection.execute(update(plan_rows).where(mine).values(anew))


def _wanted(row: Row[Any], group: dict[str, Any]) -> bool:
    unheard = row.awaited_head is not None and row.awaited_head != row.target_head
    outcome = Outcome(row.outcome)
    tried = outcome is Outcome.TARGET_DIRTY and row.dirty_head is not None  # only an attempt tells that it was mended
    if unheard or not (tried or outcome in ACTIONABLE):
        return False
    return row.requested_at is not None or group["mode"] == "auto"


def _feed_peer(connection: Connection, edge: Row[Any], group: dict[str, Any], relative: str, now: datetime) -> None:
    """Queue one job for a dataset that other peers are ahead of: from who can give it first, and has most to give."""
    rows = peers.rows_into(connection, edge, relative)
    ends = {system for row in rows for system in (row.from_system, row.to_system)}
    hindrances = Hindrances.load(connection, ends, now)
    feeders = [
        row
        for row in rows
        if _wanted(row, group) and not _resting(connection, row) and hindrances.of(row, relative) is None
    ]
    if not feeders or peers.unheard(rows) or peers.torn(connection, edge, relative):
        return
    best = min(feeders, key=lambda row: (max(_due(row, group, now), now), -row.lag_snapshots, row.attempts, row.id))
    due = _due(best, group, now)
    target = (jobs.c.to_system == edge.to_system) & (jobs.c.target_dataset == join(edge.to_root, relative))
    alive = connection.execute(select(jobs).where(target, jobs.c.state.in_(ALIVE))).all()
    for job in alive:
        if job.state != "queued" or job.run_after <= max(due, now):
            return
        transition(connection, job, "cancelled", now, "another peer gives it sooner")
    _queue(connection, best, group, best, now, due)


def _settle(
    connection: Connection,
    edge: Row[Any],
    group: dict[str, Any],
    row: Row[Any],
    job: Row[Any] | None,
    now: datetime,
    *,
    wanted: bool,
) -> None:
    due = _due(row, group, now)
    if job is None:
        if wanted:
            _queue(connection, edge, group, row, now, due)
    elif job.state == "queued" and not wanted:
        transition(connection, job, "cancelled", now, "not needed any more")
    elif job.state == "queued" and (max(job.run_after, now), job.priority, job.from_system, job.runs_on) != (
        max(due, now),
        group["priority"],
        edge.from_system,
        runner(edge),
    ):
        ends = {"from_system": edge.from_system, "runs_on": runner(edge)}
        values = {"run_after": due, "priority": group["priority"], **ends}
        connection.execute(update(jobs).where(jobs.c.id == job.id, jobs.c.state == "queued").values(values))


def _due(row: Row[Any], group: dict[str, Any], now: datetime) -> datetime:
    """When the job may start: now when somebody asked, else after the interval and the backoff."""
    if row.requested_at is not None:
        return now
    due: datetime = now if row.next_attempt is None else row.next_attempt
    if group["interval"] != "continuous" and row.last_started is not None:
        due = max(due, row.last_started + timedelta(seconds=parse_duration(group["interval"])))
    return due


def _queue(
    connection: Connection, edge: Row[Any], group: dict[str, Any], row: Row[Any], now: datetime, due: datetime
) -> None:
    job = {
        "id": secrets.token_hex(8),
        "edge": edge.id,
        "group": edge.group,
        "relative": row.relative,
        "from_system": edge.from_system,
        "to_system": edge.to_system,
        "runs_on": runner(edge),
        "target_dataset": join(edge.to_root, row.relative),
        "priority": group["priority"],
        "state": "queued",
        "attempt": row.attempts,
        "epoch": 0,
        "run_after": due,
        "cancel_requested": False,
        "created_at": now,
    }
    connection.execute(insert(jobs), job)
    note(connection, job["id"], now, "queued", 0, row.outcome)


def runner(edge: Row[Any]) -> str:
    """The system whose agent runs the edge's jobs."""
    return str(edge.from_system if edge.direction == "push" else edge.to_system)


def _resting(connection: Connection, edge: Row[Any]) -> bool:
    specs = connection.execute(
        select(systems.c.spec).where(systems.c.name.in_([edge.from_system, edge.to_system]))
    ).scalars()
    return any(spec["maintenance"] for spec in specs)


def _alive(connection: Connection, edge: str) -> dict[str, Row[Any]]:
    rows = connection.execute(select(jobs).where(jobs.c.edge == edge, jobs.c.state.in_(ALIVE)).order_by(jobs.c.state))
    return {row.relative: row for row in rows}


def drop_orphans(connection: Connection, now: datetime) -> None:
    """Cancel the waiting jobs of edges that are no more, and ask the agents of running ones to end them."""
    gone = jobs.c.edge.not_in(select(edges.c.id))
    for job in connection.execute(select(jobs).where(gone, jobs.c.state.in_(ALIVE))).all():
        if job.state == "running":
            connection.execute(update(jobs).where(jobs.c.id == job.id).values(cancel_requested=True))
        else:
            transition(connection, job, "cancelled", now, "the edge is no more")


def transition(connection: Connection, job: Row[Any], state: str, now: datetime, detail: str, **values: Any) -> bool:
    """Move a job from the state that was read to ``state``; False where somebody else was faster."""
    ended = {"finished_at": now} if state in ("succeeded", "failed", "cancelled") else {}
    same = (jobs.c.id == job.id) & (jobs.c.state == job.state) & (jobs.c.epoch == job.epoch)
    done = connection.execute(update(jobs).where(same).values(state=state, **ended, **values))
    if done.rowcount == 1:
        note(connection, job.id, now, state, values.get("epoch", job.epoch), detail)
        if ended:
            totals.count(connection, job, state, now, values)
    return done.rowcount == 1


def note(connection: Connection, job: str, now: datetime, state: str, epoch: int, detail: str) -> None:
    """Add a line to a job's history."""
    row = {"job": job, "at": now, "state": state, "epoch": epoch, "detail": detail[:255]}
    connection.execute(insert(job_events), row)
