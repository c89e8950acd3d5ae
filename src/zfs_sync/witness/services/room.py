# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""How many jobs may run at once, and which of those that wait are next.

On an edge the least of both systems', the group's and the members' limits holds. Of the jobs of one host the most
urgent take the room that is left; those for which none is left are not offered, so that a less urgent one cannot be
faster.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, or_, select

from zfs_sync.witness.db.desired import sync_groups, systems
from zfs_sync.witness.db.work import edges, jobs
from zfs_sync.witness.settings import Settings

Place = tuple[str, ...]
"""What a limit is of: a system, a group, or a member of a group."""
_BESIDE = ("running", "lost")


@dataclass(slots=True)
class Room:
    """What is left of every limit that concerns some waiting jobs."""

    limits: Mapping[Place, int]
    taken: Counter[Place]
    held: set[tuple[str, str]]
    """The targets that a job has in hand, also one that is lost."""
    refused: dict[str, str] = field(default_factory=dict)
    """Why a job has to wait, by its id."""

    def take(self, row: Row[Any]) -> bool:
        """Give a job the room that it needs; False where there is none."""
        places = _places(row)
        full = next((each for each in places if self.taken[each] >= self.limits.get(each, 1_000_000)), None)
        if full is not None:
            self.refused[row.id] = f"{_title(full)} may run {self.limits[full]} at once, and as many run or go first"
        elif (row.to_system, row.target_dataset) in self.held:
            self.refused[row.id] = f"another job holds '{row.target_dataset}' still"
        else:
            self.taken.update(places)
        return row.id not in self.refused


def waiting(connection: Connection, system: str, now: datetime) -> list[Row[Any]]:
    """The jobs that a system could start now if there were room, most urgent first, with the ends of their edges."""
    statement = (
        select(jobs, edges.c.from_root, edges.c.to_root)
        .join(edges, edges.c.id == jobs.c.edge)
        .where(jobs.c.runs_on == system, jobs.c.state == "queued", jobs.c.run_after <= now)
        .order_by(jobs.c.priority.desc(), jobs.c.created_at, jobs.c.target_dataset)
    )
    return list(connection.execute(statement))


def look(connection: Connection, settings: Settings, rows: Sequence[Row[Any]]) -> Room:
    """The room that there is for these jobs before any of them takes some."""
    names = {end for row in rows for end in (row.from_system, row.to_system)}
    groups = {row.group for row in rows}
    limits = _limits(connection, settings, names, groups)
    beside = _alive(connection, _BESIDE, names, {group for group in groups if ("group", group) in limits})
    taken = Counter(place for row in beside if row.state == "running" for place in _places(row))
    return Room(limits, taken, {(row.to_system, row.target_dataset) for row in beside})


def admitted(connection: Connection, settings: Settings, system: str, now: datetime) -> list[Row[Any]]:
    """The jobs that a system may start now, most urgent first."""
    rows = waiting(connection, system, now)
    room = look(connection, settings, rows) if rows else None
    return [row for row in rows if room is not None and room.take(row)]


def refusal(connection: Connection, settings: Settings, job: Row[Any], now: datetime) -> str | None:
    """Why this waiting job may not start now; None where it may."""
    rows = waiting(connection, job.runs_on, now)
    room = look(connection, settings, rows)
    for row in rows:
        if not room.take(row) and row.id == job.id:
            return room.refused[job.id]
    return None


def waiting_beside(connection: Connection, job: Row[Any]) -> set[str]:
    """The systems with jobs that may have waited for the room that this one leaves."""
    spec = connection.execute(select(sync_groups.c.spec).where(sync_groups.c.name == job.group)).scalar()
    limited = {job.group} if spec is not None and spec["limits"] else set()
    return {row.runs_on for row in _alive(connection, ("queued",), {job.from_system, job.to_system}, limited)}


def _alive(
    connection: Connection, states: Sequence[str], names: Collection[str], groups: Collection[str]
) -> list[Row[Any]]:
    """The jobs in these states that touch a system or, which is asked for where it has a limit of its own, a group.

    By the indices on system and state, and on state: what ended long ago is not looked at.
    """
    statement = select(jobs, edges.c.from_root, edges.c.to_root).join(edges, edges.c.id == jobs.c.edge, isouter=True)
    alive = statement.where(jobs.c.state.in_(states))
    touching = or_(jobs.c.from_system.in_(names), jobs.c.to_system.in_(names))
    found: dict[str, Row[Any]] = {row.id: row for row in connection.execute(alive.where(touching))}
    if groups:
        found |= {row.id: row for row in connection.execute(alive) if row.group in groups}
    return list(found.values())


def _places(row: Row[Any]) -> set[Place]:
    """Everything whose limit a job counts for; a job within one host counts there once."""
    ends = ((row.from_system, row.from_root), (row.to_system, row.to_root))
    members: set[Place] = {(row.group, system, root) for system, root in ends if root is not None}
    return {(row.from_system,), (row.to_system,), ("group", row.group)} | members


def _limits(
    connection: Connection, settings: Settings, names: Iterable[str], groups: Iterable[str]
) -> Mapping[Place, int]:
    found: dict[Place, int] = {}
    for row in connection.execute(select(systems.c.name, systems.c.spec).where(systems.c.name.in_(list(names)))):
        found[(row.name,)] = row.spec["limits"].get("jobs", settings.jobs_per_system)
    for row in connection.execute(
        select(sync_groups.c.name, sync_groups.c.spec).where(sync_groups.c.name.in_(list(groups)))
    ):
        if "jobs" in row.spec["limits"]:
            found["group", row.name] = row.spec["limits"]["jobs"]
        for member in row.spec["members"]:
            if "limits" in member:
                found[row.name, member["system"], member["dataset"]] = member["limits"]["jobs"]
    return found


def _title(place: Place) -> str:
    if len(place) == 1:
        return f"system '{place[0]}'"
    return f"group '{place[1]}'" if len(place) == 2 else f"member '{place[1]}:{place[2]}' of group '{place[0]}'"
