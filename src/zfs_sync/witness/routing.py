# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Routes that are guarded by construction."""

from collections.abc import Callable, Coroutine, Iterator
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from zfs_sync.core.errors import Fault, ZfsSyncError, pointer
from zfs_sync.witness.auth import NoRole, RequireRole, authenticate

PREFIX = "/api/v1"


class GuardedRoute(APIRoute):
    """A route that checks the key before it reads the body, and refuses query parameters that it does not know."""

    guard: RequireRole | NoRole

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's handler behind the checks. Raises RuntimeError for a route without exactly one role."""
        handle = super().get_route_handler()
        guard = self.guard = _guard(self)
        known = {field.alias for each in (self.dependant, *_all(self.dependant)) for field in each.query_params}
        self.description = f"{self.description}\n\n{_role_note(guard)}".strip()

        async def guarded(request: Request) -> Response:
            if isinstance(guard, RequireRole):
                header = request.headers.get("Authorization")
                principal = await run_in_threadpool(authenticate, request.app.state.witness, header)
                guard.check(principal)
                request.state.principal = principal
            _check_query(request, known)
            return await handle(request)

        return guarded


def new_router(tag: str, prefix: str = PREFIX) -> APIRouter:
    """A router whose routes must name their role."""
    return APIRouter(prefix=prefix, tags=[tag], route_class=GuardedRoute)


def _guard(route: APIRoute) -> RequireRole | NoRole:
    guards = [each.call for each in _all(route.dependant) if isinstance(each.call, RequireRole | NoRole)]
    if len(guards) != 1:
        raise RuntimeError(f"{route.methods} {route.path} must name its role once, by require_role or open_to_all")
    found: RequireRole | NoRole = guards[0]
    return found


def _all(dependant: Dependant) -> Iterator[Dependant]:
    for each in dependant.dependencies:
        yield each
        yield from _all(each)


def _role_note(guard: RequireRole | NoRole) -> str:
    if isinstance(guard, NoRole):
        return "Needs no key."
    return f"Role: {' or '.join(guard.roles)}."


def _check_query(request: Request, known: set[str]) -> None:
    unknown = sorted(set(request.query_params) - known)
    if unknown:
        expected = ", ".join(sorted(known)) or "none"
        faults = [Fault(pointer("query", name), f"this parameter is not known; known: {expected}") for name in unknown]
        raise ZfsSyncError("E_VALIDATION", "The request has unknown query parameters.", faults=faults)
