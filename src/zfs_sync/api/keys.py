# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""API keys over the wire. The token is in one answer only: the one that made it."""

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Len

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
