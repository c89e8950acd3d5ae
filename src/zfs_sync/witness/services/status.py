# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Who is behind, and why: the planner's rows, the jobs and the hosts as people and front ends read them."""

import shlex
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, or_, select, true

from zfs_sync.core.errors import CATALOGUE
from zfs_sync.core.names import join
from zfs_sync.core.numbers import parse_duration
from zfs_sync.core.planner import ERROR_CODES, Outcome
from zfs_sync.core.renames import RENAMED, advice
from zfs_sync.witness.clock import instant
from zfs_sync.witness.db.desired import sync_groups, systems
from zfs_sync.witness.db.observed import hosts
from zfs_sync.witness.db.work import edges, jobs, plan_rows
from zfs_sync.witness.services import edge_rows as stored_edges
from zfs_sync.witness.services.hindrances import Hindrances
from zfs_sync.witness.services.liveness import enrolled, online

CLONE_SHOWN_FOR = timedelta(days=1)
"""How long a copy that spoke with a system's key is a warning; it is noted anew while it goes on."""
_ORDER = (
    "DIVERGED", "NO_COMMON_BASE", "TARGET_UNMANAGED", "SOURCE_RENAMED", "TARGET_RENAMED", "TARGET_DIRTY", "FEATURE_GAP",
    "NAME_TOO_LONG", "TARGET_AHEAD", "UNREPORTED",
)  # fmt: skip


def edge_rows(
    connection: Connection, now: datetime, *, group: str | None = None, system: str | None = None
) -> list[dict[str, Any]]:
    """One entry per edge and dataset, worst first."""
    statement = select(plan_rows, edges).join(edges, edges.c.id == plan_rows.c.edge)
    rows = connection.execute(statement.where(_condition(group, system)).order_by(edges.c.id, plan_rows.c.relative))
    running = _jobs(connection)
    specs = {row.name: row.spec for row in connection.execute(select(sync_groups.c.name, sync_groups.c.spec))}
    hindrances = Hindrances.load(connection, None, now)
    shown = [_edge(row, running.get((row.edge, row.relative)), specs[row.group], hindrances, now) for row in rows]
    return sorted(shown, key=place)


def place(entry: dict[str, Any]) -> tuple[int, str, str]:
    """Where an entry stands, the worst first: what the list is ordered by."""
    return (_badness(entry), entry["edge"], entry["relative"])


def _condition(group: str | None, system: str | None) -> ColumnElement[bool]:
    condition: ColumnElement[bool] = true()
    if group is not None:
        condition &= edges.c.group == group
    if system is not None:
        condition &= or_(edges.c.from_system == system, edges.c.to_system == system)
    return condition


def _badness(entry: dict[str, Any]) -> int:
    outcome = str(entry["outcome"])
    if outcome in _ORDER:
        return _ORDER.index(outcome)
    return len(_ORDER) + (not entry["error"]) + (not entry["late"]) + (outcome == "IN_SYNC")


def _jobs(connection: Connection) -> dict[tuple[str, str], Row[Any]]:
    alive = select(jobs).where(jobs.c.state.in_(["queued", "running", "lost"])).order_by(jobs.c.state)
    return {(row.edge, row.relative): row for row in connection.execute(alive)}


def _edge(
    row: Row[Any], job: Row[Any] | None, spec: dict[str, Any], hindrances: Hindrances, now: datetime
) -> dict[str, Any]:
    lag = _lag_seconds(row, now)
    limit = parse_duration(spec["lag_limit"]) if spec["lag_limit"] else None
    return {
        "edge": row.edge,
        "group": row.group,
        "from_system": row.from_system,
        "to_system": row.to_system,
        "from_root": row.from_root,
        "to_root": row.to_root,
        "relative": row.relative,
        "peers": row.peers,
        "outcome": row.outcome,
        "message": row.message,
        "source_head": _snapshot(row.source_head, row.source_head_name),
        "target_head": _snapshot(row.target_head, row.target_head_name),
        "base": _snapshot(row.base, row.base_name),
        "lag_snapshots": row.lag_snapshots,
        "lag_seconds": lag,
        "late": limit is not None and lag is not None and lag > limit,
        "last_success": _instant(row.last_success),
        "job": _job(job) if job is not None else None,
        "error": _hindered(row, hindrances) or _error(row),
        "evidence": row.evidence,
    }


def _lag_seconds(row: Row[Any], now: datetime) -> int | None:
    if row.lag_since is not None:
        return max(0, int((now - row.lag_since).total_seconds()))
    return 0 if row.outcome == Outcome.IN_SYNC else None


def _snapshot(guid: int | None, name: str | None) -> dict[str, str] | None:
    return None if guid is None else {"guid": str(guid), "name": str(name)}


def _instant(moment: datetime | None) -> str | None:
    return None if moment is None else instant(moment)


def _job(row: Row[Any]) -> dict[str, Any]:
    rest = None if row.bytes_total is None else max(0, row.bytes_total - row.bytes_done)
    return {
        "id": row.id,
        "state": row.state,
        "bytes_done": row.bytes_done,
        "bytes_total": row.bytes_total,
        "bytes_per_second": row.bytes_per_second,
        "eta_seconds": rest // row.bytes_per_second if rest is not None and row.bytes_per_second else None,
        "message": row.message,
    }


def _hindered(row: Row[Any], hindrances: Hindrances) -> dict[str, Any] | None:
    """What keeps jobs from being queued, which no attempt has had to find out."""
    found = hindrances.of(row, row.relative)
    return None if found is None else {**asdict(found), "at": None, "next_attempt": None}


def _error(row: Row[Any]) -> dict[str, Any] | None:
    """What the last attempt said, else what the outcome itself asks of a person."""
    if row.error is not None:
        return {**row.error, "at": _instant(row.error_at), "next_attempt": _instant(row.next_attempt)}
    code = ERROR_CODES.get(Outcome(row.outcome))
    waits = row.outcome == Outcome.BLOCKED_BY_PARENT and row.relative  # for the dataset above it, which is received
    if code is None or waits:
        return None
    return {"code": code, "message": row.message, "hint": _hint(code, row), "at": None, "next_attempt": None}


def _hint(code: str, row: Row[Any]) -> str:
    """The command of the catalogue's example with this row's own names in it."""
    target = join(row.to_root, row.relative)
    if code in ("E_DIVERGED", "E_TARGET_AHEAD") and row.base_name is not None:
        command = f"zfs rollback -r {shlex.quote(f'{target}@{row.base_name}')}"
        return f"To follow the source and lose what only the target has, run on {row.to_system}: {command}"
    if code == "E_TARGET_MODIFIED" and row.target_head_name is not None:
        return f"zfs rollback {shlex.quote(f'{target}@{row.target_head_name}')}"
    if code == "E_TARGET_UNMANAGED" and row.base_name is not None:
        command = f"zfs set zfs-sync:group={row.group} {shlex.quote(target)}"
        return f"If this replica may be taken over, run on {row.to_system}: {command}"
    if Outcome(row.outcome) in RENAMED:
        return advice(Outcome(row.outcome), stored_edges.load(row), row.evidence)
    if code == "E_PARENT_MISSING":
        return f"Make it as it is to be, or run on {row.to_system}: zfs create {shlex.quote(target)}"
    return CATALOGUE[code].remedy


def summary(entries: Sequence[dict[str, Any]]) -> dict[str, int]:
    """How many datasets have which outcome."""
    return dict(sorted(Counter(entry["outcome"] for entry in entries).items()))


def system_rows(
    connection: Connection, now: datetime, offline_after_seconds: int, names: Collection[str] | None = None
) -> list[dict[str, Any]]:
    """The hosts by name, or only those of these names."""
    statement = select(systems, hosts).join(hosts, hosts.c.system == systems.c.name, isouter=True)
    if names is not None:
        statement = statement.where(systems.c.name.in_(sorted(names)))
    return [
        {
            "name": row.name,
            "online": online(row, now, offline_after_seconds),
            "enrolled": enrolled(row),
            "last_seen": _instant(row.last_seen),
            "agent_version": row.agent_version,
            "platform": row.platform,
            "maintenance": row.spec["maintenance"],
            "datasets": row.dataset_count or 0,
            "snapshots": row.snapshot_count or 0,
            "warnings": _warnings(row, now),
        }
        for row in connection.execute(statement.order_by(systems.c.name))
    ]


def _warnings(row: Row[Any], now: datetime) -> list[str]:
    found = []
    declared = row.spec["platform"]
    if declared is not None and row.platform not in (None, declared):
        found.append(f"platform {declared} is declared, and its agent reports {row.platform}")
    if row.clone_at is not None and now - row.clone_at <= CLONE_SHOWN_FOR:
        found.append(
            f"E_AGENT_CLONED: installation {row.clone} uses its key too, last seen {instant(row.clone_at)};"
            " it is refused"
        )
    if row.trouble:
        found.append(f"its agent cannot report: {row.trouble['code']}: {row.trouble['message']}")
    return found


def pending_row(row: Row[Any]) -> dict[str, Any]:
    """An agent that waits for approval."""
    return {
        "name": row.name,
        "installation": row.installation,
        "agent_version": row.agent_version,
        "enrolled_with": row.enrolled_with,
        "since": instant(row.since),
        "last_seen": _instant(row.last_used_at),
    }
