# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""What an agent says about its host: enrolment, heartbeats, reports."""

from dataclasses import replace
from typing import Annotated, Any

from fastapi import Query, Response
from sqlalchemy import Connection

from zfs_sync.api.protocol import FIRST, told
from zfs_sync.api.reports import (
    Enrolment,
    EnrolmentAnswer,
    Heartbeat,
    HeartbeatAnswer,
    HeldReport,
    Report,
    ReportAnswer,
    Succession,
    SuccessionAnswer,
)
from zfs_sync.api.structure import unstructure
from zfs_sync.witness.auth import Agent, Enrol, ViewerOrAgent
from zfs_sync.witness.context import InWitness, Witness
from zfs_sync.witness.db.database import after_commit
from zfs_sync.witness.routes.answers import answer
from zfs_sync.witness.routes.own import own_name
from zfs_sync.witness.routes.parameters import PAGE_LIMIT, After, AgentProtocol, Limit, page
from zfs_sync.witness.routing import new_router
from zfs_sync.witness.services import enrol, former_names, held, jobs, liveness, renewal, reports

router = new_router("agents")

Installation = Annotated[str, Query(min_length=1, max_length=64, description="The installation that asks.")]


@router.post("/enrol", response_model=EnrolmentAnswer)
def enrol_agent(witness: InWitness, principal: Enrol, body: Enrolment) -> Response:
    """Introduce the key that an agent has made for itself. An enrol key of one system works once."""

    def write(connection: Connection) -> None:
        known = replace(body, system=former_names.current(connection, "system", body.system))
        woken = enrol.enrol(connection, principal, known, witness.clock())
        after_commit(connection, lambda: witness.notifier.wake(woken))

    witness.database.write(write)
    return _standing(witness, body.system, body.protocol)


@router.get("/systems/{name}/enrolment", response_model=EnrolmentAnswer)
def get_enrolment(
    witness: InWitness, principal: Agent, name: str, installation: Installation, protocol: AgentProtocol = FIRST
) -> Response:
    """Whether this key speaks for the system, from this installation: answered, or refused with the reason."""
    system = own_name(witness, principal, name)
    witness.database.read(lambda connection: liveness.check_enrolled(connection, system, installation))
    return _standing(witness, name, protocol)


def _standing(witness: Witness, name: str, protocol: int) -> Response:
    system = witness.database.read(lambda connection: former_names.current(connection, "system", name))
    waits = witness.database.read(lambda connection: liveness.waits(connection, system))
    found = EnrolmentAnswer(system=name, state="pending" if waits else "enrolled")
    return answer(told(EnrolmentAnswer, unstructure(found), protocol) or {})


@router.post("/systems/{name}/key")
def renew_key(witness: InWitness, principal: Agent, name: str, body: Succession) -> SuccessionAnswer:
    """Introduce the successor of an agent's key, which somebody has asked for. The old key goes on for its overlap."""
    system = own_name(witness, principal, name)
    liveness.check_installation(witness, principal, system, body.installation)
    witness.database.write(lambda connection: renewal.succeed(connection, principal, system, body, witness.clock()))
    return SuccessionAnswer(system=name, key=body.token_lookup)


@router.post("/systems/{name}/heartbeat", response_model=HeartbeatAnswer)
def heartbeat(witness: InWitness, principal: Agent, name: str, body: Heartbeat) -> Response:
    """A sign of life of a host on which nothing changed."""
    name = own_name(witness, principal, name)
    liveness.check_protocol(body.protocol)
    liveness.check_installation(witness, principal, name, body.installation)
    now = witness.clock()

    def write(connection: Connection) -> bool:
        trouble = unstructure(body.trouble) if body.trouble else None
        liveness.touch(connection, name, now, agent_version=body.agent_version, trouble=trouble)
        if jobs.running_elsewhere(connection, name, list(body.running), now):
            after_commit(connection, lambda: witness.notifier.wake([name]))
        host = liveness.host_of(connection, name)
        return host is not None and host.generation is not None and host.generation == body.generation

    known = witness.database.write(write)
    renew = witness.database.read(lambda connection: renewal.wanted(connection, principal))
    found = HeartbeatAnswer(report="ok" if known else "send_full", key="renew" if renew else "ok")
    return answer(told(HeartbeatAnswer, unstructure(found), body.protocol) or {})


@router.post("/systems/{name}/reports")
def report(witness: InWitness, principal: Agent, name: str, body: Report) -> ReportAnswer:
    """Take one part of a report. A full one becomes current with its last part."""
    name = own_name(witness, principal, name)
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
        name = own_name(witness, principal, name)

    def read(connection: Connection) -> dict[str, Any]:
        host = liveness.host_of(connection, name)
        rows = held.page(connection, name, after=after, limit=limit + 1)
        known = {"generation": None, "installation": None} if host is None else dict(host._mapping)  # noqa: SLF001
        shown = {"generation": known["generation"], "installation": known["installation"]}
        return shown | page(rows, [each["path"] for each in rows], limit)

    return answer(witness.database.read(read))
