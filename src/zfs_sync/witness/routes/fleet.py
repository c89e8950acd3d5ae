# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Plan, apply, export: the whole fleet document in one request and one transaction."""

from typing import Any

from fastapi import Response

from zfs_sync.api.changes import FleetAnswer
from zfs_sync.witness.auth import Operator, Viewer
from zfs_sync.witness.context import InWitness
from zfs_sync.witness.routes.answers import answer
from zfs_sync.witness.routes.parameters import IfMatch, OwnerQuery, RawBody, json_body
from zfs_sync.witness.routing import new_router
from zfs_sync.witness.services.desired import service
from zfs_sync.witness.services.desired.request import read_fleet_request
from zfs_sync.witness.services.desired.service import Writing

router = new_router("fleet")


@router.post("/fleet/plan", response_model=FleetAnswer, openapi_extra=json_body("FleetRequest"))
def plan(witness: InWitness, principal: Viewer, body: RawBody) -> Response:  # noqa: ARG001
    """What apply would change. Writes nothing."""
    request = read_fleet_request(body)
    return answer(witness.database.read(lambda connection: service.plan(connection, request)))


@router.post("/fleet/apply", response_model=FleetAnswer, openapi_extra=json_body("FleetRequest"))
def apply(witness: InWitness, principal: Operator, body: RawBody, if_match: IfMatch = None) -> Response:
    """Make desired state what the document says: all of it, or nothing."""
    request = read_fleet_request(body)
    writing = Writing(principal, witness.clock(), witness.notifier.wake)
    return answer(witness.database.write(lambda connection: service.apply(connection, request, writing, if_match)))


@router.get("/fleet", response_model=dict[str, Any])
def export(witness: InWitness, principal: Viewer, owner: OwnerQuery = None) -> Response:  # noqa: ARG001
    """Desired state as a document that applies as unchanged."""
    return answer(witness.database.read(lambda connection: service.export(connection, owner)))
