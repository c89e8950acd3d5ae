# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""What reports have to say about a change of desired state. The witness asks no host: it knows what was reported."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from sqlalchemy import ColumnElement, Connection, func, select

from zfs_sync.core.edges import Edge, Member
from zfs_sync.core.errors import Fault, pointer
from zfs_sync.core.names import MAX_DATASET_BYTES, parent, relative
from zfs_sync.core.numbers import readable_size
from zfs_sync.witness.db.observed import datasets, hosts
from zfs_sync.witness.db.work import edges as stored_edges
from zfs_sync.witness.services.desired import switchover
from zfs_sync.witness.services.desired.canonical import spec_edges, spec_members
from zfs_sync.witness.services.desired.model import Change, Request, Spec
from zfs_sync.witness.services.views import below


def name_faults(connection: Connection, request: Request, changes: Iterable[Change]) -> Iterator[Fault]:
    """Targets below which a reported dataset of the source would have a longer name than ZFS allows."""
    entries = {entry.key: entry for entry in request.entries}
    for change in _moved_groups(changes):
        entry = entries[change.key]
        members = spec_members(change.after or {}) if entry.members is None else entry.members
        feeding = [each for each in members if each.role != "target"]
        longest = {each.key: _longest_relative(connection, change.key[1], change.after or {}, each) for each in feeding}
        for index, member in enumerate(members):
            room = MAX_DATASET_BYTES - len(member.dataset) - 1
            others = [name for key, name in longest.items() if key != member.key]
            if (
                member.role != "source"
                and (longest_name := max(others, key=len, default=""))
                and len(longest_name) > room
            ):
                place = entry.place if entry.members is None else (*entry.members_place, index, "dataset")
                sentence = (
                    f"'{longest_name}' of the source would get a name of more than {MAX_DATASET_BYTES} bytes here"
                )
                yield Fault(pointer(*place), sentence)


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


def _longest_relative(connection: Connection, group: str, spec: Spec, source: Member) -> str:
    """The longest path below the root of the source, or of a peer, that the group takes."""
    edge = spec_edges(group, spec)[0]
    tree = _tree(*source.key)
    paths = connection.execute(select(datasets.c.path).where(tree).order_by(func.length(datasets.c.path).desc()))
    names = (relative(path, source.dataset) for path in paths.scalars())
    return next((name for name in names if edge.covers(name)), "")


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
