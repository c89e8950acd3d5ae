# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""A group whose source becomes another of its members: refused while that one would begin with less.

What the old source has and the new one lacks would not be lost, but everybody else would stop following it. A group
that is disabled may be switched all the same: that is how a source that is gone for good is replaced.
"""

import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from zfs_sync.core.edges import Edge, Member
from zfs_sync.core.errors import Fault, pointer
from zfs_sync.core.graph import DatasetView, Snapshot, newest_common
from zfs_sync.core.names import join, relative
from zfs_sync.witness.services import views
from zfs_sync.witness.services.desired.canonical import spec_edges, spec_members
from zfs_sync.witness.services.desired.model import Change, Request

NAMED = 5


@dataclass(frozen=True, slots=True)
class _Switch:
    """A change of source within a group."""

    change: Change
    old: Member
    new: Member


def faults(connection: Connection, request: Request, changes: Iterable[Change]) -> Iterator[Fault]:
    """New sources that lack a snapshot of the old one, with its name."""
    entries = {entry.key: entry for entry in request.entries}
    for switch in _switches(changes):
        after = switch.change.after or {}
        lacking = _lacking(connection, spec_edges(switch.change.key[1], after)[0], switch)
        if not after["enabled"] or not lacking:
            continue
        entry = entries[switch.change.key]
        keys = [each.key for each in entry.members or ()]
        index = keys.index(switch.new.key) if switch.new.key in keys else None
        place = entry.place if index is None else (*entry.members_place, index, "role")
        yield Fault(pointer(*place), _sentence(switch, lacking), "E_SWITCHOVER_BEHIND")


def warnings(changes: Iterable[Change]) -> Iterator[tuple[Sequence[str | int], str]]:
    """What a person has to do on the two hosts: nobody's readonly is changed by a switchover."""
    for switch in _switches(changes):
        yield switch.change.place, _advice(switch.change.key[1], switch.old, switch.new)


def _advice(group: str, old: Member, new: Member) -> str:
    before, after = shlex.quote(old.dataset), shlex.quote(new.dataset)
    return (
        f"'{group}' will be written on {new.system}:{new.dataset}. Before: stop what writes to {old.dataset} on"
        f" {old.system}, and run there: zfs set readonly=on {before}. After: make {new.dataset} and what lies below it"
        f" writable on {new.system}: zfs set readonly=off {after}."
    )


def _switches(changes: Iterable[Change]) -> Iterator[_Switch]:
    for change in changes:
        if change.key[0] != "sync_group" or change.action != "updated":
            continue
        before, after = spec_members(change.before or {}), spec_members(change.after or {})
        old, new = _source(before), _source(after)
        if old and new and new.key != old.key and any(each.key == new.key for each in before):
            yield _Switch(change, old, new)


def _source(members: Iterable[Member]) -> Member | None:
    return next((each for each in members if each.role == "source"), None)


def _lacking(connection: Connection, edge: Edge, switch: _Switch) -> list[tuple[str, Snapshot]]:
    """The snapshots that the new source lacks, by path below the root; as far as the old source was ever heard of."""
    old, new = switch.old, switch.new
    theirs = views.load(connection, old.system, views.below(old.dataset))
    ours = views.load(connection, new.system, views.below(new.dataset))
    found = []
    for path in sorted(theirs):
        name = relative(path, old.dataset)
        if edge.covers(name):
            missing = _newer(theirs[path], ours.get(join(new.dataset, name)))
            found += [(name, each) for each in edge.selection.of(missing)]
    return found


def _newer(old: DatasetView, new: DatasetView | None) -> Sequence[Snapshot]:
    base = newest_common(old, new) if new else None
    return old.after(base.guid) if base else old.snapshots


def _sentence(switch: _Switch, lacking: Sequence[tuple[str, Snapshot]]) -> str:
    named = [f"{join(switch.old.dataset, name)}@{each.name} ({each.guid})" for name, each in lacking[:NAMED]]
    rest = f" and {len(lacking) - NAMED} more" if len(lacking) > NAMED else ""
    new = f"{switch.new.system}:{switch.new.dataset}"
    return f"{new} cannot become the source: it lacks {', '.join(named)}{rest} of {switch.old.system}"
