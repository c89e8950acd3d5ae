# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""What reports have to say about a change of desired state. The witness asks no host: it knows what was reported."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from sqlalchemy import ColumnElement, Connection, func, or_, select

from zfs_sync.core.edges import Edge, edges_of
from zfs_sync.core.errors import Fault, pointer
from zfs_sync.core.names import MAX_DATASET_BYTES
from zfs_sync.core.numbers import readable_size
from zfs_sync.witness.db.observed import datasets, hosts
from zfs_sync.witness.db.work import edges as stored_edges
from zfs_sync.witness.services.desired.canonical import spec_members
from zfs_sync.witness.services.desired.model import Change, Request, Spec


def name_faults(connection: Connection, request: Request, changes: Iterable[Change]) -> Iterator[Fault]:
    """Targets below which a reported dataset of the source would have a longer name than ZFS allows."""
    entries = {entry.key: entry for entry in request.entries}
    for change in _moved_groups(changes):
        entry = entries[change.key]
        members = spec_members(change.after or {}) if entry.members is None else entry.members
        longest = _longest_relative(connection, change.after or {})
        for index, member in enumerate(members):
            room = MAX_DATASET_BYTES - len(member.dataset) - 1
            if member.role == "target" and len(longest) > room:
                place = entry.place if entry.members is None else (*entry.members_place, index, "dataset")
                sentence = f"'{longest}' of the source would get a name of more than {MAX_DATASET_BYTES} bytes here"
                yield Fault(pointer(*place), sentence)


def warnings_of(connection: Connection, changes: Sequence[Change]) -> list[dict[str, str]]:
    """What a person should know before this is applied."""
    return [*_platform_warnings(connection, changes), *_first_sync_warnings(connection, changes)]


def _moved_groups(changes: Iterable[Change]) -> Iterator[Change]:
    for change in changes:
        if change.key[0] == "sync_group" and change.action in ("created", "updated"):
            yield change


def _longest_relative(connection: Connection, spec: Spec) -> str:
    source = next(member for member in spec["members"] if member["role"] == "source")
    if not spec["recursive"]:
        return ""
    below = _tree(source["system"], source["dataset"]) & (datasets.c.path != source["dataset"])
    statement = select(datasets.c.path).where(below).order_by(func.length(datasets.c.path).desc()).limit(1)
    path: str | None = connection.execute(statement).scalar()
    return "" if path is None else path[len(source["dataset"]) + 1 :]


def _tree(system: str, root: str) -> ColumnElement[bool]:
    inside = or_(datasets.c.path == root, func.substr(datasets.c.path, 1, len(root) + 1) == root + "/")
    return (datasets.c.system == system) & inside


def _platform_warnings(connection: Connection, changes: Iterable[Change]) -> Iterator[dict[str, str]]:
    declared = {change.key[1]: change for change in changes if change.key[0] == "system" and change.after}
    rows = connection.execute(select(hosts.c.system, hosts.c.platform).where(hosts.c.platform.is_not(None)))
    reported: Mapping[str, str] = {row.system: row.platform for row in rows}
    for name, change in declared.items():
        wanted, found = (change.after or {})["platform"], reported.get(name)
        if wanted is not None and found is not None and wanted != found:
            message = f"System '{name}' is declared as {wanted}, and its agent reports {found}."
            yield _warning("PLATFORM_DIFFERS", (*change.place, "platform"), message)


def _first_sync_warnings(connection: Connection, changes: Iterable[Change]) -> Iterator[dict[str, str]]:
    known = set(connection.execute(select(stored_edges.c.id)).scalars())
    for change in _moved_groups(changes):
        spec = change.after or {}
        for edge in edges_of(change.key[1], spec_members(spec), recursive=spec["recursive"]):
            if edge.id not in known and (count := _first_bytes(connection, edge)) is not None:
                message = (
                    f"The first sync of '{edge.group}' from {edge.from_system}:{edge.from_root} to "
                    f"{edge.to_system}:{edge.to_root} moves about {readable_size(count)}."
                )
                yield _warning("FIRST_SYNC", change.place, message)


def _first_bytes(connection: Connection, edge: Edge) -> int | None:
    """About how much a first sync moves; None where the source is not reported. ``used`` counts what lies below too."""
    statement = select(datasets.c.path, datasets.c.used, datasets.c.referenced)
    rows = {row.path: row for row in connection.execute(statement.where(_tree(edge.from_system, edge.from_root)))}
    root = rows.get(edge.from_root)
    if root is None or root.used is None:
        return None
    if edge.recursive:
        return int(root.used)
    depth = edge.from_root.count("/") + 1
    children = sum(row.used or 0 for path, row in rows.items() if path.count("/") == depth)
    return max(int(root.used) - children, int(root.referenced or 0))


def _warning(code: str, place: Sequence[str | int], message: str) -> dict[str, str]:
    return {"code": code, "pointer": pointer(*place), "message": message}
