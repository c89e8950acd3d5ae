# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""What agents and witness of two protocols make of each other.

An agent takes an answer strictly: a key that it does not know is a fault. So a field that an answer gained later says
with which protocol (``Since``), and whoever speaks an earlier one is told without it. Where that would mean another
thing than is meant (an edge that carries a part only), it is not told at all. Requests need none of this: what they
gained later has a default.
"""

from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from functools import cache
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from zfs_sync.api.structure import unstructure

HEADER = "ZFS-Sync-Protocol"
"""The request header by which an agent says which protocol it speaks; without it, the first."""
FIRST = 1


@dataclass(frozen=True, slots=True)
class Since:
    """The mark of a field that an answer gained with a protocol."""

    protocol: int
    dispensable: bool = False
    """True: whoever does without it misses a service, and misunderstands nothing."""


def served(current: int) -> tuple[int, ...]:
    """The protocols that a witness of this one serves: its own, and the one before."""
    return tuple(range(max(FIRST, current - 1), current + 1))


def told(kind: type, body: dict[str, Any], protocol: int) -> dict[str, Any] | None:
    """An answer as whoever speaks ``protocol`` understands it; None where it would understand something else."""
    fitting: dict[str, Any] = {}
    for name, value in body.items():
        since, inner, default = _of(kind)[name]
        if since is not None and protocol < since.protocol:
            if not (since.dispensable or _means_default(value, default)):
                return None
            continue
        found = _value(inner, value, protocol)
        if found is None and value is not None:
            return None
        fitting[name] = found
    return fitting


def _means_default(value: Any, default: Any) -> bool:
    """Whether a value says nothing that its absence would not say."""
    if isinstance(value, dict) and isinstance(default, dict):
        return {**default, **value} == default
    return bool(value == default)


def _value(kind: Any, value: Any, protocol: int) -> Any:
    """A value of a field, which is a dataclass, a list of them, or anything else; None where it cannot be told."""
    if not is_dataclass(kind):
        return value
    if isinstance(value, list):
        entries = [told(kind, each, protocol) for each in value]  # type: ignore[arg-type]
        return None if None in entries else entries
    return told(kind, value, protocol) if isinstance(value, dict) else value  # type: ignore[arg-type]


@cache
def _of(kind: type) -> dict[str, tuple[Since | None, Any, Any]]:
    """By the field's name on the wire: its mark, the dataclass inside its type, and its default as JSON."""
    hints = get_type_hints(kind, include_extras=True)
    return {each.name.rstrip("_"): (*_read(hints[each.name]), _default(each)) for each in fields(kind)}


def _read(hint: Any) -> tuple[Since | None, Any]:
    """The mark anywhere in a type, and the dataclass in it."""
    since, inner = None, None
    if get_origin(hint) is Annotated:
        since = next((each for each in hint.__metadata__ if isinstance(each, Since)), None)
        hint = hint.__origin__
    if is_dataclass(hint):
        return since, hint
    if get_origin(hint) in (list, Union, UnionType):
        for each in get_args(hint):
            mark, found = _read(each)
            since, inner = since or mark, inner or found
    return since, inner


def _default(field: "Field[Any]") -> Any:
    if field.default_factory is not MISSING:
        return unstructure(field.default_factory())
    return None if field.default is MISSING else field.default
