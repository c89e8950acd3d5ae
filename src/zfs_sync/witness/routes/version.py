# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""What this witness speaks."""

from dataclasses import dataclass

from zfs_sync import __version__
from zfs_sync.api.annotations import STRICT
from zfs_sync.witness.auth import AnyKey
from zfs_sync.witness.routing import new_router
from zfs_sync.witness.services import liveness

router = new_router("version")


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """Versions of the witness and of what it speaks."""

    __pydantic_config__ = STRICT

    version: str
    """Of the witness."""
    protocol: list[int]
    """What agents may speak with it."""
    api: str
    """Of this API, as it stands in its paths."""


@router.get("/version")
async def version(principal: AnyKey) -> Version:  # noqa: ARG001
    """The witness's version and the agent protocols that it serves."""
    return Version(version=__version__, protocol=list(liveness.SERVED), api="v1")
