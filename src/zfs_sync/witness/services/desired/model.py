# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""What the steps of plan and apply hand to each other."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from zfs_sync.core.edges import Member
from zfs_sync.core.errors import Fault

Kind = Literal["system", "sync_group"]
Action = Literal["created", "updated", "deleted", "unchanged"]
Place = tuple[str | int, ...]
"""Where in the request something stands: the unescaped parts of a JSON pointer."""
Key = tuple[Kind, str]
"""What identifies an object: its kind and its name."""
Spec = Mapping[str, Any]

KINDS: tuple[Kind, ...] = ("system", "sync_group")
PLURAL: Mapping[Kind, str] = {"system": "systems", "sync_group": "sync_groups"}
TITLE: Mapping[Kind, str] = {"system": "system", "sync_group": "sync group"}


@dataclass(frozen=True, slots=True)
class Stored:
    """An object as it is stored."""

    owner: str
    spec: Spec
    created_at: datetime
    updated_at: datetime


Fleet = Mapping[Key, Stored]
"""All of desired state."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An object as it is declared: the fields that are present, in canonical form."""

    key: Key
    place: Place
    fields: Spec
    members: tuple[Member, ...] | None = None
    """A group's members in the order of the document; None where they are not declared."""
    members_place: Place = ()


@dataclass(frozen=True, slots=True)
class Deletion:
    """An object that the request wants gone."""

    key: Key
    place: Place


@dataclass(frozen=True, slots=True)
class Request:
    """A whole request, with what is wrong with its form. ``malformed`` names the objects that cannot be judged."""

    owner: str
    entries: tuple[Entry, ...] = ()
    deletions: tuple[Deletion, ...] = ()
    adopt: bool = False
    create_only: bool = False
    prune: bool = False
    prune_limit: int | None = None
    malformed: frozenset[Key] = frozenset()
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """What happens to one object."""

    key: Key
    action: Action
    before: Spec | None
    after: Spec | None
    owner: str
    previous_owner: str | None
    place: Place = field(default=(), compare=False)

    @property
    def fields(self) -> list[str]:
        """The names of the fields that differ; all of them for a new object."""
        if self.after is None:
            return []
        before = self.before or {}
        return sorted(name for name, value in self.after.items() if name not in before or before[name] != value)
