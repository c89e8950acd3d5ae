# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The audit over the wire: who did what, to which object, when."""

from dataclasses import dataclass
from typing import Annotated, Any

from zfs_sync.api.annotations import STRICT, Example
from zfs_sync.api.status import Instant

EVENT_PATTERN = r"^[a-z_]+(\.[a-z_]+)?$"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One change, written in the transaction of the change."""

    __pydantic_config__ = STRICT

    id: str
    """The entry's number, which only rises, as a decimal string."""
    at: Instant
    """When it was."""
    event: Annotated[str, Example("sync_group.updated")]
    """What was done, as <kind>.<event>."""
    actor: str
    """The name of the key that did it; zfs-sync-witness for the command line, witness for the witness by itself."""
    role: Annotated[str, Example("operator")]
    """The role of that key."""
    key_id: str | None
    """The id of that key; null where no key was used."""
    object_kind: Annotated[str, Example("sync_group")]
    """What kind of object it was done to."""
    object_name: Annotated[str, Example("photos")]
    """Which one: a name, the id of a job, key or edge."""
    systems: Annotated[list[str], Example(["nas1", "nas2"])]
    """The systems that it touches; filter `system` looks here."""
    request_id: str | None
    """Under which the witness's log has the request."""
    detail: dict[str, Any]
    """What else there is to know. It holds no secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPage:
    """A page of the audit, newest first."""

    __pydantic_config__ = STRICT

    items: list[AuditEntry]
    """The entries."""
    next: str | None
    """Give it as `after` for the next page; null on the last."""
