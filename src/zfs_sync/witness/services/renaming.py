# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Giving a system or a sync group another name, with everything that is known by the old one.

Names are the ids, so a new name moves into every table: members, edges and their planner's rows, jobs with their
history, keys, and what a host has reported. The audit keeps what it said at the time. The old name is remembered: an
agent may call itself by it until its configuration follows, peers may have written it into ``authorized_keys``, targets
may carry it as their mark. So nothing stops working, and nobody loses trust.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Table, and_, delete, insert, select, update

from zfs_sync.core.edges import Edge
from zfs_sync.core.errors import Fault, ZfsSyncError, pointer
from zfs_sync.witness import audit
from zfs_sync.witness.db.database import after_commit
from zfs_sync.witness.db.desired import api_keys, former_names, pending_systems, sync_groups, systems
from zfs_sync.witness.db.observed import datasets, hosts, report_chunks
from zfs_sync.witness.db.work import edges, job_totals, jobs, plan_rows
from zfs_sync.witness.services import edge_rows, planning
from zfs_sync.witness.services import former_names as former
from zfs_sync.witness.services.desired import store
from zfs_sync.witness.services.desired.canonical import canonical, spec_edges
from zfs_sync.witness.services.desired.model import TITLE, Key, Spec
from zfs_sync.witness.services.desired.service import Writing, check_state

_TABLES: Mapping[str, Table] = {"system": systems, "sync_group": sync_groups}
_OF_A_SYSTEM = (
    hosts.c.system,
    report_chunks.c.system,
    datasets.c.system,
    api_keys.c.system,
    jobs.c.from_system,
    jobs.c.to_system,
    jobs.c.runs_on,
)
_OF_A_GROUP = (jobs.c.group,)


@dataclass(frozen=True, slots=True)
class _Renaming:
    """What is called otherwise from now on."""

    key: Key
    to: str

    def system(self, name: str) -> str:
        """What a system of this name is called afterwards."""
        return self.to if self.key == ("system", name) else name

    def group(self, name: str) -> str:
        """What a group of this name is called afterwards."""
        return self.to if self.key == ("sync_group", name) else name


def rename(connection: Connection, writing: Writing, key: Key, to: str, if_match: str | None) -> dict[str, Any]:
    """Rename an object; the answer of the routes. The name that it has already changes nothing.

    Raises E_SYSTEM_NOT_FOUND or E_SYNC_GROUP_NOT_FOUND, E_ALREADY_EXISTS, E_STATE_CHANGED.
    """
    check_state(connection, if_match)
    _check(connection, key, to)
    if to != key[1]:
        _move(connection, writing, _Renaming(key, to))
    return {
        "kind": key[0],
        "name": to,
        "action": "unchanged" if to == key[1] else "renamed",
        "formerly": former.of(connection, key[0], to),
        "warnings": _warnings(connection, key, to),
        "state": store.state_tag(connection),
    }


def _check(connection: Connection, key: Key, to: str) -> None:
    kind, name = key
    if store.load_one(connection, key) is None:
        code = "E_SYSTEM_NOT_FOUND" if kind == "system" else "E_SYNC_GROUP_NOT_FOUND"
        raise ZfsSyncError(code, f"There is no {TITLE[kind]} '{name}'.")
    if to != name and (store.load_one(connection, (kind, to)) is not None or _pending(connection, kind, to)):
        fault = Fault(pointer("name"), f"{TITLE[kind]} '{to}' exists already", "E_ALREADY_EXISTS")
        raise ZfsSyncError("E_ALREADY_EXISTS", f"There is a {TITLE[kind]} '{to}' already.", faults=[fault])


def _pending(connection: Connection, kind: str, name: str) -> bool:
    """Whether an agent that waits for approval calls itself so."""
    found = connection.execute(select(pending_systems.c.name).where(pending_systems.c.name == name)).first()
    return kind == "system" and found is not None


def _warnings(connection: Connection, key: Key, to: str) -> list[dict[str, str]]:
    """A system is reached where it was: its address is a network's business, and does not change with its name."""
    stored = store.load_one(connection, (key[0], to))
    host = stored.spec["ssh"]["host"] if stored and key[0] == "system" else to
    if host == to or key[1] == to:
        return []
    message = (
        f"Peers go on reaching '{to}' at {host}. In its declaration say ssh: {{host: {host}}}, or the address that it"
        " has under its new name."
    )
    return [{"code": "ADDRESS_KEPT", "pointer": pointer("name"), "message": message}]


def _move(connection: Connection, writing: Writing, renaming: _Renaming) -> None:
    kind, name = renaming.key
    table = _TABLES[kind]
    row = connection.execute(select(table).where(table.c.name == name)).one()
    moved = {**row._mapping, "name": renaming.to, "updated_at": writing.at}  # noqa: SLF001  (SQLAlchemy's public name)
    connection.execute(insert(table), moved)
    for column in _OF_A_SYSTEM if kind == "system" else _OF_A_GROUP:
        connection.execute(update(column.table).where(column == name).values({column: renaming.to}))
    _move_totals(connection, renaming)
    groups = _move_groups(connection, renaming)
    connection.execute(delete(table).where(table.c.name == name))
    _remember(connection, renaming)
    store.advance_state(connection)
    touched = {renaming.to} if kind == "system" else _systems(connection, groups)
    detail = {"from": name, "to": renaming.to}
    audit.record(connection, writing.principal, f"{kind}.renamed", kind, renaming.to, detail, writing.at, touched)
    planned = planning.desired_changed(connection, writing.at, groups, {renaming.to} if kind == "system" else set())
    woken = {*planned, *touched, name}
    after_commit(connection, lambda: writing.wake(woken))


def _move_totals(connection: Connection, renaming: _Renaming) -> None:
    """What was counted by the old name; an object that is gone may have been counted by the new one."""
    for row in connection.execute(select(job_totals)).all():
        key = {
            "group": renaming.group(row.group),
            "from_system": renaming.system(row.from_system),
            "to_system": renaming.system(row.to_system),
        }
        if any(key[name] != getattr(row, name) for name in key):
            _move_total(connection, row, {**key, "result": row.result})


def _move_total(connection: Connection, row: Row[Any], key: Mapping[str, str]) -> None:
    counted = ("jobs", "microseconds", "snapshots", "bytes")
    there = and_(*(job_totals.c[name] == value for name, value in key.items()))
    sums = {name: job_totals.c[name] + getattr(row, name) for name in counted}
    if connection.execute(update(job_totals).where(there).values(sums)).rowcount == 0:
        connection.execute(insert(job_totals), {**key, **{name: getattr(row, name) for name in counted}})
    here = and_(*(job_totals.c[name] == getattr(row, name) for name in key))
    connection.execute(delete(job_totals).where(here))


def _move_groups(connection: Connection, renaming: _Renaming) -> set[str]:
    """Bring specifications and edges along; the groups that are touched, by their names now."""
    touched = set()
    for row in connection.execute(select(sync_groups)).all():
        members = [_member(each, renaming) for each in row.spec["members"]]
        mine = row.name == renaming.to and renaming.key[0] == "sync_group"
        if row.name == renaming.group(row.name) and (mine or members != row.spec["members"]):
            spec = {**row.spec, **canonical(("sync_group", row.name), {"members": members})}
            connection.execute(update(sync_groups).where(sync_groups.c.name == row.name).values(spec=spec))
            _move_edges(connection, renaming, row.name, spec)
            touched.add(row.name)
    return touched


def _member(member: Mapping[str, Any], renaming: _Renaming) -> dict[str, Any]:
    moved = {**member, "system": renaming.system(member["system"])}
    if member.get("from") is not None:
        system, colon, dataset = member["from"].partition(":")
        moved["from"] = f"{renaming.system(system)}{colon}{dataset}"
    return moved


def _move_edges(connection: Connection, renaming: _Renaming, group: str, spec: Spec) -> None:
    """Give the edges of a group their new ids, and with them the planner's rows and jobs."""
    before = renaming.key[1] if renaming.group(renaming.key[1]) == group else group
    stored = connection.execute(select(edges).where(edges.c.group == before)).all()
    now = {(each.from_system, each.from_root, each.to_system, each.to_root): each for each in spec_edges(group, spec)}
    for old in stored:
        ends = (renaming.system(old.from_system), old.from_root, renaming.system(old.to_system), old.to_root)
        _move_edge(connection, old, now[ends])


def _move_edge(connection: Connection, old: Row[Any], edge: Edge) -> None:
    row = {**edge_rows.dump(edge), "takeover": old.takeover}
    if edge.id == old.id:
        connection.execute(update(edges).where(edges.c.id == old.id).values(row))
        return
    connection.execute(insert(edges), row)
    for column in (plan_rows.c.edge, jobs.c.edge):
        connection.execute(update(column.table).where(column == old.id).values({column: edge.id}))
    connection.execute(delete(edges).where(edges.c.id == old.id))


def _remember(connection: Connection, renaming: _Renaming) -> None:
    kind, name = renaming.key
    mine = former_names.c.kind == kind
    connection.execute(delete(former_names).where(mine, former_names.c.name == renaming.to))
    connection.execute(update(former_names).where(mine, former_names.c.current == name).values(current=renaming.to))
    connection.execute(insert(former_names), {"kind": kind, "name": name, "current": renaming.to})


def _systems(connection: Connection, groups: set[str]) -> set[str]:
    found = connection.execute(
        select(edges.c.from_system, edges.c.to_system).where(edges.c.group.in_(sorted(groups)))
    ).all()
    return {system for row in found for system in row}
