# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The one form in which specifications are stored, compared and shown, and the defaults of what nobody declared.

The input has the right form already (``request`` checked it), so nothing here can fail.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from zfs_sync.core import numbers
from zfs_sync.core.edges import Edge, Member, edges_of, member_faults
from zfs_sync.core.jump import parse_jump
from zfs_sync.core.properties import DEFAULTS, canonical_property
from zfs_sync.core.selection import Selection
from zfs_sync.witness.services.desired.model import Key, Spec

DEFAULT_USER = "zfs-sync"
DEFAULT_PORT = 22
DEFAULT_PRIORITY = 50
Raw = Mapping[str, Any]


def merged(under: Raw, over: Raw) -> dict[str, Any]:
    """``over`` with what only ``under`` has; mappings are merged, everything else is one value."""
    result = dict(under)
    for name, value in over.items():
        below = result.get(name)
        both = isinstance(value, Mapping) and isinstance(below, Mapping)
        result[name] = merged(below, value) if both else value  # type: ignore[arg-type]
    return result


def canonical(key: Key, declared: Raw) -> dict[str, Any]:
    """The declared fields in canonical form; a field that is null has its default."""
    kind, name = key
    forms = _SYSTEM if kind == "system" else _SYNC_GROUP
    return {field: forms[field](value, name) for field, value in declared.items()}


def defaults(key: Key) -> dict[str, Any]:
    """The whole specification of an object of which nothing is declared."""
    forms = _SYSTEM if key[0] == "system" else _SYNC_GROUP
    return canonical(key, dict.fromkeys(forms))


def members_of(raw: Sequence[Raw]) -> tuple[Member, ...]:
    """The members as core judges them, in the order given."""
    return tuple(
        Member(each["system"], each["dataset"], each["role"], each.get("from"), (each.get("limits") or {}).get("jobs"))
        for each in raw
    )


def spec_members(spec: Spec) -> tuple[Member, ...]:
    """The members of a stored group."""
    return members_of(spec["members"])


def spec_edges(group: str, spec: Spec) -> tuple[Edge, ...]:
    """The edges of a stored group."""
    snapshots = spec["snapshots"]
    selection = Selection(
        exclude=tuple(spec["exclude"]),
        include_root=spec["include_root"],
        snapshots_include=tuple(snapshots["include"]),
        snapshots_exclude=tuple(snapshots["exclude"]),
        intermediate=snapshots["intermediate"],
    )
    return edges_of(
        group,
        spec_members(spec),
        recursive=spec["recursive"],
        selection=selection,
        direction=spec["direction"],
        properties=spec["properties"]["set"],
    )


def _ssh(value: Any, name: str) -> dict[str, Any]:
    given = {key: each for key, each in (value or {}).items() if each is not None}
    if "jump" in given:
        given["jump"] = str(parse_jump(given["jump"]))
    return {"host": name, "user": DEFAULT_USER, "port": DEFAULT_PORT} | given


def _duration(value: Any, _name: str) -> str | None:
    return None if value is None else numbers.format_duration(numbers.parse_duration(value))


def _interval(value: Any, name: str) -> str:
    return "continuous" if value in (None, "continuous") else str(_duration(value, name))


def _patterns(value: Any, _name: str) -> list[str]:
    return sorted(set(value or ()))


def _snapshots(value: Any, name: str) -> dict[str, Any]:
    given = {key: each for key, each in (value or {}).items() if each is not None}
    return {
        "include": _patterns(given.get("include", ["*"]), name),
        "exclude": _patterns(given.get("exclude"), name),
        "intermediate": given.get("intermediate", True),
    }


def _limits(value: Any, _name: str) -> dict[str, Any]:
    return {key: each for key, each in (value or {}).items() if each is not None}


def _properties(value: Any, _name: str) -> dict[str, Any]:
    declared = {**DEFAULTS, **((value or {}).get("set") or {})}
    return {"set": {name: canonical_property(name, each) for name, each in sorted(declared.items())}}


def _members(value: Any, _name: str) -> list[dict[str, Any]]:
    """The source first, then by host and dataset; ``from`` only where it is not the source, as short as it can be."""
    members = members_of(value or ())
    feeders = _feeders(members)
    rows = [
        {"system": each.system, "dataset": each.dataset, "role": each.role}
        | _from(feeders.get(each.key))
        | ({} if each.jobs is None else {"limits": {"jobs": each.jobs}})
        for each in members
    ]
    return sorted(rows, key=lambda row: (row["role"] != "source", row["system"], row["dataset"]))


def _from(feeder: str | None) -> dict[str, str]:
    return {} if feeder is None else {"from": feeder}


def _feeders(members: tuple[Member, ...]) -> dict[tuple[str, str], str | None]:
    if member_faults(members):  # the request is refused, so this form is seen by nobody
        return {each.key: each.feeder for each in members}
    source = next((each for each in members if each.role == "source"), None)
    found: dict[tuple[str, str], str | None] = {}
    for edge in edges_of("", members) if source else ():
        feeder, own = (edge.from_system, edge.from_root), (edge.to_system, edge.to_root)
        alone = sum(each.system == feeder[0] and each.key != own for each in members) == 1
        found[own] = None if source and feeder == source.key else feeder[0] if alone else ":".join(feeder)
    return found


_Form = Callable[[Any, str], Any]


def _or(default: Any) -> _Form:
    return lambda value, _name: default if value is None else value


_SYSTEM: Mapping[str, _Form] = {
    "description": _or(""),
    "platform": _or(None),
    "ssh": _ssh,
    "labels": lambda value, _name: dict(sorted((value or {}).items())),
    "limits": _limits,
    "maintenance": _or(False),
}
_SYNC_GROUP: Mapping[str, _Form] = {
    "description": _or(""),
    "enabled": _or(True),
    "mode": _or("auto"),
    "members": _members,
    "recursive": _or(True),
    "include_root": _or(True),
    "exclude": _patterns,
    "snapshots": _snapshots,
    "interval": _interval,
    "lag_limit": _duration,
    "direction": _or("pull"),
    "priority": _or(DEFAULT_PRIORITY),
    "limits": _limits,
    "properties": _properties,
}
