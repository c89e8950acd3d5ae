# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The agents' long poll."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import Header, Query, Response
from fastapi.concurrency import run_in_threadpool

from zfs_sync.api.protocol import FIRST
from zfs_sync.api.work import Work
from zfs_sync.witness.auth import Agent, still_alive
from zfs_sync.witness.context import InWitness, Witness
from zfs_sync.witness.principal import Principal
from zfs_sync.witness.routes.answers import answer
from zfs_sync.witness.routes.own import own_name
from zfs_sync.witness.routes.parameters import AgentProtocol
from zfs_sync.witness.routing import new_router
from zfs_sync.witness.services import former_names, liveness, work

router = new_router("agents")

Wait = Annotated[int, Query(ge=0, le=300, description="How many seconds to wait for a change at the most.")]
IfNoneMatch = Annotated[str | None, Header(description="The ETag of what the agent knows.")]


@router.get("/systems/{name}/work", response_model=Work)
async def get_work(
    witness: InWitness,
    principal: Agent,
    name: str,
    wait: Wait = 0,
    if_none_match: IfNoneMatch = None,
    protocol: AgentProtocol = FIRST,
) -> Response:
    """All that this host needs to know. With If-None-Match it is answered when that changes, or 304 after `wait`."""
    name = await run_in_threadpool(own_name, witness, principal, name)
    liveness.check_protocol(protocol)
    left = float(min(wait, witness.settings.long_poll_seconds))
    while True:
        generation = witness.notifier.generation(name)
        now = witness.clock()
        body, due = await run_in_threadpool(_read, witness, principal, name, now, protocol)
        tag = work.etag(body)
        if tag != if_none_match:
            found = answer(body)
            found.headers["ETag"] = tag
            return found
        if left <= 0:
            return Response(status_code=304, headers={"ETag": tag})
        pause = left if due is None else min(left, due + 0.05)
        if not await witness.notifier.wait(name, pause, generation):
            left = 0.0 if pause >= left else left - pause


def _read(
    witness: Witness, principal: Principal, name: str, now: datetime, protocol: int
) -> tuple[dict[str, Any], float | None]:
    def read(connection: Any) -> tuple[dict[str, Any], float | None]:
        still_alive(connection, principal, now)
        system = former_names.current(connection, "system", name)  # it may have been renamed while it waited
        liveness.host_of(connection, system)
        body = work.for_system(connection, witness.settings, system, now, protocol)
        return body, work.seconds_until_due(connection, system, now)

    return witness.database.read(read)
