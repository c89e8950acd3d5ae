# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Edges as they are stored, and back: the planner, jobs and agents go by the row."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from sqlalchemy import Row

from zfs_sync.core.edges import Edge
from zfs_sync.core.selection import Selection


def dump(edge: Edge) -> dict[str, Any]:
    """The row of an edge. Its selection has the form in which agents are told of it."""
    names = ("id", "group", "from_system", "from_root", "to_system", "to_root", "recursive", "direction", "peers")
    selection = {
        name: list(value) if isinstance(value, tuple) else value for name, value in asdict(edge.selection).items()
    }
    return {name: getattr(edge, name) for name in names} | {"selection": selection, "properties": dict(edge.properties)}


def load(row: Row[Any]) -> Edge:
    """The edge of a row."""
    return Edge(
        row.group,
        row.from_system,
        row.from_root,
        row.to_system,
        row.to_root,
        row.recursive,
        selection=_selection(row.selection),
        direction=row.direction,
        peers=row.peers,
        properties=row.properties,
    )


def _selection(stored: Mapping[str, Any]) -> Selection:
    """What is not stored (the row is older than the field) leaves nothing out."""
    fields: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in stored.items()
    }
    return Selection(**fields)
