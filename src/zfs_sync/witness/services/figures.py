# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The fleet in numbers, for people: what is there now, and what jobs did in a window of time."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, or_, select

from zfs_sync.core.names import is_inside
from zfs_sync.core.planner import CONFLICTS
from zfs_sync.witness.db.desired import sync_groups
from zfs_sync.witness.db.observed import datasets
from zfs_sync.witness.db.work import jobs, plan_rows
from zfs_sync.witness.services import gauges
from zfs_sync.witness.services.liveness import online
from zfs_sync.witness.services.scheduling import ALIVE


def figures(
    connection: Connection, now: datetime, since: datetime, offline_after_seconds: int
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The fleet, and each system by name."""
    hosts, work, used = gauges.hosts_of(connection), _work(connection, since), _used(connection)
    systems = [
        {
            "name": host.name,
            "online": online(host, now, offline_after_seconds),
            "datasets": host.dataset_count or 0,
            "snapshots": host.snapshot_count or 0,
            "used_bytes": used.get(host.name, 0),
            **_received([row for row in work if row.to_system == host.name]),
            "sent_bytes": sum(row.bytes for row in work if row.from_system == host.name),
        }
        for host in hosts
    ]
    return _fleet(connection, systems, work), systems


def _fleet(connection: Connection, systems: Sequence[dict[str, Any]], work: Sequence[Row[Any]]) -> dict[str, Any]:
    contradicting = select(func.count()).where(plan_rows.c.outcome.in_(sorted(CONFLICTS)))
    received = _received(work)
    return {
        "systems": len(systems),
        "online": sum(each["online"] for each in systems),
        "sync_groups": connection.execute(select(func.count()).select_from(sync_groups)).scalar_one(),
        **{name: sum(each[name] for each in systems) for name in ("datasets", "snapshots", "used_bytes")},
        "conflicts": connection.execute(contradicting).scalar_one(),
        "jobs": received["jobs"],
        "moved_snapshots": sum(row.snapshots for row in work),
        "moved_bytes": received["received_bytes"],
        "success_rate": received["success_rate"],
    }


def _work(connection: Connection, since: datetime) -> list[Row[Any]]:
    """Jobs that go on or ended since, added up by their ends and state."""
    sums = (
        func.count().label("number"),
        func.sum(jobs.c.moved_snapshots).label("snapshots"),
        func.sum(jobs.c.moved_bytes).label("bytes"),
    )
    columns = (jobs.c.from_system, jobs.c.to_system, jobs.c.state)
    recent = or_(jobs.c.state.in_(ALIVE), jobs.c.finished_at >= since)
    return list(connection.execute(select(*columns, *sums).where(recent).group_by(*columns)))


def _received(work: Iterable[Row[Any]]) -> dict[str, Any]:
    states: Counter[str] = Counter()
    received = 0
    for row in work:
        states[row.state] += row.number
        received += row.bytes
    ended = states["succeeded"] + states["failed"]
    rate = round(states["succeeded"] / ended, 4) if ended else None
    return {"jobs": dict(sorted((+states).items())), "received_bytes": received, "success_rate": rate}


def _used(connection: Connection) -> dict[str, int]:
    """What each system's topmost datasets use: what is below them is in it already."""
    columns = (datasets.c.system, datasets.c.path, datasets.c.used)
    statement = select(*columns).order_by(datasets.c.system, func.replace(datasets.c.path, "/", "\x01"))
    found: Counter[str] = Counter()
    top: tuple[str, str] | None = None
    for system, path, used in connection.execute(statement):
        if top is None or top[0] != system or not is_inside(path, top[1]):
            top = (system, path)
            found[system] += used or 0
    return found
