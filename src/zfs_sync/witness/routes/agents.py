# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""What an agent says about its host: enrolment, heartbeats, reports."""

from typing import Annotated, Any

from fastapi import Query, Response
from sqlalchemy import Connection

from zfs_sync.api.reports import (
    Enrolment,
    EnrolmentAnswer,
    Heartbeat,
    HeartbeatAnswer,
    HeldReport,
    Report,
    ReportAnswer,
)
from zfs_sync.witness.auth import Agent, Enrol, ViewerOrAgent
from zfs_sync.witness.context import InWitness
from zfs_sync.witness.db.database import after_commit
from zfs_sync.witness.routes.answers import answer
from zfs_sync.witness.routes.parameters import PAGE_LIMIT, After, Limit, page
from zfs_sync.witness.routing import new_router
from zfs_sync.witness.services import enrol, held, jobs, liveness, reports

router = new_router("agents")

Installation = Annotated[str, Query(min_length=1, max_length=64, description="The installation that asks.")]


@router.post("/enrol")
def enrol_agent(witness: InWitness, principal: Enrol, body: Enrolment) -> EnrolmentAnswer:
    """Introduce the key that an agent has made for itself. The enrol key works once."""

    def write(connection: Connection) -> None:
        woken = enrol.enrol(connection, principal, body, witness.clock())
        after_commit(connection, lambda: witness.notifier.wake(woken))

    witness.database.write(write)
    return EnrolmentAnswer(system=body.system)


@router.get("/systems/{name}/enrolment")
def get_enrolment(witness: InWitness, principal: Agent, name: str, installation: Installation) -> EnrolmentAnswer:
    """Whether this key speaks for the system, from this installation: answered, or refused with the reason."""
    principal.check_own(name)
    witness.database.read(lambda connection: liveness.check_enrolled(connection, name, installation))
    return EnrolmentAnswer(system=name)


@router.post("/systems/{name}/heartbeat")
def heartbeat(witness: InWitness, principal: Agent, name: str, body: Heartbeat) -> HeartbeatAnswer:
    """A sign of life of a host on which nothing changed."""
    principal.check_own(name)
    liveness.check_protocol(body.protocol)
    liveness.check_installation(witness, principal, name, body.installation)
    now = witness.clock()

    def write(connection: Connection) -> bool:
        liveness.touch(connection, name, now, agent_version=body.agent_version)
        if jobs.running_elsewhere(connection, name, list(body.running), now):
            after_commit(connection, lambda: witness.notifier.wake([name]))
        host = liveness.host_of(connection, name)
        return host is not None and host.generation is not None and host.generation == body.generation

    return HeartbeatAnswer(report="ok" if witness.database.write(write) else "send_full")


@router.post("/systems/{name}/reports")
def report(witness: InWitness, principal: Agent, name: str, body: Report) -> ReportAnswer:
    """Take one part of a report. A full one becomes current with its last part."""
    principal.check_own(name)
    liveness.check_protocol(body.protocol)
    liveness.check_installation(witness, principal, name, body.installation)

    def write(connection: Connection) -> str | None:
        woken = reports.accept(connection, witness.settings, name, body, witness.clock())
        after_commit(connection, lambda: witness.notifier.wake(woken))
        host = liveness.host_of(connection, name)
        return None if host is None else host.generation

    return ReportAnswer(generation=witness.database.write(write), accepted=True)


@router.get("/systems/{name}/reports", response_model=HeldReport)
def held_report(
    witness: InWitness, principal: ViewerOrAgent, name: str, limit: Limit = PAGE_LIMIT, after: After = None
) -> Response:
    """What is held of a system: its datasets with the GUIDs of their snapshots. An agent key sees its own system."""
    if principal.system is not None:
        principal.check_own(name)

    def read(connection: Connection) -> dict[str, Any]:
        host = liveness.host_of(connection, name)
        rows = held.page(connection, name, after=after, limit=limit + 1)
        known = {"generation": None, "installation": None} if host is None else dict(host._mapping)  # noqa: SLF001
        shown = {"generation": known["generation"], "installation": known["installation"]}
        return shown | page(rows, [each["path"] for each in rows], limit)

    return answer(witness.database.read(read))
