# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The fleet in numbers."""

from datetime import timedelta
from typing import Annotated, Any

from fastapi import Query, Response
from sqlalchemy import Connection

from zfs_sync.api.annotations import Duration
from zfs_sync.api.statistics import Statistics
from zfs_sync.core.numbers import parse_duration
from zfs_sync.witness.auth import Viewer
from zfs_sync.witness.clock import instant
from zfs_sync.witness.context import InWitness
from zfs_sync.witness.routes.answers import answer
from zfs_sync.witness.routes.parameters import PAGE_LIMIT, After, Limit, page
from zfs_sync.witness.routing import new_router
from zfs_sync.witness.services import figures

router = new_router("status")
Window = Annotated[
    Duration, Query(description="How far back ended jobs are counted, at most as long as jobs are kept.")
]


@router.get("/statistics", response_model=Statistics)
def get_statistics(
    witness: InWitness,
    principal: Viewer,  # noqa: ARG001
    window: Window = "1d",
    limit: Limit = PAGE_LIMIT,
    after: After = None,
) -> Response:
    """Systems, datasets, snapshots, bytes and jobs, of the fleet and of each system."""
    now = witness.clock()
    since = now - timedelta(seconds=parse_duration(window))

    def read(connection: Connection) -> dict[str, Any]:
        fleet, systems = figures.figures(connection, now, since, witness.settings.offline_after_seconds)
        rest = [each for each in systems if after is None or each["name"] > after]
        shown = page(rest, [each["name"] for each in rest], limit)
        return {"since": instant(since), "fleet": fleet, **shown}

    return answer(witness.database.read(read))
