# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Who is behind and why, and running a group now."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import Query, Response
from sqlalchemy import Connection

from zfs_sync.api.status import Status, SyncAnswer, SyncRequest
from zfs_sync.witness import cursor
from zfs_sync.witness.auth import Operator, Viewer
from zfs_sync.witness.context import InWitness
from zfs_sync.witness.db.database import after_commit
from zfs_sync.witness.routes.answers import answer
from zfs_sync.witness.routes.parameters import PAGE_MOST, Limit, Place, page
from zfs_sync.witness.routing import new_router
from zfs_sync.witness.services import pending, status, sync

router = new_router("status")
Group = Annotated[str | None, Query(max_length=63, description="Only this sync group.")]
System = Annotated[str | None, Query(max_length=63, description="Only edges that touch this system.")]


@router.get("/status", response_model=Status)
def get_status(
    witness: InWitness,
    principal: Viewer,  # noqa: ARG001
    group: Group = None,
    system: System = None,
    limit: Limit = PAGE_MOST,
    after: Place = None,
) -> Response:
    """Every dataset of every edge, worst first, and the hosts."""
    now = witness.clock()
    start: Any = cursor.decode(after, int, str, str)

    def read(connection: Connection) -> dict[str, Any]:
        entries = status.edge_rows(connection, now, group=group, system=system)
        rest = [each for each in entries if start is None or status.place(each) > start][: limit + 1]
        shown = page(rest, [cursor.encode(*status.place(each)) for each in rest], limit)
        names = None if group is None and system is None else _ends(entries) | {system or ""}
        hosts = [] if after else status.system_rows(connection, now, witness.settings.offline_after_seconds, names)
        waiting = pending.page(connection, after=None, limit=PAGE_MOST) if not after and names is None else []
        agents = [status.pending_row(row) for row in waiting]
        return {**shown, "summary": status.summary(entries), "systems": hosts, "pending": agents}

    return answer(witness.database.read(read))


def _ends(entries: Sequence[dict[str, Any]]) -> set[str]:
    return {entry[end] for entry in entries for end in ("from_system", "to_system")}


@router.post("/sync-groups/{name}/sync", response_model=SyncAnswer)
def sync_now(witness: InWitness, principal: Operator, name: str, body: SyncRequest) -> Response:
    """Run a group now. With `check` nothing is written: the answer says what would run."""
    now = witness.clock()

    def shown(connection: Connection) -> dict[str, Any]:
        rows = sync.edges_of_group(connection, name, body.targets)
        wanted = {row.id for row in rows}
        entries = [each for each in status.edge_rows(connection, now, group=name) if each["edge"] in wanted]
        return {"edges": entries, "jobs": sync.alive_jobs(connection, rows)}

    def write(connection: Connection) -> dict[str, Any]:
        woken = sync.request(connection, principal, name, body.targets, now)
        after_commit(connection, lambda: witness.notifier.wake(woken))
        return shown(connection)

    return answer(witness.database.read(shown) if body.check else witness.database.write(write))
