# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""What follows from a change of desired state, in the transaction of the change."""

from collections.abc import Set as AbstractSet
from datetime import datetime

from sqlalchemy import Connection, select

from zfs_sync.witness.db.desired import sync_groups


def desired_changed(
    connection: Connection,
    now: datetime,  # noqa: ARG001  (jobs are queued at this moment)
    affected_groups: AbstractSet[str],
    affected_systems: AbstractSet[str],
) -> set[str]:
    """The systems to wake: the affected ones, and the members of the affected groups."""
    specs = connection.execute(select(sync_groups.c.spec).where(sync_groups.c.name.in_(affected_groups))).scalars()
    members = {member["system"] for spec in specs for member in spec["members"]}
    return set(affected_systems) | members
