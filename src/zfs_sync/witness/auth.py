# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Who may call a route: each route names its role, and a route that names none cannot be made.

A key is looked up by its public part and compared by hash in constant time. It is checked before the body is read, so
that nobody without a key makes the witness parse anything.
"""

import hmac
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request
from fastapi.openapi.models import HTTPBearer
from fastapi.security.base import SecurityBase
from sqlalchemy import Connection, Row, select

from zfs_sync.core import tokens
from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.witness.context import Witness
from zfs_sync.witness.db.desired import api_keys
from zfs_sync.witness.principal import Principal


class RequireRole(SecurityBase):
    """A dependency that gives the principal; ``GuardedRoute`` has checked it before the handler runs."""

    def __init__(self, *roles: str) -> None:
        self.roles = roles
        self.model = HTTPBearer(description="An API key: `Authorization: Bearer zs_...`")
        self.scheme_name = "apiKey"

    async def __call__(self, request: Request) -> Principal:
        """The principal of the request at hand."""
        principal: Principal = request.state.principal
        return principal

    def check(self, principal: Principal) -> None:
        """Raise E_FORBIDDEN unless the principal has one of the roles."""
        if not any(principal.may(role) for role in self.roles):
            wanted = " or ".join(self.roles)
            raise ZfsSyncError(
                "E_FORBIDDEN", f"The key '{principal.name}' has role {principal.role}; this takes {wanted}."
            )


class NoRole:
    """The mark of a route that is open to everybody."""

    async def __call__(self) -> None:
        """Nothing is known about who calls."""


def require_role(*roles: str) -> RequireRole:
    """The dependency of a route for these roles: any of them is enough, and admin covers operator covers viewer."""
    return RequireRole(*roles)


Viewer = Annotated[Principal, Depends(require_role("viewer"))]
Operator = Annotated[Principal, Depends(require_role("operator"))]
Admin = Annotated[Principal, Depends(require_role("admin"))]
Agent = Annotated[Principal, Depends(require_role("agent"))]
Enrol = Annotated[Principal, Depends(require_role("enrol"))]
ViewerOrAgent = Annotated[Principal, Depends(require_role("viewer", "agent"))]
AnyKey = Annotated[Principal, Depends(require_role("viewer", "agent", "enrol"))]
open_to_all = Depends(NoRole())


def authenticate(witness: Witness, header: str | None) -> Principal:
    """Who sends this Authorization header. Raises E_UNAUTHENTICATED, E_KEY_MALFORMED, E_ENROL_USED, E_ENROL_EXPIRED."""
    token = _token(header)
    now = witness.clock()
    row = witness.database.read(lambda connection: _find(connection, token.lookup))
    if row is None or not hmac.compare_digest(row.token_sha256, token.sha256) or row.role != token.kind:
        raise ZfsSyncError("E_UNAUTHENTICATED", "The API key is not known here.")
    _check_alive(row, now)
    witness.last_used.note(row.id, now)
    return Principal(row.id, row.role, row.system, row.name)


def still_alive(connection: Connection, principal: Principal, now: datetime) -> None:
    """Raise E_UNAUTHENTICATED when the key of a request that has been held meanwhile was ended or has expired."""
    row = _find(connection, principal.key_id or "")
    if row is None:
        raise ZfsSyncError("E_UNAUTHENTICATED", "The API key is not known here.")
    _check_alive(row, now)


def _token(header: str | None) -> tokens.Token:
    scheme, _, text = (header or "").partition(" ")
    if scheme.lower() != "bearer" or not text.strip():
        raise ZfsSyncError("E_UNAUTHENTICATED", "The request carries no API key.")
    return tokens.parse(text.strip())


def _find(connection: Connection, lookup: str) -> Row[tuple[object, ...]] | None:
    return connection.execute(select(api_keys).where(api_keys.c.id == lookup)).one_or_none()


def _check_alive(row: Row[tuple[object, ...]], now: datetime) -> None:
    """Raise unless the key may still speak. A consumed enrol key may: route enrol tells a replay from a second use."""
    if row.consumed_by is not None:
        return
    if row.revoked_at is not None:
        raise ZfsSyncError("E_UNAUTHENTICATED", f"The API key '{row.name}' was revoked.")
    if row.expires_at is not None and row.expires_at <= now:
        code = "E_ENROL_EXPIRED" if row.role == "enrol" else "E_UNAUTHENTICATED"
        raise ZfsSyncError(code, f"The API key '{row.name}' has expired.")
