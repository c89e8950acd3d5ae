# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The routes, a module each; the order is that of the reference page."""

from collections.abc import Sequence

from fastapi import APIRouter

from zfs_sync.witness.routes import (
    agents,
    api_keys,
    audit,
    docs,
    events,
    fleet,
    health,
    jobs,
    metrics,
    objects,
    pending,
    snapshots,
    statistics,
    status,
    version,
    work,
)

ROUTERS: Sequence[APIRouter] = (
    health.router,
    docs.router,
    version.router,
    fleet.router,
    objects.systems,
    pending.router,
    objects.sync_groups,
    api_keys.router,
    agents.router,
    work.router,
    jobs.router,
    events.router,
    status.router,
    statistics.router,
    snapshots.router,
    audit.router,
    metrics.router,
)
