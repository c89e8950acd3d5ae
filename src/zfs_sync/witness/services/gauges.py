# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""What the database says of the fleet in numbers: read for /metrics, at a cost that no history makes grow."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select

from zfs_sync.core.names import join
from zfs_sync.core.planner import Outcome
from zfs_sync.witness.db.desired import sync_groups, systems
from zfs_sync.witness.db.observed import hosts
from zfs_sync.witness.db.work import edges, job_durations, job_totals, jobs, plan_rows


@dataclass(frozen=True, slots=True)
class Replica:
    """How far one dataset of an edge is; of an edge as a whole where ``dataset`` is its root and there are many."""

    group: str
    dataset: str
    source: str
    target: str
    lag_snapshots: int
    lag_since: datetime | None
    in_sync: bool
    last_success: datetime | None


def hosts_of(connection: Connection) -> list[Row[Any]]:
    """Every declared system with what is known of its host."""
    statement = select(systems.c.name, hosts).join(hosts, hosts.c.system == systems.c.name, isouter=True)
    return list(connection.execute(statement.order_by(systems.c.name)))


def systems_of(connection: Connection) -> list[str]:
    """Every declared system."""
    return list(connection.execute(select(systems.c.name).order_by(systems.c.name)).scalars())


def groups_of(connection: Connection) -> list[str]:
    """Every sync group."""
    return list(connection.execute(select(sync_groups.c.name).order_by(sync_groups.c.name)).scalars())


def outcomes(connection: Connection) -> list[Row[Any]]:
    """How many datasets of each group have which outcome."""
    counted = func.count().label("number")
    statement = select(edges.c.group, plan_rows.c.outcome, counted).join(edges, edges.c.id == plan_rows.c.edge)
    return list(connection.execute(statement.group_by(edges.c.group, plan_rows.c.outcome)))


def replicas(connection: Connection, most: int) -> Iterator[Replica]:
    """One entry per dataset of each edge; where there are more than ``most``, one per edge, the worst of its own."""
    count = connection.execute(select(func.count()).select_from(plan_rows)).scalar_one()
    columns = (
        *(edges.c[name] for name in ("group", "from_system", "to_system", "to_root")),
        *(plan_rows.c[name] for name in ("relative", "outcome", "lag_snapshots", "lag_since", "last_success")),
    )
    statement = select(*columns).join(edges, edges.c.id == plan_rows.c.edge)
    rows = connection.execute(statement.order_by(plan_rows.c.edge, plan_rows.c.relative))
    found = map(_replica, rows)
    return found if count <= most else _worst(found)


def _replica(row: Row[Any]) -> Replica:
    return Replica(
        row.group,
        join(row.to_root, row.relative),
        row.from_system,
        row.to_system,
        row.lag_snapshots,
        row.lag_since,
        row.outcome == Outcome.IN_SYNC,
        row.last_success,
    )


def _worst(found: Iterator[Replica]) -> Iterator[Replica]:
    """The replicas of each edge as one: they come edge by edge, the root first."""
    held: Replica | None = None
    for each in found:
        if held is None or not _same_edge(held, each):
            if held is not None:
                yield held
            held = each
        else:
            held = _joined(held, each)
    if held is not None:
        yield held


def _same_edge(root: Replica, other: Replica) -> bool:
    same = (root.group, root.source, root.target) == (other.group, other.source, other.target)
    return same and other.dataset.startswith(f"{root.dataset}/")


def _joined(root: Replica, other: Replica) -> Replica:
    lags = [each for each in (root.lag_since, other.lag_since) if each is not None]
    successes = (root.last_success, other.last_success)
    return Replica(
        root.group,
        root.dataset,
        root.source,
        root.target,
        max(root.lag_snapshots, other.lag_snapshots),
        min(lags, default=None),
        root.in_sync and other.in_sync,
        min(each for each in successes if each is not None) if None not in successes else None,
    )


def queues(connection: Connection) -> list[Row[Any]]:
    """How many jobs wait for each system, and how many run there."""
    counted = func.count().label("number")
    alive = jobs.c.state.in_(["queued", "running", "lost"])
    statement = select(jobs.c.to_system, jobs.c.state, counted).where(alive).group_by(jobs.c.to_system, jobs.c.state)
    return list(connection.execute(statement))


def totals(connection: Connection) -> list[Row[Any]]:
    """Jobs that ended, by edge and result."""
    return list(connection.execute(select(job_totals).order_by(*job_totals.primary_key)))


def durations(connection: Connection) -> dict[int, int]:
    """How many jobs took at most so many seconds (and more than the bound below)."""
    return {row.seconds: row.jobs for row in connection.execute(select(job_durations))}
