# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The application: its parts are passed in, its routes are collected, nothing is global."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from structlog.typing import FilteringBoundLogger

from zfs_sync import __version__
from zfs_sync.witness import problems
from zfs_sync.witness.clock import Clock
from zfs_sync.witness.context import Witness
from zfs_sync.witness.db.database import Database
from zfs_sync.witness.envelope import Envelope
from zfs_sync.witness.last_used import LastUsed
from zfs_sync.witness.logs import make_logger
from zfs_sync.witness.notifier import COMMITS, Notifier
from zfs_sync.witness.routes import ROUTERS
from zfs_sync.witness.seats import Seats
from zfs_sync.witness.settings import Settings
from zfs_sync.witness.sweep import sweeping
from zfs_sync.witness.traffic import Traffic


def create_app(
    settings: Settings, clock: Clock, database: Database, log: FilteringBoundLogger | None = None
) -> FastAPI:
    """The witness as an ASGI application. It closes neither the database nor anything else that it was given."""
    witness = Witness(
        settings=settings,
        clock=clock,
        database=database,
        notifier=Notifier(),
        last_used=LastUsed(database),
        traffic=Traffic(),
        seats=Seats(settings.event_listeners),
        log=log or make_logger(settings.log_level),
    )
    database.follow(lambda: witness.notifier.wake([COMMITS]))
    app = FastAPI(
        title="ZFS Sync witness",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        telemetry={"tracing": False, "metrics": False, "logs": False},
        lifespan=_lifespan,
    )
    app.state.witness = witness
    for router in ROUTERS:
        # Taken over as they are: include_router would build every route, with its validators, a second time.
        app.router.routes.extend(router.routes)
    problems.install(app)
    app.add_middleware(
        Envelope,
        log=witness.log,
        traffic=witness.traffic,
        max_body_bytes=settings.max_body_bytes,
        secure=settings.tls_certificate is not None,
    )
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    witness: Witness = app.state.witness
    async with sweeping(witness):
        yield
    witness.notifier.close()
    witness.last_used.flush()
