# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Agents as tests speak for them: enrolled or not, they report what a test says."""

import itertools
from typing import Any

from zfs_sync.api import PROTOCOL

_NUMBERS = itertools.count(1)


def snapshots(*guids: int) -> list[dict[str, Any]]:
    """Snapshots with these GUIDs, in this order."""
    return [{"guid": str(guid), "createtxg": str(100 + place), "name": f"s{guid}"} for place, guid in enumerate(guids)]


def dataset(path: str, *guids: int, marker: str | None = None, **more: Any) -> dict[str, Any]:
    """A dataset with these snapshots."""
    own = str(abs(hash(path)) % 2**63)
    return {"path": path, "guid": own, "type": "filesystem", "marker": marker, "add": snapshots(*guids), **more}


def full(*datasets: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A full report in one part."""
    return {
        "protocol": PROTOCOL,
        "installation": "inst-1",
        "generation": f"g{next(_NUMBERS)}",
        "base_generation": None,
        "kind": "full",
        "seq": 0,
        "last": True,
        "agent_version": "0.1.0",
        "host": {"platform": "linux", "hostname": "h"},
        "datasets": list(datasets),
        **more,
    }


def delta(base: str, *datasets: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A delta on a generation."""
    return full(*datasets, kind="delta", base_generation=base, **more)
