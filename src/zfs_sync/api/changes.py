# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Plan and apply: the request both take, and the answer both give."""

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from annotated_types import Ge

from zfs_sync.api.annotations import STRICT, Example, GroupName, SystemName
from zfs_sync.api.fleet import FleetDocument

Action = Literal["created", "updated", "deleted", "unchanged"]
Kind = Literal["system", "sync_group"]
Spec = Annotated[dict[str, Any], Example({"description": "Berlin"})]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deletions:
    """Objects to delete by name; one that is absent is unchanged."""

    __pydantic_config__ = STRICT

    systems: Annotated[list[SystemName], Example(["nas3"])] = field(default_factory=list)
    """Systems to delete."""
    sync_groups: Annotated[list[GroupName], Example(["photos"])] = field(default_factory=list)
    """Sync groups to delete."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetRequest:
    """A fleet document and how to take it."""

    __pydantic_config__ = STRICT

    fleet: FleetDocument
    """The document."""
    delete: Deletions = field(default_factory=Deletions)
    """What to delete by name, whatever the document says of the rest."""
    adopt: Annotated[bool, Example(False)] = False
    """Take over objects of other owners whose content differs."""
    create_only: Annotated[bool, Example(False)] = False
    """Fail where an object of the document exists already."""
    prune: Annotated[bool, Example(False)] = False
    """Delete this owner's objects that are not in the document."""
    prune_limit: Annotated[int, Ge(0), Example(5)] | None = None
    """How many objects prune may delete; by default max(5, 20 % of the owner's objects).

    An empty document prunes nothing unless a limit is given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What happens, or happened, to one object."""

    __pydantic_config__ = STRICT

    kind: Annotated[Kind, Example("system")]
    """What the object is."""
    name: Annotated[str, Example("nas1")]
    """Its name, which is its id."""
    action: Annotated[Action, Example("updated")]
    """What is done to it."""
    before: Spec | None
    """The object before, normalised; null where there was none."""
    after: Spec | None
    """The object after, normalised; null where there is none."""
    fields: Annotated[list[str], Example(["description"])]
    """The fields that differ."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """How many objects were taken how."""

    __pydantic_config__ = STRICT

    created: int
    """Objects that did not exist."""
    updated: int
    """Objects that differed."""
    deleted: int
    """Objects that went."""
    unchanged: int
    """Objects that were as declared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """Something a person should know that does not stop the request."""

    __pydantic_config__ = STRICT

    code: str
    """A short code in capitals."""
    pointer: str
    """Where in the request, as a JSON pointer."""
    message: str
    """What it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemRename:
    """A new name for a system."""

    __pydantic_config__ = STRICT

    name: SystemName
    """What it is called from now on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncGroupRename:
    """A new name for a sync group."""

    __pydantic_config__ = STRICT

    name: GroupName
    """What it is called from now on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RenameAnswer:
    """What an object is called now."""

    __pydantic_config__ = STRICT

    kind: Annotated[Literal["system", "sync_group"], Example("system")]
    """What it is."""
    name: str
    """Its name."""
    action: Annotated[Literal["renamed", "unchanged"], Example("renamed")]
    """unchanged: it had this name already."""
    formerly: list[str]
    """Names that it had, and by which agents, gates and marks may still speak of it."""
    warnings: list[Advice]
    """What a person should know."""
    state: Annotated[str, Example('"3f9c-12"')]
    """The tag of desired state."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetAnswer:
    """The plan, or what was applied: the same for both."""

    __pydantic_config__ = STRICT

    changes: list[Change]
    """One entry per object that the request speaks of."""
    summary: Summary
    """The entries counted."""
    warnings: list[Advice]
    """What a person should know."""
    state: Annotated[str, Example('"3f9c-12"')]
    """The tag of desired state: give it as If-Match to apply exactly what was planned."""
