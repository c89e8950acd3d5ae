# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The routes, a module each; the order is that of the reference page."""

from collections.abc import Sequence

from fastapi import APIRouter

from zfs_sync.witness.routes import health, version

ROUTERS: Sequence[APIRouter] = (
    health.router,
    version.router,
)
