# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""What reports have to say about a change of desired state. The witness asks no host: it knows what was reported."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from sqlalchemy import ColumnElement, Connection, false, func, select

from zfs_sync.core.edges import Edge
from zfs_sync.core.errors import Fault, pointer
from zfs_sync.core.names import MAX_DATASET_BYTES, parent, relative
from zfs_sync.core.numbers import readable_size
from zfs_sync.witness.db.observed import datasets, hosts, snapshots
from zfs_sync.witness.db.work import edges as stored_edges
from zfs_sync.witness.services.desired import switchover
from zfs_sync.witness.services.desired.canonical import spec_edges, spec_members
from zfs_sync.witness.services.desired.model import Change, Request
from zfs_sync.witness.services.views import below

_NAMING = frozenset(("members", "recursive", "include_root", "exclude", "snapshots"))
"""The fields of a group that decide which names its targets get."""


def name_faults(connection: Connection, request: Request, changes: Iterable[Change]) -> Iterator[Fault]:
    """Targets below which a reported dataset or snapshot of the source would have a longer name than ZFS allows.

    Told where the request touches what decides it: a child that got too long a name later has a row that says so, and
    keeps nobody from changing the rest of its group.
    """
    entries = {entry.key: entry for entry in request.entries}
    known = set(connection.execute(select(stored_edges.c.id)).scalars())
    for change in _moved_groups(changes):
        if not _NAMING & set(change.fields):
            continue
        entry = entries[change.key]
        members = spec_members(change.after or {}) if entry.members is None else entry.members
        long = _longest_by_target(connection, spec_edges(change.key[1], change.after or {}), known)
        for index, member in enumerate(members):
            if member.key in long:
                place = entry.place if entry.members is None else (*entry.members_place, index, "dataset")
                name = f"'{long[member.key]}' of the source"
                yield Fault(pointer(*place), f"{name} would get a name of more than {MAX_DATASET_BYTES} bytes here")


def warnings_of(connection: Connection, changes: Sequence[Change]) -> list[dict[str, str]]:
    """What a person should know before this is applied."""
    return [
        *_platform_warnings(connection, changes),
        *_empty_warnings(changes),
        *_first_sync_warnings(connection, changes),
        *(_warning("SWITCHOVER", place, message) for place, message in switchover.warnings(changes)),
    ]


def _moved_groups(changes: Iterable[Change]) -> Iterator[Change]:
    for change in changes:
        if change.key[0] == "sync_group" and change.action in ("created", "updated"):
            yield change


def _longest_by_target(connection: Connection, edges: Iterable[Edge], known: set[str]) -> dict[tuple[str, str], str]:
    found: dict[tuple[str, str], str] = {}
    for edge in edges:
        long = _too_long(connection, edge, labels=edge.id not in known)
        if long is not None:
            found[edge.to_system, edge.to_root] = long
    return found


def _too_long(connection: Connection, edge: Edge, *, labels: bool) -> str | None:
    """The longest of what the edge takes that has no room on the target: a path below the root, or a snapshot of it."""
    name = func.length(datasets.c.path) + func.coalesce(func.length(snapshots.c.name) + 1, 0)
    there = snapshots.c.dataset_id == datasets.c.id if labels else false()
    room = MAX_DATASET_BYTES - len(edge.to_root) + len(edge.from_root)
    statement = (
        select(datasets.c.path, snapshots.c.name)
        .join(snapshots, there, isouter=True)
        .where(_tree(edge.from_system, edge.from_root), name > room)
        .order_by(name.desc(), datasets.c.path)
    )
    for row in connection.execute(statement):
        below = relative(row.path, edge.from_root)
        if edge.covers(below) and (row.name is None or edge.selection.takes(row.name)):
            return below if row.name is None else f"{below}@{row.name}"
    return None


def _tree(system: str, root: str) -> ColumnElement[bool]:
    return (datasets.c.system == system) & below(root)


def _platform_warnings(connection: Connection, changes: Iterable[Change]) -> Iterator[dict[str, str]]:
    declared = {change.key[1]: change for change in changes if change.key[0] == "system" and change.after}
    rows = connection.execute(select(hosts.c.system, hosts.c.platform).where(hosts.c.platform.is_not(None)))
    reported: Mapping[str, str] = {row.system: row.platform for row in rows}
    for name, change in declared.items():
        wanted, found = (change.after or {})["platform"], reported.get(name)
        if wanted is not None and found is not None and wanted != found:
            message = f"System '{name}' is declared as {wanted}, and its agent reports {found}."
            yield _warning("PLATFORM_DIFFERS", (*change.place, "platform"), message)


def _empty_warnings(changes: Iterable[Change]) -> Iterator[dict[str, str]]:
    for change in _moved_groups(changes):
        spec = change.after or {}
        if not spec["recursive"] and not spec["include_root"]:
            message = (
                f"Sync group '{change.key[1]}' takes neither its roots nor what lies below: it replicates nothing."
            )
            yield _warning("NOTHING_REPLICATED", (*change.place, "include_root"), message)


def _first_sync_warnings(connection: Connection, changes: Iterable[Change]) -> Iterator[dict[str, str]]:
    known = set(connection.execute(select(stored_edges.c.id)).scalars())
    for change in _moved_groups(changes):
        for edge in spec_edges(change.key[1], change.after or {}):
            if _exists(connection, edge.to_system, edge.to_root):
                continue
            if edge.id not in known and (count := _first_bytes(connection, edge)) is not None:
                message = (
                    f"The first sync of '{edge.group}' from {edge.from_system}:{edge.from_root} to "
                    f"{edge.to_system}:{edge.to_root} moves about {readable_size(count)}."
                )
                yield _warning("FIRST_SYNC", change.place, message)


def _exists(connection: Connection, system: str, path: str) -> bool:
    """Whether the dataset is reported."""
    here = (datasets.c.system == system) & (datasets.c.path == path)
    return connection.execute(select(datasets.c.id).where(here)).first() is not None


def _first_bytes(connection: Connection, edge: Edge) -> int | None:
    """About how much a first sync moves; None where the source is not reported, or a size of it."""
    statement = select(datasets.c.path, datasets.c.used, datasets.c.referenced)
    rows = connection.execute(statement.where(_tree(edge.from_system, edge.from_root)))
    sizes = {relative(row.path, edge.from_root): row for row in rows}
    if "" not in sizes or sizes[""].used is None:
        return None
    own = {name: int(row.used or 0) for name, row in sizes.items()}
    for name, row in sizes.items():
        if name and (above := parent(name) or "") in own:
            own[above] -= int(row.used or 0)
    taken = {name: int(sizes[name].referenced or 0) for name in sizes if edge.covers(name)}
    if edge.selection.intermediate:  # older snapshots hold what the dataset itself refers to no more
        return sum(max(own[name], referenced) for name, referenced in taken.items())
    return sum(taken.values())


def _warning(code: str, place: Sequence[str | int], message: str) -> dict[str, str]:
    return {"code": code, "pointer": pointer(*place), "message": message}
