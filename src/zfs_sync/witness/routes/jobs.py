# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Jobs: claimed, kept alive and ended by agents; listed, cancelled, run again and given up by people."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Query, Response
from pydantic import AwareDatetime
from sqlalchemy import Connection

from zfs_sync.api.jobs import Job, JobPage
from zfs_sync.api.protocol import FIRST, told
from zfs_sync.api.work import Claim, ClaimRequest, Finish, FinishAnswer, JobState, Progress, ProgressAnswer
from zfs_sync.witness.auth import Agent, Operator, Viewer
from zfs_sync.witness.context import InWitness, Witness
from zfs_sync.witness.db.database import after_commit
from zfs_sync.witness.routes.answers import answer
from zfs_sync.witness.routes.parameters import PAGE_LIMIT, AgentProtocol, Limit, page
from zfs_sync.witness.routing import new_router
from zfs_sync.witness.services import job_view, jobs, liveness, retry, room
from zfs_sync.witness.services.job_view import Search
from zfs_sync.witness.services.work import edge_for

router = new_router("jobs")
States = Annotated[list[JobState] | None, Query(alias="state", description="Only jobs in this state; repeatable.")]
Group = Annotated[str | None, Query(max_length=63, description="Only jobs of this sync group.")]
System = Annotated[str | None, Query(max_length=63, description="Only jobs that this system sends or receives.")]
Since = Annotated[AwareDatetime | None, Query(description="Only jobs that were queued at this moment or later.")]
Place = Annotated[
    str | None,
    Query(pattern=r"^[0-9]{1,17}-[0-9a-f]{1,32}$", description="What the page before gave as `next`."),
]


@router.get("/jobs", response_model=JobPage)
def list_jobs(
    witness: InWitness,
    principal: Viewer,  # noqa: ARG001
    states: States = None,
    group: Group = None,
    system: System = None,
    since: Since = None,
    limit: Limit = PAGE_LIMIT,
    after: Place = None,
) -> Response:
    """Jobs, newest first."""
    search = Search(states or (), group, system, since)
    rows = witness.database.read(lambda each: job_view.found(each, search, after=after, limit=limit + 1))
    return answer(page([job_view.shown(row) for row in rows], [job_view.place(row) for row in rows], limit))


@router.get("/jobs/{job_id}", response_model=Job)
def get_job(witness: InWitness, principal: Viewer, job_id: str) -> Response:  # noqa: ARG001
    """One job with its history."""

    def read(connection: Connection) -> dict[str, Any]:
        row = jobs.find(connection, job_id)
        return {**job_view.shown(row), "history": job_view.history(connection, row.id)}

    return answer(witness.database.read(read))


@router.post("/jobs/{job_id}/claim", response_model=Claim)
def claim(
    witness: InWitness, principal: Agent, job_id: str, body: ClaimRequest, protocol: AgentProtocol = FIRST
) -> Response:
    """Take a job under a lease."""
    system = str(principal.system)
    liveness.check_protocol(protocol)
    liveness.check_installation(witness, principal, system, body.installation)

    def write(connection: Connection) -> dict[str, Any]:
        found = jobs.claim(connection, witness.settings, principal, job_id, body.installation, witness.clock())
        edge = edge_for(connection, found["edge"], system)
        whole = {**found, "edge": edge, "lease_seconds": witness.settings.lease_seconds}
        fitting = told(Claim, whole, protocol)
        if fitting is None:
            raise liveness.too_old(protocol, f"edge {edge['id']}")
        return fitting

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
        woken = {str(principal.system)} | room.waiting_beside(connection, jobs.find(connection, job_id))
        after_commit(connection, lambda: witness.notifier.wake(woken))
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


@router.post("/jobs/{job_id}/retry", response_model=Job)
def retry_job(witness: InWitness, principal: Operator, job_id: str) -> Response:
    """Run again now what a failed or cancelled job did not bring; the answer is the job that does it."""

    def write(connection: Connection) -> dict[str, Any]:
        fresh = retry.retry(connection, principal, job_id, witness.clock())
        after_commit(connection, lambda: witness.notifier.wake([fresh.to_system]))
        return job_view.shown(fresh)

    return answer(witness.database.write(write))


def _decide(witness: Witness, decision: Callable[[Connection], set[str]], job_id: str) -> Response:
    def write(connection: Connection) -> dict[str, Any]:
        woken = decision(connection)
        after_commit(connection, lambda: witness.notifier.wake(woken))
        return job_view.shown(jobs.find(connection, job_id))

    return answer(witness.database.write(write))
