# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Jobs: claimed, kept alive and ended by agents; listed, cancelled and given up by people."""

from typing import Annotated, Any

from fastapi import Query, Response
from sqlalchemy import Connection, Row, or_, select

from zfs_sync.api.status import Job, JobPage
from zfs_sync.api.work import Claim, ClaimRequest, Finish, FinishAnswer, JobState, Progress, ProgressAnswer
from zfs_sync.witness.auth import Agent, Operator, Viewer
from zfs_sync.witness.clock import instant
from zfs_sync.witness.context import InWitness
from zfs_sync.witness.db.database import after_commit
from zfs_sync.witness.db.work import jobs as table
from zfs_sync.witness.routes.answers import answer
from zfs_sync.witness.routes.parameters import PAGE_LIMIT, After, Limit, page
from zfs_sync.witness.routing import new_router
from zfs_sync.witness.services import jobs, liveness
from zfs_sync.witness.services.work import edge_for

router = new_router("jobs")
State = Annotated[JobState | None, Query(description="Only jobs in this state.")]
Group = Annotated[str | None, Query(max_length=63, description="Only jobs of this sync group.")]
System = Annotated[str | None, Query(max_length=63, description="Only jobs that this system sends or receives.")]


@router.get("/jobs", response_model=JobPage)
def list_jobs(
    witness: InWitness,
    principal: Viewer,  # noqa: ARG001
    state: State = None,
    group: Group = None,
    system: System = None,
    limit: Limit = PAGE_LIMIT,
    after: After = None,
) -> Response:
    """Jobs, newest first."""
    statement = select(table).order_by(table.c.created_at.desc(), table.c.id.desc()).limit(limit + 1)
    if state is not None:
        statement = statement.where(table.c.state == state)
    if group is not None:
        statement = statement.where(table.c.group == group)
    if system is not None:
        statement = statement.where(or_(table.c.from_system == system, table.c.to_system == system))

    def read(connection: Connection) -> list[Row[Any]]:
        if after is None:
            return list(connection.execute(statement))
        last = jobs.find(connection, after)
        older = (table.c.created_at < last.created_at) | (
            (table.c.created_at == last.created_at) & (table.c.id < last.id)
        )
        return list(connection.execute(statement.where(older)))

    rows = witness.database.read(read)
    return answer(page([_shown(row) for row in rows], [row.id for row in rows], limit))


@router.get("/jobs/{job_id}", response_model=Job)
def get_job(witness: InWitness, principal: Viewer, job_id: str) -> Response:  # noqa: ARG001
    """One job."""
    return answer(_shown(witness.database.read(lambda connection: jobs.find(connection, job_id))))


@router.post("/jobs/{job_id}/claim", response_model=Claim)
def claim(witness: InWitness, principal: Agent, job_id: str, body: ClaimRequest) -> Response:
    """Take a job under a lease."""
    system = str(principal.system)
    liveness.check_installation(witness, principal, system, body.installation)

    def write(connection: Connection) -> dict[str, Any]:
        found = jobs.claim(connection, witness.settings, principal, job_id, body.installation, witness.clock())
        edge = edge_for(connection, found["edge"], system)
        return {**found, "edge": edge, "lease_seconds": witness.settings.lease_seconds}

    return answer(witness.database.write(write))


@router.post("/jobs/{job_id}/progress")
def progress(witness: InWitness, principal: Agent, job_id: str, body: Progress) -> ProgressAnswer:
    """Renew the lease, and say how far the job is."""
    cancelled = witness.database.write(
        lambda connection: jobs.progress(connection, witness.settings, principal, job_id, body, witness.clock())
    )
    return ProgressAnswer(cancel=cancelled, lease_seconds=witness.settings.lease_seconds)


@router.post("/jobs/{job_id}/finish", response_model=FinishAnswer)
def finish(witness: InWitness, principal: Agent, job_id: str, body: Finish) -> Response:
    """End a job. The same finish again is answered the same."""

    def write(connection: Connection) -> str:
        state = jobs.finish(connection, principal, job_id, body, witness.clock())
        after_commit(connection, lambda: witness.notifier.wake([str(principal.system)]))
        return state

    return answer({"state": witness.database.write(write)})


@router.post("/jobs/{job_id}/cancel", response_model=Job)
def cancel(witness: InWitness, principal: Operator, job_id: str) -> Response:
    """Cancel a waiting job, or have the agent end a running one."""
    return _decide(witness, lambda connection: jobs.cancel(connection, principal, job_id, witness.clock()), job_id)


@router.post("/jobs/{job_id}/abandon", response_model=Job)
def abandon(witness: InWitness, principal: Operator, job_id: str) -> Response:
    """Say that the host of a lost job is gone, so that it is queued anew."""
    return _decide(witness, lambda connection: jobs.abandon(connection, principal, job_id, witness.clock()), job_id)


def _decide(witness: InWitness, decision: Any, job_id: str) -> Response:
    def write(connection: Connection) -> dict[str, Any]:
        woken = decision(connection)
        after_commit(connection, lambda: witness.notifier.wake(woken))
        return _shown(jobs.find(connection, job_id))

    return answer(witness.database.write(write))


def _shown(row: Row[Any]) -> dict[str, Any]:
    same = (
        "id", "edge", "group", "relative", "from_system", "to_system", "target_dataset", "state", "attempt", "epoch",
        "bytes_done", "bytes_total", "bytes_per_second", "moved_snapshots", "moved_bytes", "message", "error",
    )  # fmt: skip
    moments = {"created": row.created_at, "started": row.started_at, "finished": row.finished_at}
    shown = {name: getattr(row, name) for name in same}
    return shown | {name: None if moment is None else instant(moment) for name, moment in moments.items()}
