# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""What a request changes: each object that it speaks of, before and after, and the rules of ownership."""

from collections.abc import Iterable, Iterator

from zfs_sync.core.errors import Fault, pointer
from zfs_sync.witness.services.desired.canonical import defaults
from zfs_sync.witness.services.desired.model import (
    TITLE,
    Change,
    Deletion,
    Entry,
    Fleet,
    Key,
    Request,
    Stored,
)

PRUNE_FLOOR = 5
PRUNE_SHARE = 5
"""Prune may delete a fifth of an owner's objects, and always the floor."""


def changes_of(request: Request, fleet: Fleet) -> tuple[list[Change], list[Fault]]:
    """One change per object of the request, in order of kind and name, and what forbids some of them."""
    declared = {entry.key for entry in request.entries} | request.malformed
    changes = [_declared(entry, request, fleet.get(entry.key)) for entry in request.entries]
    deletions, faults = _distinct(request.deletions, declared)
    changes += [_deleted(each, request, fleet.get(each.key)) for each in deletions]
    pruned = list(_pruned(request, fleet, declared | {each.key for each in deletions}))
    faults += [*_ownership_faults(changes, request), *_prune_faults(request, fleet, pruned, empty=not declared)]
    return sorted(changes + pruned, key=lambda each: (each.key[0] != "system", each.key[1])), faults


def _declared(entry: Entry, request: Request, stored: Stored | None) -> Change:
    if stored is None:
        after = defaults(entry.key) | dict(entry.fields)
        return Change(entry.key, "created", None, after, request.owner, None, entry.place)
    after = dict(stored.spec) | dict(entry.fields)
    if after == stored.spec:
        return Change(entry.key, "unchanged", stored.spec, stored.spec, stored.owner, stored.owner, entry.place)
    return Change(entry.key, "updated", stored.spec, after, request.owner, stored.owner, entry.place)


def _deleted(deletion: Deletion, request: Request, stored: Stored | None) -> Change:
    if stored is None:
        return Change(deletion.key, "unchanged", None, None, request.owner, None, deletion.place)
    return Change(deletion.key, "deleted", stored.spec, None, request.owner, stored.owner, deletion.place)


def _distinct(deletions: Iterable[Deletion], declared: set[Key]) -> tuple[list[Deletion], list[Fault]]:
    found: dict[Key, Deletion] = {}
    faults = []
    for each in deletions:
        if each.key in declared:
            faults.append(Fault(pointer(*each.place), f"'{each.key[1]}' is declared in the same request"))
        elif each.key in found:
            faults.append(Fault(pointer(*each.place), f"'{each.key[1]}' is listed already"))
        else:
            found[each.key] = each
    return list(found.values()), faults


def _pruned(request: Request, fleet: Fleet, spoken_of: set[Key]) -> Iterator[Change]:
    if request.prune:
        for key, stored in fleet.items():
            if stored.owner == request.owner and key not in spoken_of:
                yield Change(key, "deleted", stored.spec, None, request.owner, stored.owner, ("prune",))


def _ownership_faults(changes: Iterable[Change], request: Request) -> Iterator[Fault]:
    for change in changes:
        kind, name = change.key
        where = pointer(*change.place)
        if request.create_only and change.after is not None and change.before is not None:
            yield Fault(where, f"{TITLE[kind]} '{name}' exists already", "E_ALREADY_EXISTS")
        foreign = change.action in ("updated", "deleted") and change.previous_owner != request.owner
        if foreign and not request.adopt:
            sentence = f"{TITLE[kind]} '{name}' belongs to {change.previous_owner}, and this is {request.owner}"
            yield Fault(where, sentence, "E_OWNED_BY_OTHER")


def _prune_faults(request: Request, fleet: Fleet, pruned: list[Change], *, empty: bool) -> Iterator[Fault]:
    owned = sum(each.owner == request.owner for each in fleet.values())
    limit = request.prune_limit
    if limit is None:
        limit = 0 if empty else max(PRUNE_FLOOR, owned // PRUNE_SHARE)
    if len(pruned) > limit:
        for change in pruned:
            kind, name = change.key
            yield Fault(pointer("prune"), f"{TITLE[kind]} '{name}' would be deleted", "E_PRUNE_TOO_MUCH")
