# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Which peer feeds a dataset of another one.

There is an edge from each peer to each other, so several may be ahead of one that is behind. It is fed by one of them
at a time. While those that are ahead of it contradict each other, it is fed by none: following one of them would take
sides in a conflict that is for a person to settle.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Row, and_, or_, select

from zfs_sync.core.planner import Outcome
from zfs_sync.witness.db.work import edges, plan_rows

CONFLICTS = (Outcome.DIVERGED, Outcome.NO_COMMON_BASE)


def rows_into(connection: Connection, edge: Row[Any], relative: str) -> list[Row[Any]]:
    """The planner's rows of every edge into the same dataset, each with its edge."""
    same = (
        (edges.c.group == edge.group)
        & (edges.c.to_system == edge.to_system)
        & (edges.c.to_root == edge.to_root)
        & (plan_rows.c.relative == relative)
    )
    statement = select(plan_rows, edges).join(edges, edges.c.id == plan_rows.c.edge).where(same)
    return list(connection.execute(statement.order_by(edges.c.id)))


def unheard(rows: Iterable[Row[Any]]) -> bool:
    """Whether something was brought that the target has not reported yet."""
    return any(row.awaited_head is not None and row.awaited_head != row.target_head for row in rows)


def conflict(connection: Connection, group: str, relative: str, feeders: Sequence[Row[Any]]) -> bool:
    """Whether two of these feeders have both gone on, so that neither contains the other."""
    if len(feeders) < 2:
        return False
    here = [(row.from_system, row.from_root) for row in feeders]
    starts = or_(*(and_(edges.c.from_system == system, edges.c.from_root == root) for system, root in here))
    ends = or_(*(and_(edges.c.to_system == system, edges.c.to_root == root) for system, root in here))
    apart = plan_rows.c.outcome.in_([str(each) for each in CONFLICTS]) & (plan_rows.c.relative == relative)
    statement = (
        select(plan_rows.c.edge)
        .join(edges, edges.c.id == plan_rows.c.edge)
        .where(edges.c.group == group, starts, ends, apart)
    )
    return connection.execute(statement).first() is not None
