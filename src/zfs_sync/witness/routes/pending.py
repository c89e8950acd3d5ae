# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Agents that wait for approval: listed, approved, turned away."""

from fastapi import Response
from sqlalchemy import Connection

from zfs_sync.api.changes import FleetAnswer
from zfs_sync.api.status import PendingPage, PendingSystem
from zfs_sync.witness.auth import Operator, Viewer
from zfs_sync.witness.context import InWitness
from zfs_sync.witness.db.database import after_commit
from zfs_sync.witness.routes.answers import answer
from zfs_sync.witness.routes.parameters import PAGE_LIMIT, After, IfMatch, Limit, OwnerQuery, page
from zfs_sync.witness.routing import new_router
from zfs_sync.witness.services import pending, status
from zfs_sync.witness.services.desired import service
from zfs_sync.witness.services.desired.request import read_spec
from zfs_sync.witness.services.desired.service import Writing

router = new_router("systems")


@router.get("/pending-systems", response_model=PendingPage)
def list_pending(
    witness: InWitness,
    principal: Viewer,  # noqa: ARG001
    limit: Limit = PAGE_LIMIT,
    after: After = None,
) -> Response:
    """Agents that wait for approval, by name."""
    rows = witness.database.read(lambda connection: pending.page(connection, after=after, limit=limit + 1))
    return answer(page([status.pending_row(row) for row in rows], [row.name for row in rows], limit))


@router.post("/systems/{name}/approve", response_model=FleetAnswer)
def approve(
    witness: InWitness, principal: Operator, name: str, owner: OwnerQuery = None, if_match: IfMatch = None
) -> Response:
    """Declare the system of an agent that waits, with what is usual, so that the agent speaks for it."""
    writing = Writing(principal, witness.clock(), witness.notifier.wake)
    request = read_spec(("system", name), b"{}", owner, adopt=False, create_only=True)

    def write(connection: Connection) -> dict[str, object]:
        pending.required(connection, name)
        return service.apply(connection, request, writing, if_match)

    return answer(witness.database.write(write))


@router.post("/systems/{name}/reject")
def reject(witness: InWitness, principal: Operator, name: str) -> PendingSystem:
    """Turn an agent that waits away: its key ends at once."""

    def write(connection: Connection) -> PendingSystem:
        row = pending.required(connection, name)
        pending.reject(connection, principal, name, witness.clock())
        after_commit(connection, lambda: witness.notifier.wake([name]))
        return PendingSystem(**status.pending_row(row))

    return witness.database.write(write)
