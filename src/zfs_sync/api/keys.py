# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""API keys over the wire. The token is in one answer only: the one that made it."""

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Le, Len

from zfs_sync.api.annotations import STRICT, Duration, Example, SystemName
from zfs_sync.api.status import Instant

KeyRole = Literal["admin", "operator", "viewer", "agent", "enrol"]
KeyName = Annotated[str, Len(1, 128), Example("ci")]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRequest:
    """A key to make."""

    __pydantic_config__ = STRICT

    name: KeyName
    """What it is for; one live key per name."""
    role: Annotated[KeyRole, Example("viewer")]
    """What it may do."""
    system: SystemName | None = None
    """The system that an agent or enrol key is bound to."""
    expires_in: Duration | None = None
    """How long it lives; for ever where it is not given, an hour for an enrol key."""
    uses: Annotated[int, Ge(1), Le(1_000), Example(1)] | None = None
    """How many agents an enrol key that is bound to no system lets in; 1 where it is not given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RotateRequest:
    """How a key is replaced."""

    __pydantic_config__ = STRICT

    overlap: Duration | None = None
    """How long the old key goes on beside the new one; not at all where it is not given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A key without its secret."""

    __pydantic_config__ = STRICT

    id: str
    """The part of the key that names it."""
    name: str
    """What it is for."""
    role: KeyRole
    """What it may do."""
    system: str | None
    """The system that it is bound to."""
    created: Instant
    """When it was made."""
    expires: Instant | None
    """When it ends."""
    last_used: Instant | None
    """When it was last used, to about a minute."""
    superseded_by: str | None = None
    """The id of the key that takes its place; it goes on until it expires."""
    renewal: bool = False
    """Whether the agent is asked to make a new key, and has not done so yet."""
    uses_left: int | None = None
    """How many agents it still lets in; null for a key that is bound to a system."""
    token: str | None = None
    """The key itself, only in the answer that made it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPage:
    """A page of keys."""

    __pydantic_config__ = STRICT

    items: list[Key]
    """The keys."""
    next: str | None
    """Give it as `after` for the next page; null on the last."""
