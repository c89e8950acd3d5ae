# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Taking an agent's access away at once, and giving it back: its keys, its edges, its jobs, in one transaction."""

from datetime import datetime

from sqlalchemy import Connection, or_, select, update

from zfs_sync.witness import audit
from zfs_sync.witness.db.desired import api_keys
from zfs_sync.witness.db.work import edges, jobs
from zfs_sync.witness.principal import WITNESS, Principal
from zfs_sync.witness.services import keys, planning
from zfs_sync.witness.services.keys import KeyRow


def revoke(connection: Connection, principal: Principal, lookup: str, at: datetime) -> tuple[KeyRow, set[str]]:
    """End a key; the systems to wake. Raises E_KEY_NOT_FOUND.

    Without another key its system is barred: waiting jobs that touch it are cancelled, running ones are ended, and its
    peers are told of its edges no more.
    """
    row = keys.revoke(connection, principal, lookup, at)
    if row.role != "agent" or row.system is None:
        return row, set()
    return row, changed(connection, row.system, at)


def changed(connection: Connection, system: str, at: datetime) -> set[str]:
    """Follow that a system has lost its key, or has one again; the systems to wake."""
    woken = {system} | planning.hindrances_changed(connection, at, system)
    if keys.barred(connection, {system}, at):
        touching = or_(jobs.c.from_system == system, jobs.c.to_system == system)
        under_way = touching & jobs.c.state.in_(["running", "lost"]) & jobs.c.cancel_requested.is_(False)
        for job in connection.execute(select(jobs).where(under_way)).all():
            connection.execute(update(jobs).where(jobs.c.id == job.id).values(cancel_requested=True))
            detail = {"edge": job.edge, "state": job.state, "reason": f"the key of {system} was revoked"}
            audit.record(
                connection, WITNESS, "job.cancelled", "job", job.id, detail, at, (job.from_system, job.to_system)
            )
    return woken


def revoked_since(connection: Connection, moment: datetime) -> set[str]:
    """The systems whose keys were ended later than that, and their peers: another process may have done it."""
    statement = select(api_keys.c.system).where(api_keys.c.revoked_at > moment, api_keys.c.role == "agent")
    found = set(connection.execute(statement).scalars())
    touching = or_(edges.c.from_system.in_(found), edges.c.to_system.in_(found))
    for edge in connection.execute(select(edges.c.from_system, edges.c.to_system).where(touching)).all():
        found |= {edge.from_system, edge.to_system}
    return found
