# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""From the bytes of a request to entries and faults.

The wire's dataclasses judge the form, strictly and all at once. What is declared is then taken from the raw mapping,
because a field that is absent (not managed) and one that is null (back to its default) look the same in a dataclass.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from zfs_sync.api.changes import FleetRequest
from zfs_sync.api.fleet import SyncGroupSpec, SystemSpec
from zfs_sync.core.errors import Fault, ZfsSyncError
from zfs_sync.witness.faults import faults_of, place_of
from zfs_sync.witness.services.desired.canonical import canonical, members_of, merged
from zfs_sync.witness.services.desired.model import KINDS, PLURAL, Deletion, Entry, Key, Kind, Place, Request

DEFAULT_OWNER = "api/default"
"""The owner of what is declared without one; every front end sends its own."""

_SPECS: Mapping[Kind, type] = {"system": SystemSpec, "sync_group": SyncGroupSpec}


def read_fleet_request(body: bytes) -> Request:
    """A request of plan or apply. Raises E_VALIDATION only where nothing in it can be judged."""
    raw = _parse(body)
    errors = _form_errors(FleetRequest, body)
    bad = _Malformed(errors)
    document = _mapping(raw.get("fleet"))
    keys = [(kind, str(name)) for kind in KINDS for name in _mapping(document.get(PLURAL[kind]))]
    malformed = frozenset(key for key in keys if bad.touches("fleet", PLURAL[key[0]], key[1]) or bad.defaults(key[0]))
    sound = raw if not errors else {**raw, **dict.fromkeys(bad.top_level)}
    return Request(
        owner=_or(document.get("owner"), bad.touches("fleet", "owner"), DEFAULT_OWNER),
        entries=tuple(_entry(document, key) for key in keys if key not in malformed),
        deletions=tuple(_deletions(_mapping(raw.get("delete")), bad)),
        adopt=bool(sound.get("adopt")),
        create_only=bool(sound.get("create_only")),
        prune=bool(sound.get("prune")),
        prune_limit=sound.get("prune_limit"),
        malformed=malformed,
        faults=tuple(faults_of(errors)),
    )


def read_spec(key: Key, body: bytes, owner: str | None, *, adopt: bool, create_only: bool) -> Request:
    """The request that declares one object, whose specification is the body."""
    raw = _parse(body)
    errors = _form_errors(_SPECS[key[0]], body)
    entry = None if errors else _make_entry(key, (), raw, ("members",))
    return Request(
        owner=owner or DEFAULT_OWNER,
        entries=() if entry is None else (entry,),
        adopt=adopt,
        create_only=create_only,
        malformed=frozenset({key} if errors else ()),
        faults=tuple(faults_of(errors)),
    )


def _parse(body: bytes) -> Mapping[str, Any]:
    try:
        raw = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ZfsSyncError("E_VALIDATION", "The body is not JSON.", faults=[Fault("", str(error))]) from error
    if not isinstance(raw, dict):
        raise ZfsSyncError("E_VALIDATION", "The body has faults.", faults=[Fault("", "this must be an object")])
    return raw


@cache
def _adapter(kind: type) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def _form_errors(kind: type, body: bytes) -> Sequence[Mapping[str, Any]]:
    try:
        _adapter(kind).validate_json(body, strict=True)
    except ValidationError as error:
        return error.errors(include_url=False, include_input=False)
    return ()


class _Malformed:
    """The places of a request that have the wrong form."""

    def __init__(self, errors: Iterable[Mapping[str, Any]]) -> None:
        places = [place_of(each["loc"]) for each in errors]
        self._prefixes = {tuple(place[:length]) for place in places for length in range(1, len(place) + 1)}
        self._whole = {tuple(place) for place in places}

    @property
    def top_level(self) -> list[str]:
        """The keys of the request itself that have the wrong form."""
        return [str(place[0]) for place in self._prefixes if len(place) == 1 and place != ("fleet",)]

    def touches(self, *place: str | int) -> bool:
        """Whether something at or below this place, or the whole of what it lies in, has the wrong form."""
        return place in self._prefixes or any(place[:length] in self._whole for length in range(len(place)))

    def defaults(self, kind: Kind) -> bool:
        """Whether the defaults of this kind have the wrong form, so that no entry can be judged."""
        return self.touches("fleet", "defaults", kind)


def _entry(document: Mapping[str, Any], key: Key) -> Entry:
    kind, name = key
    under = _mapping(_mapping(document.get("defaults")).get(kind))
    over = _mapping(document[PLURAL[kind]][name])
    place: Place = ("fleet", PLURAL[kind], name)
    inherited = "members" in under and "members" not in over
    members_place: Place = ("fleet", "defaults", kind, "members") if inherited else (*place, "members")
    return _make_entry(key, place, merged(under, over), members_place)


def _make_entry(key: Key, place: Place, declared: Mapping[str, Any], members_place: Place) -> Entry:
    members = members_of(declared["members"] or ()) if "members" in declared else None
    return Entry(key, place, canonical(key, declared), members, members_place)


def _deletions(raw: Mapping[str, Any], bad: _Malformed) -> Iterable[Deletion]:
    for kind in KINDS:
        names = raw.get(PLURAL[kind])
        for index, name in enumerate(names if isinstance(names, list) else ()):
            if not bad.touches("delete", PLURAL[kind], index):
                yield Deletion((kind, name), ("delete", PLURAL[kind], index))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _or(value: Any, unusable: bool, default: str) -> str:
    return default if unusable or value is None else str(value)
