# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""What must hold of the state that would result: over all groups and systems, not only those of the request."""

from collections.abc import Iterator, Mapping, Sequence

from zfs_sync.core.edges import Member, member_faults
from zfs_sync.core.errors import Fault, pointer
from zfs_sync.core.overlap import Root, overlaps
from zfs_sync.witness.services.desired.canonical import spec_members
from zfs_sync.witness.services.desired.model import Change, Entry, Fleet, Key, Request, Spec

Groups = Mapping[str, Spec]


def faults_of_result(request: Request, fleet: Fleet, changes: Sequence[Change]) -> list[Fault]:
    """Everything that keeps the resulting state from being one: members, systems in use, overlaps."""
    after = _resulting(fleet, changes)
    systems = {name for kind, name in [*after, *request.malformed] if kind == "system"}
    entries = {entry.key[1]: entry for entry in request.entries if entry.key[0] == "sync_group"}
    faulty = {key[1] for key in request.malformed if key[0] == "sync_group"}
    groups = {key[1]: spec for key, spec in after.items() if key[0] == "sync_group" and key[1] not in faulty}
    deleted = {change.key[1]: change for change in changes if change.key[0] == "system" and change.action == "deleted"}
    faults = list(_member_list_faults(entries, groups))
    unusable = {fault.group for fault in faults}
    sound = {name: spec for name, spec in groups.items() if name not in unusable}
    return [
        *(fault.fault for fault in faults),
        *_system_faults(entries, groups, systems, set(deleted)),
        *_in_use_faults(groups, deleted),
        *_overlap_faults(entries, sound),
    ]


def _resulting(fleet: Fleet, changes: Sequence[Change]) -> dict[Key, Spec]:
    after = {key: stored.spec for key, stored in fleet.items()}
    for change in changes:
        if change.after is None:
            after.pop(change.key, None)
        else:
            after[change.key] = change.after
    return after


class _GroupFault:
    """A fault, and the group that cannot be judged further because of it."""

    __slots__ = ("fault", "group")

    def __init__(self, group: str, fault: Fault) -> None:
        self.group = group
        self.fault = fault


def _member_list_faults(entries: Mapping[str, Entry], groups: Groups) -> Iterator[_GroupFault]:
    for name, entry in entries.items():
        members = _members(entry, groups[name])
        for each in member_faults(members):
            place = entry.members_place if each.index is None else (*entry.members_place, each.index)
            where = pointer(*place, *([each.key] if each.key else []))
            yield _GroupFault(name, Fault(where, each.message))


def _members(entry: Entry | None, spec: Spec) -> tuple[Member, ...]:
    """In the order of the document, where it declares them: faults point there."""
    return entry.members if entry is not None and entry.members is not None else spec_members(spec)


def _system_faults(
    entries: Mapping[str, Entry], groups: Groups, systems: set[str], deleted: set[str]
) -> Iterator[Fault]:
    for name, entry in entries.items():
        for index, member in enumerate(_members(entry, groups[name])):
            if member.system not in systems and member.system not in deleted:
                where = pointer(*entry.members_place, index, "system")
                yield Fault(where, f"there is no system '{member.system}'", "E_SYSTEM_NOT_FOUND")


def _in_use_faults(groups: Groups, deleted: Mapping[str, Change]) -> Iterator[Fault]:
    if not deleted:
        return
    uses: dict[str, set[str]] = {}
    for name, spec in groups.items():
        for member in spec["members"]:
            if member["system"] in deleted:
                uses.setdefault(member["system"], set()).add(name)
    for system, names in sorted(uses.items()):
        listed = ", ".join(f"'{name}'" for name in sorted(names))
        where = pointer(*deleted[system].place)
        yield Fault(where, f"system '{system}' is still a member of {listed}", "E_SYSTEM_IN_USE")


def _overlap_faults(entries: Mapping[str, Entry], groups: Groups) -> Iterator[Fault]:
    roots = (root for name, spec in groups.items() for root in _roots(name, entries.get(name), spec))
    for overlap in overlaps(roots):
        # Told at the target, unless only the other end is in the request. One of them must be: what is stored is sound.
        here = next(root for root in overlap.roots if root.group in entries)
        entry = entries[here.group]
        place = entry.place if entry.members is None else (*entry.members_place, here.index, "dataset")
        yield Fault(pointer(*place), overlap.sentence(here))


def _roots(group: str, entry: Entry | None, spec: Spec) -> Iterator[Root]:
    for index, member in enumerate(_members(entry, spec)):
        fed, peer = member.role != "source", member.role == "peer"
        yield Root(group, index, member.system, member.dataset, fed, spec["recursive"], peer)
