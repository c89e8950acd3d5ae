# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""What systems and sync groups were called before they were renamed: agents, gates and marks may still say so."""

from typing import Any

from sqlalchemy import Connection, Row, delete, select

from zfs_sync.core.ownership import Ownership
from zfs_sync.witness.db.desired import former_names
from zfs_sync.witness.services.desired.model import Kind


def of(connection: Connection, kind: Kind, name: str) -> list[str]:
    """The former names of the object that is called ``name`` now."""
    mine = (former_names.c.kind == kind) & (former_names.c.current == name)
    return list(connection.execute(select(former_names.c.name).where(mine).order_by(former_names.c.name)).scalars())


def current(connection: Connection, kind: Kind, name: str) -> str:
    """What the object that is or was called ``name`` is called now."""
    mine = (former_names.c.kind == kind) & (former_names.c.name == name)
    return connection.execute(select(former_names.c.current).where(mine)).scalar() or name


def forget(connection: Connection, kind: Kind, name: str) -> None:
    """The name belongs to an object of its own now, or its object is gone."""
    mine = (former_names.c.kind == kind) & ((former_names.c.name == name) | (former_names.c.current == name))
    connection.execute(delete(former_names).where(mine))


def ownership(connection: Connection, edge: Row[Any]) -> Ownership:
    """What an edge may receive into besides datasets with its group's mark."""
    return Ownership.of(of(connection, "sync_group", edge.group), peers=edge.peers, takeover=edge.takeover)
