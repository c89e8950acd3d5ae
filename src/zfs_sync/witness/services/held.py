# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""What is held of a system, as whoever reports for it compares it with what is there."""

from typing import Any

from sqlalchemy import Connection, select

from zfs_sync.witness.db.observed import datasets, snapshots


def page(connection: Connection, system: str, *, after: str | None, limit: int) -> list[dict[str, Any]]:
    """The datasets of a system by path, behind the path ``after``, each with its snapshots, the oldest first."""
    mine = select(datasets).where(datasets.c.system == system).order_by(datasets.c.path).limit(limit)
    rows = connection.execute(mine if after is None else mine.where(datasets.c.path > after)).all()
    return [
        {"path": row.path, "guid": str(row.guid), "type": row.kind, "snapshots": _snapshots(connection, row.id)}
        for row in rows
    ]


def _snapshots(connection: Connection, dataset: int) -> list[dict[str, str]]:
    mine = select(snapshots.c.guid, snapshots.c.name).where(snapshots.c.dataset_id == dataset)
    ordered = mine.order_by(snapshots.c.createtxg, snapshots.c.guid)
    return [{"guid": str(row.guid), "name": row.name} for row in connection.execute(ordered)]
