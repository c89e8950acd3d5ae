# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The planner's rows, kept up to date in the transaction that changed what they follow from.

A row is judged anew only when its group, one of its two datasets, or what stands in its way has changed; so what an
agent asks for is an indexed read, at any size and with any history.
"""

from collections.abc import Collection, Iterable
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, or_, select, update

from zfs_sync.core.edges import Edge
from zfs_sync.core.graph import DatasetView, Snapshot
from zfs_sync.core.names import is_inside, join, relative
from zfs_sync.core.planner import Outcome, Verdict, written_since
from zfs_sync.witness.db.desired import sync_groups
from zfs_sync.witness.db.observed import datasets, snapshots
from zfs_sync.witness.db.work import edges, plan_rows
from zfs_sync.witness.services import conflicts, edge_rows, former_names, peers, renames, scheduling, views
from zfs_sync.witness.services.desired.canonical import spec_edges
from zfs_sync.witness.services.renames import Renames
from zfs_sync.witness.services.verdicts import Ends, verdict_of

EdgeRow = Row[Any]
_FEEDING = ("from_system", "from_root")
"""An edge that is fed from elsewhere is another one, and its rows begin anew."""


def desired_changed(
    connection: Connection,
    now: datetime,
    affected_groups: AbstractSet[str],
    affected_systems: AbstractSet[str],
) -> set[str]:
    """Follow a change of desired state; the systems whose long poll must wake."""
    woken = set(affected_systems)
    for group in sorted(affected_groups):
        woken |= _rebuild(connection, group)
    scheduling.drop_orphans(connection, now)  # first: another edge may lead to the same dataset now
    touched = _edges(connection, affected_groups, affected_systems)
    for edge in touched:
        woken |= {edge.from_system, edge.to_system}
        _judge_edge(connection, edge, None, now)
    return woken


def report_changed(connection: Connection, now: datetime, system: str, paths: Collection[str] | None) -> set[str]:
    """Follow a report of ``system`` that changed ``paths`` (None: all of it); the systems to wake."""
    woken = {system}
    touched: dict[str, set[str] | None] = {}
    wandering = renames.unsettled(connection, system)
    with conflicts.recorded(connection, now, system):
        for edge in _edges(connection, (), {system}):
            relatives = None if paths is None else _relatives(edge, system, paths)
            if relatives is not None:
                relatives |= wandering.get(edge.id, set())
            if relatives is None or relatives:
                woken |= {edge.from_system, edge.to_system}
                touched[edge.group] = _united(touched.get(edge.group, set()), relatives)
                _judge_edge(connection, edge, relatives, now, reporter=system)
        for edge in peers.edges_of(connection, touched):
            woken |= {edge.from_system, edge.to_system}
            scheduling.schedule_edge(connection, edge, now, touched[edge.group])
    return woken


def _united(some: set[str] | None, more: set[str] | None) -> set[str] | None:
    """Both together, where None is everything."""
    return None if some is None or more is None else some | more


def hindrances_changed(connection: Connection, now: datetime, system: str) -> set[str]:
    """Follow what a host allows now: queue what it refused before, and not what it refuses now; the systems to wake."""
    woken = set()
    for edge in _edges(connection, (), {system}):
        woken |= {edge.from_system, edge.to_system}
        scheduling.forget_refusals(connection, edge)
        scheduling.schedule_edge(connection, edge, now)
    return woken


def _rebuild(connection: Connection, group: str) -> set[str]:
    """Make the stored edges of a group those of its members; the systems of edges that are gone."""
    spec = connection.execute(select(sync_groups.c.spec).where(sync_groups.c.name == group)).scalar()
    before = connection.execute(select(edges).where(edges.c.group == group)).all()
    rows = {each.id: _edge_row(each, before) for each in (spec_edges(group, spec) if spec else ())}
    woken: set[str] = set()
    for old in before:
        row = rows.pop(old.id, None)
        if row == dict(old._mapping):  # noqa: SLF001  (SQLAlchemy's public name)
            continue
        woken |= {old.from_system, old.to_system}
        if row and all(row[name] == getattr(old, name) for name in _FEEDING):
            connection.execute(update(edges).where(edges.c.id == old.id).values(row))
            continue
        connection.execute(delete(edges).where(edges.c.id == old.id))
        if row:
            rows[old.id] = row
    if rows:
        connection.execute(insert(edges), list(rows.values()))
    return woken


def _edge_row(edge: Edge, before: Collection[EdgeRow]) -> dict[str, Any]:
    return edge_rows.dump(edge) | {"takeover": not edge.peers and _taken_over(edge, before)}


def _taken_over(edge: Edge, before: Collection[EdgeRow]) -> bool:
    """Whether the target had data of its own in this group: it was the source, or a peer, and has no mark of ours."""
    own = {(each.from_system, each.from_root) for each in before}
    own -= {(each.to_system, each.to_root) for each in before if not each.peers}
    kept = any(each.takeover for each in before if each.id == edge.id)
    return kept or (edge.to_system, edge.to_root) in own


def _edges(connection: Connection, groups: Iterable[str], systems: Iterable[str]) -> list[EdgeRow]:
    condition = or_(
        edges.c.group.in_(list(groups)), edges.c.from_system.in_(list(systems)), edges.c.to_system.in_(list(systems))
    )
    return list(connection.execute(select(edges).where(condition).order_by(edges.c.id)))


def _relatives(edge: EdgeRow, system: str, paths: Collection[str]) -> set[str]:
    found = set()
    for end, root in ((edge.from_system, edge.from_root), (edge.to_system, edge.to_root)):
        if end == system:
            found |= {relative(path, root) for path in paths if is_inside(path, root)}
    return found if edge.recursive else found & {""}


def _judge_edge(
    connection: Connection, edge: EdgeRow, relatives: set[str] | None, now: datetime, reporter: str | None = None
) -> None:
    old = {row.relative: row for row in connection.execute(select(plan_rows).where(plan_rows.c.edge == edge.id))}
    touched = frozenset() if relatives is None else frozenset(relatives)
    if relatives is not None:
        relatives = relatives | renames.held_back(old)
    if relatives is not None and reporter == edge.to_system:
        relatives = relatives | {name for name in old if name and views.above(name) in touched}
    sources, targets = _sources(connection, edge, relatives), _targets(connection, edge, relatives)
    asked = (set(old) | set(sources) | {""}) if relatives is None else relatives
    ownership = former_names.ownership(connection, edge)
    reported = {each: views.has_reported(connection, each) for each in (edge.from_system, edge.to_system)}
    ends = Ends(sources, targets, reported[edge.from_system], reported[edge.to_system])
    ours = edge_rows.load(edge)
    moved = Renames(connection, ours, ends, old, ownership)
    for name in sorted(asked):
        verdict = moved.refined(name, verdict_of(ours, name, ends, ownership))
        if verdict is None:
            connection.execute(delete(plan_rows).where(plan_rows.c.edge == edge.id, plan_rows.c.relative == name))
            continue
        heard = reporter == edge.to_system
        verdict = _still_dirty(verdict, targets.get(name), old.get(name))
        guids = _own_guids(name, ends)
        _store(connection, edge, name, verdict, old.get(name), now, guids=guids, heard=heard, news=name in touched)
    scheduling.schedule_edge(connection, edge, now, None if relatives is None else asked)


def _sources(connection: Connection, edge: EdgeRow, relatives: set[str] | None) -> dict[str, DatasetView]:
    return _side(connection, edge.from_system, edge.from_root, relatives, recursive=edge.recursive)


def _targets(connection: Connection, edge: EdgeRow, relatives: set[str] | None) -> dict[str, DatasetView]:
    wanted = None if relatives is None else relatives | {views.above(name) for name in relatives if name}
    return _side(connection, edge.to_system, edge.to_root, wanted, recursive=edge.recursive)


def _side(
    connection: Connection, system: str, root: str, relatives: set[str] | None, *, recursive: bool
) -> dict[str, DatasetView]:
    if not recursive:
        relatives = {""}
    if relatives is None:
        found = views.load(connection, system, views.below(root))
    else:
        found = views.at(connection, system, {join(root, name) for name in relatives})
    return {relative(path, root): view for path, view in found.items()}


def _store(
    connection: Connection,
    edge: EdgeRow,
    name: str,
    verdict: Verdict,
    old: Row[Any] | None,
    now: datetime,
    *,
    guids: dict[str, int],
    heard: bool,
    news: bool,
) -> None:
    values = guids | _columns(verdict) | {"lag_since": _lag_since(connection, edge, name, verdict.oldest_missing, now)}
    if old is None:
        connection.execute(insert(plan_rows), {"edge": edge.id, "relative": name, **values})
        return
    if heard:
        values["awaited_head"] = None
    if verdict.outcome is not Outcome.TARGET_DIRTY:
        values["dirty_head"] = None
    known = (old.outcome, old.source_head, old.target_head)
    if news or known != (values["outcome"], values["source_head"], values["target_head"]):
        values["next_attempt"] = None
    if verdict.outcome is Outcome.IN_SYNC:
        values |= {"error": None, "error_at": None, "next_attempt": None, "attempts": 0, "requested_at": None}
    condition = (plan_rows.c.edge == edge.id) & (plan_rows.c.relative == name)
    connection.execute(update(plan_rows).where(condition).values(values))


def _own_guids(name: str, ends: Ends) -> dict[str, int]:
    """The GUIDs of the datasets that are in their places; what is not there is remembered as it was."""
    sides = {"source_guid": ends.sources.get(name), "target_guid": ends.targets.get(name)}
    return {column: found.guid for column, found in sides.items() if found is not None}


def _still_dirty(verdict: Verdict, target: DatasetView | None, old: Row[Any] | None) -> Verdict:
    """TARGET_DIRTY as an attempt found it, until the target's snapshots change or its platform says otherwise."""
    if old is None or old.dirty_head is None or target is None or target.written is not None:
        return verdict
    same = target.head is not None and target.head.guid == old.dirty_head
    if verdict.outcome is not Outcome.BEHIND or not same:
        return verdict
    return replace(verdict, outcome=Outcome.TARGET_DIRTY, message=written_since(target))


def _columns(verdict: Verdict) -> dict[str, Any]:
    columns: dict[str, Any] = {
        "outcome": str(verdict.outcome),
        "message": verdict.message,
        "evidence": dict(verdict.evidence),
        "lag_snapshots": verdict.lag_snapshots,
    }
    for column in ("source_head", "target_head", "base"):
        snapshot: Snapshot | None = getattr(verdict, column)
        columns[column] = snapshot.guid if snapshot else None
        columns[f"{column}_name"] = snapshot.name if snapshot else None
    return columns


def _lag_since(
    connection: Connection, edge: EdgeRow, name: str, missing: Snapshot | None, now: datetime
) -> datetime | None:
    """When the oldest snapshot that the target lacks was made, or first seen where the platform does not say."""
    if missing is None:
        return None
    statement = (
        select(snapshots.c.creation, snapshots.c.seen_at)
        .join(datasets, datasets.c.id == snapshots.c.dataset_id)
        .where(
            datasets.c.system == edge.from_system,
            datasets.c.path == join(edge.from_root, name),
            snapshots.c.guid == missing.guid,
        )
    )
    row = connection.execute(statement).first()
    if row is None:
        return now
    return datetime.fromtimestamp(row.creation, UTC) if row.creation is not None else row.seen_at
