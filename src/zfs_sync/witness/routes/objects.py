# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Single systems and sync groups: the same service as the fleet document, for one object."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from sqlalchemy import Connection

from zfs_sync.api.changes import FleetAnswer, RenameAnswer, SyncGroupRename, SystemRename
from zfs_sync.api.fleet import SyncGroupSpec, SystemSpec
from zfs_sync.core.errors import Fault, ZfsSyncError, pointer
from zfs_sync.core.names import check_group_name, check_system_name
from zfs_sync.witness.auth import Operator, Viewer
from zfs_sync.witness.clock import instant
from zfs_sync.witness.context import InWitness, Witness
from zfs_sync.witness.principal import Principal
from zfs_sync.witness.routes.answers import answer
from zfs_sync.witness.routes.parameters import (
    PAGE_LIMIT,
    After,
    IfMatch,
    Limit,
    OwnerQuery,
    RawBody,
    json_body,
    page,
)
from zfs_sync.witness.routing import new_router
from zfs_sync.witness.services import renaming, status
from zfs_sync.witness.services.desired import service, store
from zfs_sync.witness.services.desired.model import TITLE, Deletion, Key, Kind, Request, Stored
from zfs_sync.witness.services.desired.request import DEFAULT_OWNER, read_spec
from zfs_sync.witness.services.desired.service import Writing

Adopt = Annotated[bool, Query(description="Take the object over from another owner.")]
CreateOnly = Annotated[bool, Query(description="Fail where the object exists already.")]

_CHECKS = {"system": check_system_name, "sync_group": check_group_name}
_NOT_FOUND = {"system": "E_SYSTEM_NOT_FOUND", "sync_group": "E_SYNC_GROUP_NOT_FOUND"}
_PATHS: Mapping[Kind, str] = {"system": "/systems", "sync_group": "/sync-groups"}
_SPECS: Mapping[Kind, type] = {"system": SystemSpec, "sync_group": SyncGroupSpec}


def _routes(kind: Kind) -> APIRouter:
    router = new_router(_PATHS[kind].strip("/"))
    observe = _observed_system if kind == "system" else _observed_group
    path, title, model, not_found = _PATHS[kind], TITLE[kind], _SPECS[kind].__name__, _NOT_FOUND[kind]
    one = path + "/{name}"

    @router.get(path, name=f"list_{kind}s", summary=f"List {title}s", response_model=dict[str, Any])
    def list_objects(
        witness: InWitness,
        principal: Viewer,  # noqa: ARG001
        limit: Limit = PAGE_LIMIT,
        after: After = None,
    ) -> Response:
        """A page of objects by name."""
        rows = witness.database.read(lambda each: store.load_page(each, kind, after=after, limit=limit + 1))
        return answer(page([_shown(*row) for row in rows], [name for name, _ in rows], limit))

    @router.get(one, name=f"get_{kind}", summary=f"Get a {title}", response_model=dict[str, Any])
    def get_object(witness: InWitness, principal: Viewer, name: str) -> Response:  # noqa: ARG001
        """One object with its whole specification, and under `observed` what is known of it."""

        def read(connection: Connection) -> dict[str, Any]:
            stored = store.load_one(connection, (kind, name))
            if stored is None:
                raise ZfsSyncError(not_found, f"There is no {title} {ascii(name)[:80]}.")
            return _shown(name, stored) | {"observed": observe(connection, witness, name)}

        return answer(witness.database.read(read))

    @router.put(
        one,
        name=f"put_{kind}",
        summary=f"Declare a {title}",
        response_model=FleetAnswer,
        openapi_extra=json_body(model),
    )
    def put_object(
        witness: InWitness,
        principal: Operator,
        name: str,
        body: RawBody,
        owner: OwnerQuery = None,
        adopt: Adopt = False,
        create_only: CreateOnly = False,
        if_match: IfMatch = None,
    ) -> Response:
        """Make the object what the body says; fields that are absent keep what they have."""
        key = _checked(kind, name)
        request = read_spec(key, body, owner, adopt=adopt, create_only=create_only)
        return _applied(witness, principal, request, if_match)

    @router.delete(one, name=f"delete_{kind}", summary=f"Delete a {title}", response_model=FleetAnswer)
    def delete_object(
        witness: InWitness,
        principal: Operator,
        name: str,
        owner: OwnerQuery = None,
        adopt: Adopt = False,
        if_match: IfMatch = None,
    ) -> Response:
        """Take the object out of the fleet; one that is absent is unchanged. No data is touched."""
        deletion = Deletion(_checked(kind, name), ("path", "name"))
        request = Request(owner or DEFAULT_OWNER, deletions=(deletion,), adopt=adopt)
        return _applied(witness, principal, request, if_match)

    _add_rename(router, kind)
    return router


def _add_rename(router: APIRouter, kind: Kind) -> None:
    body_type = SystemRename if kind == "system" else SyncGroupRename

    @router.post(
        _PATHS[kind] + "/{name}/rename",
        name=f"rename_{kind}",
        summary=f"Rename a {TITLE[kind]}",
        response_model=RenameAnswer,
    )
    def rename_object(
        witness: InWitness,
        principal: Operator,
        name: str,
        body: body_type,  # type: ignore[valid-type]
        if_match: IfMatch = None,
    ) -> Response:
        """Give the object another name; everything that is known of it goes along, and nothing stops working."""
        writing = Writing(principal, witness.clock(), witness.notifier.wake)
        key = _checked(kind, name)
        to = str(body.name)  # type: ignore[attr-defined]  # one of two models that have it
        return answer(
            witness.database.write(lambda connection: renaming.rename(connection, writing, key, to, if_match))
        )


def _observed_system(connection: Connection, witness: Witness, name: str) -> dict[str, Any]:
    (row,) = status.system_rows(connection, witness.clock(), witness.settings.offline_after_seconds, {name})
    return row


def _observed_group(connection: Connection, witness: Witness, name: str) -> dict[str, Any]:
    entries = status.edge_rows(connection, witness.clock(), group=name)
    return {"summary": status.summary(entries), "items": entries}


def _applied(witness: Witness, principal: Principal, request: Request, if_match: str | None) -> Response:
    writing = Writing(principal, witness.clock(), witness.notifier.wake)
    return answer(witness.database.write(lambda connection: service.apply(connection, request, writing, if_match)))


def _checked(kind: Kind, name: str) -> Key:
    try:
        _CHECKS[kind](name)
    except ValueError as error:
        fault = Fault(pointer("path", "name"), str(error))
        raise ZfsSyncError("E_VALIDATION", f"This cannot name a {TITLE[kind]}.", faults=[fault]) from error
    return kind, name


def _shown(name: str, stored: Stored) -> dict[str, Any]:
    return {
        "name": name,
        "owner": stored.owner,
        "created": instant(stored.created_at),
        "updated": instant(stored.updated_at),
        **stored.spec,
    }


systems = _routes("system")
sync_groups = _routes("sync_group")
