# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The whole of what one host needs to know: its edges in both roles, how often to speak, and its jobs."""

import hashlib
import json
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, or_, select

from zfs_sync.api import PROTOCOL
from zfs_sync.api.protocol import told
from zfs_sync.api.work import Work, WorkEdge
from zfs_sync.witness.db.desired import systems
from zfs_sync.witness.db.observed import hosts
from zfs_sync.witness.db.work import edges, jobs
from zfs_sync.witness.services import former_names, keys, room
from zfs_sync.witness.settings import Settings


def for_system(
    connection: Connection, settings: Settings, system: str, now: datetime, protocol: int = PROTOCOL
) -> dict[str, Any]:
    """The answer of route work, as an agent of this protocol understands it."""
    touching = or_(edges.c.from_system == system, edges.c.to_system == system)
    rows = connection.execute(select(edges).where(touching).order_by(edges.c.id)).all()
    barred = keys.barred(connection, {end for row in rows for end in (row.from_system, row.to_system)}, now)
    fitting = {
        row.id: told(WorkEdge, edge_for(connection, row, system), protocol)
        for row in rows
        if not barred & {row.from_system, row.to_system}
    }
    known = {edge: body for edge, body in fitting.items() if body is not None}
    body = {
        "system": system,
        "settings": {
            "heartbeat_seconds": settings.heartbeat_seconds,
            "lease_seconds": settings.lease_seconds,
            "progress_seconds": settings.progress_seconds,
        },
        "edges": list(known.values()),
        "jobs": [_job(row) for row in _jobs(connection, settings, system, now) if row.edge in known],
        "formerly": former_names.of(connection, "system", system),
        "withheld": [row.id for row in rows if row.id not in known],
    }
    return told(Work, body, protocol) or body


def etag(body: dict[str, Any]) -> str:
    """The tag of an answer: equal for equal content, also after a restart of the witness."""
    text = json.dumps(body, sort_keys=True, separators=(",", ":"))
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:24]}"'


def seconds_until_due(connection: Connection, system: str, now: datetime) -> float | None:
    """How long until a waiting job of this system may start; None where none waits for its time."""
    later = (jobs.c.runs_on == system) & (jobs.c.state == "queued") & (jobs.c.run_after > now)
    due = connection.execute(select(func.min(jobs.c.run_after)).where(later)).scalar()
    return None if due is None else (due - now).total_seconds()


def edge_for(connection: Connection, row: Row[Any], system: str) -> dict[str, Any]:
    """An edge as one of its hosts is told of it."""
    local = row.from_system == row.to_system
    role = "local" if local else "to" if row.to_system == system else "from"
    other = row.from_system if row.to_system == system else row.to_system
    return {
        "id": row.id,
        "group": row.group,
        "role": role,
        "from_system": row.from_system,
        "from_root": row.from_root,
        "to_system": row.to_system,
        "to_root": row.to_root,
        "recursive": row.recursive,
        "selection": row.selection,
        "properties": row.properties,
        "peer": None if local else _peer(connection, other),
        "direction": row.direction,
        "peers": row.peers,
        "takeover": row.takeover,
        "formerly": former_names.of(connection, "sync_group", row.group),
    }


def _peer(connection: Connection, system: str) -> dict[str, Any]:
    ssh = connection.execute(select(systems.c.spec).where(systems.c.name == system)).scalar_one()["ssh"]
    formerly = former_names.of(connection, "system", system)
    return {
        "system": system,
        "host": ssh["host"],
        "user": ssh["user"],
        "port": ssh["port"],
        "jump": ssh.get("jump"),
        "formerly": formerly,
    }


def _jobs(connection: Connection, settings: Settings, system: str, now: datetime) -> list[Row[Any]]:
    """What the host's agent holds or held, and what it may start: the most urgent first."""
    installation = select(hosts.c.installation).where(hosts.c.system == system).scalar_subquery()
    own = (jobs.c.runs_on == system) & (jobs.c.installation == installation)
    held = connection.execute(select(jobs).where(own, jobs.c.state.in_(["running", "lost"])))
    return sorted([*held, *room.admitted(connection, settings, system, now)], key=_urgency)


def _urgency(row: Row[Any]) -> tuple[Any, ...]:
    return (-row.priority, row.created_at, row.target_dataset)


def _job(row: Row[Any]) -> dict[str, Any]:
    return {"id": row.id, "edge": row.edge, "relative": row.relative, "state": row.state}
