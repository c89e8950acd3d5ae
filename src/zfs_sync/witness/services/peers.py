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
AHEAD = (Outcome.BEHIND, Outcome.INITIAL, Outcome.TARGET_DIRTY)
"""What is said of an edge whose feeder has something that its target lacks, and nothing else is in the way."""


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


def torn(connection: Connection, edge: Row[Any], relative: str) -> bool:
    """Whether two peers that are ahead of the edge's target have both gone on, so that neither contains the other."""
    ahead = [row for row in rows_into(connection, edge, relative) if row.outcome in AHEAD]
    return _apart(connection, edge.group, relative, ahead)


def edges_of(connection: Connection, groups: Iterable[str]) -> list[Row[Any]]:
    """Every edge of these groups that joins peers: what one of them reports decides who feeds another one."""
    condition = edges.c.group.in_(list(groups)) & edges.c.peers
    return list(connection.execute(select(edges).where(condition).order_by(edges.c.id)))


def _apart(connection: Connection, group: str, relative: str, feeders: Sequence[Row[Any]]) -> bool:
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
