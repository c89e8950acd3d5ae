# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Jobs under leases. Every change is a compare-and-set, and a lease's epoch is its fencing token.

A lease that ran out makes a job lost, not free: the agent that held it may still be receiving. It is queued anew only
when that agent says that it runs no such job, or when a person says that the host is gone.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, select, update

from zfs_sync.api.structure import unstructure
from zfs_sync.api.work import Finish, Progress
from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.core.names import join
from zfs_sync.core.planner import Outcome, TransferStep, transfer_steps
from zfs_sync.witness import audit
from zfs_sync.witness.db.work import edges, jobs, plan_rows
from zfs_sync.witness.principal import WITNESS, Principal
from zfs_sync.witness.services import edge_rows, former_names, room, scheduling, views
from zfs_sync.witness.services.hindrances import Hindrances
from zfs_sync.witness.services.scheduling import backoff_seconds, note, transition
from zfs_sync.witness.services.verdicts import Ends, verdict_of
from zfs_sync.witness.settings import Settings

CANCELLED_PAUSE = timedelta(minutes=5)
"""How long a cancelled job's dataset rests before a group in mode auto tries again."""


def find(connection: Connection, job: str) -> Row[Any]:
    """The job's row. Raises E_JOB_NOT_FOUND."""
    row = connection.execute(select(jobs).where(jobs.c.id == job)).one_or_none()
    if row is None:
        raise ZfsSyncError("E_JOB_NOT_FOUND", f"There is no job '{job[:64]}'.")
    return row


def own(connection: Connection, principal: Principal, job: str) -> Row[Any]:
    """The job's row, if it is the principal's system that runs it. Raises E_JOB_NOT_YOURS."""
    row = find(connection, job)
    if principal.system != row.runs_on:
        raise ZfsSyncError("E_JOB_NOT_YOURS", f"Job '{job}' is for another system than '{principal.system}'.")
    return row


def claim(
    connection: Connection, settings: Settings, principal: Principal, job: str, installation: str, now: datetime
) -> dict[str, Any]:
    """Give the job out: epoch, lease and steps. Raises E_JOB_NOT_CLAIMABLE with the reason."""
    row = own(connection, principal, job)
    _check_claimable(row, installation, now)
    if row.state == "queued" and (why := room.refusal(connection, settings, row, now)) is not None:
        raise ZfsSyncError("E_JOB_NOT_CLAIMABLE", f"Job '{job}' has to wait: {why}.")
    edge = connection.execute(select(edges).where(edges.c.id == row.edge)).one_or_none()
    steps = _steps(connection, edge, row.relative) if edge is not None else []
    if edge is None or not steps:
        raise ZfsSyncError("E_JOB_NOT_CLAIMABLE", f"Job '{job}' has nothing to do any more.")
    _check_hindrance(connection, edge, row, now)
    lease = {
        "epoch": row.epoch + 1,
        "installation": installation,
        "lease_expires": now + timedelta(seconds=settings.lease_seconds),
        "started_at": row.started_at or now,
    }
    if not transition(connection, row, "running", now, f"claimed by {installation}", **lease):
        raise ZfsSyncError("E_JOB_NOT_CLAIMABLE", f"Job '{job}' has just been taken.")
    _row_values(connection, row, {"last_started": now})
    _audit(connection, principal, "started", row, {}, now)
    return {"id": job, "epoch": row.epoch + 1, "edge": edge, "relative": row.relative, "steps": steps}


def _check_claimable(row: Row[Any], installation: str, now: datetime) -> None:
    if row.state == "queued" and row.run_after <= now:
        return
    if row.state in ("running", "lost") and row.installation == installation:
        return
    why = f"it is {row.state}" if row.state != "queued" else "its time has not come"
    raise ZfsSyncError("E_JOB_NOT_CLAIMABLE", f"Job '{row.id}' cannot be claimed: {why}.")


def _check_hindrance(connection: Connection, edge: Row[Any], row: Row[Any], now: datetime) -> None:
    found = Hindrances.load(connection, {edge.from_system, edge.to_system}, now).of(edge, row.relative)
    if found is not None:
        raise ZfsSyncError("E_JOB_NOT_CLAIMABLE", f"Job '{row.id}' rests: {found.message}", hint=found.hint)


def _steps(connection: Connection, edge: Row[Any], relative: str) -> list[dict[str, Any]]:
    source_path = join(edge.from_root, relative)
    source = views.at(connection, edge.from_system, {source_path}).get(source_path)
    held = {each: join(edge.to_root, each) for each in (relative, views.above(relative))}
    found = views.at(connection, edge.to_system, set(held.values()))
    targets = {each: found[path] for each, path in held.items() if path in found}
    if source is None:
        return []
    ours = edge_rows.load(edge)
    ends = Ends({relative: source}, targets)
    verdict = verdict_of(ours, relative, ends, former_names.ownership(connection, edge))
    return [_step(each) for each in transfer_steps(verdict, source, ours.selection)] if verdict else []


def _step(step: TransferStep) -> dict[str, Any]:
    base = str(step.base.guid) if step.base else None
    return {"op": "receive", "base_guid": base, "to_guid": str(step.to.guid), "alone": step.alone}


def progress(
    connection: Connection, settings: Settings, principal: Principal, job: str, body: Progress, now: datetime
) -> bool:
    """Renew the lease and note how far it is; whether the job is to be cancelled. Raises E_LEASE_LOST."""
    row = own(connection, principal, job)
    held = (jobs.c.id == job) & (jobs.c.epoch == body.epoch) & jobs.c.state.in_(["running", "lost"])
    values = {
        "state": "running",
        "lease_expires": now + timedelta(seconds=settings.lease_seconds),
        "step": body.step,
        "bytes_done": body.bytes_done,
        "bytes_total": body.bytes_total,
        "bytes_per_second": body.bytes_per_second,
        "message": body.message,
    }
    if connection.execute(update(jobs).where(held).values(values)).rowcount != 1:
        raise _lease_lost(row, body.epoch)
    if row.state == "lost":
        note(connection, job, now, "running", row.epoch, "heard of again")
    return bool(row.cancel_requested)


def _lease_lost(row: Row[Any], epoch: int) -> ZfsSyncError:
    return ZfsSyncError("E_LEASE_LOST", f"Job '{row.id}' is {row.state} in epoch {row.epoch}, not running in {epoch}.")


def finish(connection: Connection, principal: Principal, job: str, body: Finish, now: datetime) -> str:
    """End a job; its state. The same finish again is answered the same, another one gets E_LEASE_LOST."""
    row = own(connection, principal, job)
    if row.state == body.result and row.epoch == body.epoch:
        return str(row.state)
    if row.state not in ("running", "lost") or row.epoch != body.epoch:
        raise _lease_lost(row, body.epoch)
    error = unstructure(body.error) if body.error else None
    values = {"moved_snapshots": body.moved_snapshots, "moved_bytes": body.moved_bytes, "error": error}
    if not transition(connection, row, body.result, now, body.error.code if body.error else "", **values):
        raise _lease_lost(row, body.epoch)
    _note_outcome(connection, row, body, error, now)
    detail = {"snapshots": body.moved_snapshots, "bytes": body.moved_bytes, "error": error}
    _audit(connection, principal, body.result, row, detail, now)
    _reschedule(connection, row, now)
    return body.result


def _audit(
    connection: Connection, principal: Principal, event: str, row: Row[Any], detail: dict[str, Any], now: datetime
) -> None:
    whole = {"edge": row.edge, "relative": row.relative, **detail}
    ends = (row.from_system, row.to_system)
    audit.record(connection, principal, f"job.{event}", "job", row.id, whole, now, ends)


def _note_outcome(
    connection: Connection, row: Row[Any], body: Finish, error: dict[str, Any] | None, now: datetime
) -> None:
    if body.result == "succeeded":
        head = int(body.target_head_guid) if body.target_head_guid else None
        values: dict[str, Any] = {"last_success": now, "awaited_head": head, "attempts": 0, "requested_at": None}
        values |= {"error": None, "error_at": None, "next_attempt": None, "dirty_head": None}
    elif body.result == "failed":
        code = str(error["code"]) if error else "E_INTERNAL"
        pause = timedelta(seconds=backoff_seconds(code, row.attempt + 1))
        values = {"attempts": row.attempt + 1, "error": error, "error_at": now, "next_attempt": now + pause}
        values["requested_at"] = None
        if error and code == "E_TARGET_MODIFIED":
            dirty = {"outcome": str(Outcome.TARGET_DIRTY), "message": error["message"]}
            values |= {**dirty, "dirty_head": plan_rows.c.target_head}
    else:
        values = {"requested_at": None, "next_attempt": now + CANCELLED_PAUSE}
    _row_values(connection, row, values)


def _row_values(connection: Connection, row: Row[Any], values: dict[str, Any]) -> None:
    same = (plan_rows.c.edge == row.edge) & (plan_rows.c.relative == row.relative)
    connection.execute(update(plan_rows).where(same).values(values))


def _reschedule(connection: Connection, row: Row[Any], now: datetime) -> None:
    edge = connection.execute(select(edges).where(edges.c.id == row.edge)).one_or_none()
    if edge is not None:
        scheduling.schedule_edge(connection, edge, now, {row.relative})


def cancel(connection: Connection, principal: Principal, job: str, now: datetime) -> set[str]:
    """Cancel a waiting job, or ask the agent of a running one to end it; the systems to wake."""
    row = find(connection, job)
    if row.state == "queued":
        transition(connection, row, "cancelled", now, f"by {principal.name}")
        _row_values(connection, row, {"requested_at": None, "next_attempt": now + CANCELLED_PAUSE})
        _reschedule(connection, row, now)
    elif row.state in ("running", "lost"):
        connection.execute(update(jobs).where(jobs.c.id == job).values(cancel_requested=True))
    else:
        return set()
    event = "cancelled" if row.state == "queued" else "cancel_requested"
    _audit(connection, principal, event, row, {"state": row.state}, now)
    return {row.runs_on}


def abandon(connection: Connection, principal: Principal, job: str, now: datetime) -> set[str]:
    """A person says that the host of a lost job is gone: queue it anew. Raises E_JOB_NOT_CLAIMABLE for another one."""
    row = find(connection, job)
    if row.state != "lost":
        raise ZfsSyncError("E_JOB_NOT_CLAIMABLE", f"Job '{job}' is {row.state}; only a lost one can be given up.")
    _give_up(connection, row, now, f"given up by {principal.name}")
    _audit(connection, principal, "abandoned", row, {}, now)
    return {row.runs_on}


def _give_up(connection: Connection, row: Row[Any], now: datetime, why: str) -> None:
    """End a job of which its agent says that it does not run, so that it is queued anew unless it was cancelled."""
    result = "cancelled" if row.cancel_requested else "failed"
    transition(connection, row, result, now, why)
    _audit(connection, WITNESS, result, row, {"why": why}, now)
    if row.cancel_requested:
        _row_values(connection, row, {"requested_at": None, "next_attempt": now + CANCELLED_PAUSE})
    _reschedule(connection, row, now)


def running_elsewhere(connection: Connection, system: str, running: list[str], now: datetime) -> bool:
    """Queue anew what was lost and is not run by its agent, as the agent itself says; whether there was such a job."""
    lost = select(jobs).where(jobs.c.runs_on == system, jobs.c.state == "lost", jobs.c.id.not_in(running))
    rows = connection.execute(lost).all()
    for row in rows:
        _give_up(connection, row, now, "its agent does not run it")
    return bool(rows)


def expire(connection: Connection, now: datetime) -> set[str]:
    """Make lost what ran out of its lease; the systems to wake."""
    woken = set()
    for row in connection.execute(select(jobs).where(jobs.c.state == "running", jobs.c.lease_expires < now)).all():
        if transition(connection, row, "lost", now, "no word in time"):
            _audit(connection, WITNESS, "lost", row, {}, now)
            woken |= {row.runs_on} | room.waiting_beside(connection, row)
    return woken


def extend_all(connection: Connection, settings: Settings, now: datetime) -> None:
    """Give every running job a whole lease: the witness was away, not the agents."""
    until = now + timedelta(seconds=settings.lease_seconds)
    connection.execute(update(jobs).where(jobs.c.state == "running").values(lease_expires=until))
