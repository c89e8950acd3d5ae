# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Jobs as they go on, as server-sent events: one job to its end, or all of the fleet's.

A listener waits for the next commit of the database on the event loop, and holds no thread while it waits. What comes
quickly one after the other is told together. FastAPI sends a comment now and then while there is nothing to tell, so
that whatever stands between does not take the connection for dead.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Header, Query
from fastapi.concurrency import run_in_threadpool
from fastapi.sse import EventSourceResponse, ServerSentEvent
from sqlalchemy import Connection

from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.witness.auth import Viewer, still_alive
from zfs_sync.witness.context import InWitness, Witness
from zfs_sync.witness.notifier import COMMITS
from zfs_sync.witness.principal import Principal
from zfs_sync.witness.routing import new_router
from zfs_sync.witness.services import job_view, jobs
from zfs_sync.witness.services.scheduling import ALIVE

T = TypeVar("T")

router = new_router("jobs")
TOGETHER_SECONDS = 0.5
"""What happens within this time is told together."""
CHECK_SECONDS = 30.0
"""How long nothing may happen until a listener's key is looked at again."""

Group = Annotated[str | None, Query(max_length=63, description="Only jobs of this sync group.")]
System = Annotated[str | None, Query(max_length=63, description="Only jobs that this system sends or receives.")]
LastEventId = Annotated[
    str | None,
    Header(pattern=r"^[0-9]{1,18}$", description="The last event that the client has seen: go on behind it."),
]


async def _seat(witness: InWitness) -> AsyncIterator[None]:
    witness.seats.take()
    try:
        yield
    finally:
        witness.seats.leave()


def _known(witness: InWitness, job_id: str) -> None:
    """Raise E_JOB_NOT_FOUND before the stream has begun."""
    witness.database.read(lambda connection: jobs.find(connection, job_id))


@router.get("/jobs/{job_id}/events", response_class=EventSourceResponse, dependencies=[Depends(_known), Depends(_seat)])
async def follow_job(witness: InWitness, principal: Viewer, job_id: str) -> AsyncIterator[ServerSentEvent]:
    """One job as it goes on, as events named `job`; the stream ends with the job."""
    told: dict[str, Any] = {}
    async for job in _changes(witness, principal, lambda each: job_view.shown(jobs.find(each, job_id))):
        if job != told:
            told = job
            yield ServerSentEvent(event="job", data=job)
        if job["state"] not in ALIVE:
            return


@router.get("/events", response_class=EventSourceResponse, dependencies=[Depends(_seat)])
async def follow_fleet(
    witness: InWitness,
    principal: Viewer,
    group: Group = None,
    system: System = None,
    last_event_id: LastEventId = None,
) -> AsyncIterator[ServerSentEvent]:
    """Each change of state of any job from now on, or behind `Last-Event-ID`, as events named `job`."""
    place = int(last_event_id) if last_event_id else await run_in_threadpool(_newest, witness)
    yield ServerSentEvent(comment="listening")

    def read(connection: Connection) -> list[tuple[int, dict[str, Any]]]:
        return job_view.transitions(connection, after=place)

    async for first in _changes(witness, principal, read):
        batch = first
        while batch:
            for number, event in batch:
                place = number
                ends = (event["from_system"], event["to_system"])
                if group in (None, event["group"]) and (system is None or system in ends):
                    yield ServerSentEvent(event="job", id=str(number), data=event)
            batch = await run_in_threadpool(witness.database.read, read)


def _newest(witness: Witness) -> int:
    return witness.database.read(job_view.newest_transition)


async def _changes(witness: Witness, principal: Principal, read: Callable[[Connection], T]) -> AsyncIterator[T]:
    """What ``read`` gives now and after each change, until the witness or the key ends, or what is read is gone."""

    def checked(connection: Connection) -> T:
        still_alive(connection, principal, witness.clock())
        return read(connection)

    while not witness.notifier.closed:
        generation = witness.notifier.generation(COMMITS)
        try:
            found = await run_in_threadpool(witness.database.read, checked)
        except ZfsSyncError:
            return
        yield found
        if await witness.notifier.wait(COMMITS, CHECK_SECONDS, generation):
            await asyncio.sleep(TOGETHER_SECONDS)
