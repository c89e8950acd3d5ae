# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Is the process alive, and can it work? For systemd, load balancers and monitoring."""

from typing import Any

from sqlalchemy import Connection, select

from zfs_sync.witness.auth import open_to_all
from zfs_sync.witness.context import InWitness
from zfs_sync.witness.db.desired import meta
from zfs_sync.witness.routing import new_router

router = new_router("health", prefix="/health")


@router.get("/live", dependencies=[open_to_all])
async def live() -> dict[str, Any]:
    """The process answers."""
    return {"status": "ok"}


@router.get("/ready", dependencies=[open_to_all])
def ready(witness: InWitness) -> dict[str, Any]:
    """The database can be read and written; 503 with E_DATABASE_UNAVAILABLE where it cannot."""
    witness.database.read(_touch)
    witness.database.write(_touch)
    return {"status": "ok", "database": "ok"}


def _touch(connection: Connection) -> None:
    connection.execute(select(meta.c.value).limit(1)).all()
