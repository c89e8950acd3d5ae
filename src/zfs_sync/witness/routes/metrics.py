# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""For Prometheus, which comes with a viewer's key."""

import importlib

from fastapi import Response
from starlette.responses import PlainTextResponse

from zfs_sync.witness.auth import Viewer
from zfs_sync.witness.context import InWitness
from zfs_sync.witness.routing import new_router

router = new_router("metrics", prefix="")
MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@router.get("/metrics", response_class=PlainTextResponse)
def get_metrics(witness: InWitness, principal: Viewer) -> Response:  # noqa: ARG001
    """The fleet and the witness in numbers, in Prometheus's text format."""
    metrics = importlib.import_module("zfs_sync.witness.metrics")  # prometheus-client, which only a scrape needs
    return Response(metrics.render(witness), headers={"Content-Type": MEDIA_TYPE})
