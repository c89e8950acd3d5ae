# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Reported datasets as the planner sees them."""

from collections.abc import Collection, Mapping

from sqlalchemy import ColumnElement, Connection, or_, select

from zfs_sync.core.graph import DatasetView, Snapshot
from zfs_sync.core.names import parent
from zfs_sync.core.ownership import MARKED, Ownership
from zfs_sync.witness.db.observed import datasets, hosts, snapshots

BATCH = 400


def below(root: str) -> ColumnElement[bool]:
    """The condition of a dataset at or under ``root``: a range of the index on paths ("0" follows "/")."""
    path = datasets.c.path
    return or_(path == root, (path > f"{root}/") & (path < f"{root}0"))


def above(name: str) -> str:
    """The relative dataset above one that is not the root."""
    return parent(name) or ""


def parent_ready(
    name: str,
    group: str,
    targets: Mapping[str, DatasetView],
    *,
    root_is_ours: bool = True,
    ownership: Ownership = MARKED,
) -> bool:
    """Whether what is above ``name`` exists on the target and is ours: nothing is received below a stranger's data.

    A root that is not replicated itself (not ``root_is_ours``) is somebody's own, and no other group's target.
    """
    if not name:
        return True
    holder = targets.get(above(name))
    if holder is None:
        return False
    return ownership.admits(group, holder.marker) or (not root_is_ours and not above(name) and holder.marker is None)


def has_reported(connection: Connection, system: str) -> bool:
    """Whether a full report of this system is held."""
    statement = select(hosts.c.generation).where(hosts.c.system == system)
    return connection.execute(statement).scalar() is not None


def load(connection: Connection, system: str, condition: ColumnElement[bool]) -> dict[str, DatasetView]:
    """The datasets of a system that meet a condition, with their snapshots, by path."""
    found = connection.execute(select(datasets).where(datasets.c.system == system, condition)).all()
    taken = _snapshots(connection, [row.id for row in found])
    return {
        row.path: DatasetView(
            row.path,
            row.guid,
            tuple(taken.get(row.id, ())),
            row.marker,
            encrypted=row.encryption_root is not None,
            written=row.written,
        )
        for row in found
    }


def at(connection: Connection, system: str, paths: Collection[str]) -> dict[str, DatasetView]:
    """These datasets of a system, as far as it has them."""
    ordered = sorted(paths)
    found: dict[str, DatasetView] = {}
    for start in range(0, len(ordered), BATCH):
        found |= load(connection, system, datasets.c.path.in_(ordered[start : start + BATCH]))
    return found


def _snapshots(connection: Connection, ids: list[int]) -> dict[int, list[Snapshot]]:
    taken: dict[int, list[Snapshot]] = {}
    columns = (snapshots.c.dataset_id, snapshots.c.guid, snapshots.c.createtxg, snapshots.c.name)
    for start in range(0, len(ids), BATCH):
        batch = ids[start : start + BATCH]
        for row in connection.execute(select(*columns).where(snapshots.c.dataset_id.in_(batch))):
            taken.setdefault(row.dataset_id, []).append(Snapshot(row.guid, row.createtxg, row.name))
    return taken
