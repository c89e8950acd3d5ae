# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""What datasets of several systems have of each other's snapshots, by GUID."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, select

from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.core.graph import DatasetView, Snapshot, newest_common
from zfs_sync.core.names import join
from zfs_sync.witness.db.desired import sync_groups
from zfs_sync.witness.services import views

Member = tuple[str, str]
"""System and dataset."""


def members_of_group(connection: Connection, group: str, relative: str) -> list[Member]:
    """The dataset ``relative`` of each member of a group. Raises E_SYNC_GROUP_NOT_FOUND."""
    spec = connection.execute(select(sync_groups.c.spec).where(sync_groups.c.name == group)).scalar()
    if spec is None:
        raise ZfsSyncError("E_SYNC_GROUP_NOT_FOUND", f"There is no sync group '{group}'.")
    return sorted((each["system"], join(each["dataset"], relative)) for each in spec["members"])


def compare(connection: Connection, members: Sequence[Member], limit: int) -> dict[str, Any]:
    """The comparison of these datasets; at most ``limit`` snapshots are named for each two of them."""
    found = {member: views.at(connection, member[0], {member[1]}).get(member[1]) for member in members}
    shown = [_member(member, found, limit) for member in members]
    same = len({frozenset(each.guid for each in view.snapshots) for view in found.values() if view is not None}) == 1
    return {"identical": same and all(found.values()), "members": shown}


def _member(member: Member, found: dict[Member, DatasetView | None], limit: int) -> dict[str, Any]:
    view = found[member]
    others = [(other, held) for other, held in found.items() if other != member and held is not None]
    lacks = [_lacking(other, held, view, limit) for other, held in others]
    return {
        "system": member[0],
        "dataset": member[1],
        "reported": view is not None,
        "count": 0 if view is None else len(view.snapshots),
        "oldest": _name(view.oldest) if view else None,
        "head": _name(view.head) if view else None,
        "lacks": [each for each in lacks if each["count"]],
    }


def _lacking(holder: Member, held: DatasetView, view: DatasetView | None, limit: int) -> dict[str, Any]:
    missing = [each for each in held.snapshots if view is None or not view.has(each.guid)]
    common = None if view is None else newest_common(held, view)
    return {
        "system": holder[0],
        "dataset": holder[1],
        "common": _name(common),
        "count": len(missing),
        "gaps": sum(each.createtxg < common.createtxg for each in missing) if common else 0,
        "snapshots": [_name(each) for each in missing[:limit]],
    }


def _name(snapshot: Snapshot | None) -> dict[str, str] | None:
    return None if snapshot is None else {"guid": str(snapshot.guid), "name": snapshot.name}
