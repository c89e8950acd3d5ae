# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""API keys over HTTP. The text of a key is in the answer that made it, and nowhere else."""

from typing import Annotated

from fastapi import Path
from sqlalchemy import Connection

from zfs_sync.api.keys import Key, KeyPage, KeyRequest, RotateRequest
from zfs_sync.core.numbers import parse_duration
from zfs_sync.core.tokens import Token
from zfs_sync.witness.auth import Admin, Operator
from zfs_sync.witness.clock import instant
from zfs_sync.witness.context import InWitness
from zfs_sync.witness.db.database import after_commit
from zfs_sync.witness.routes.parameters import PAGE_LIMIT, After, Limit
from zfs_sync.witness.routing import new_router
from zfs_sync.witness.services import access, keys
from zfs_sync.witness.services.keys import KeyRow, NewKey

router = new_router("api-keys")
KeyId = Annotated[str, Path(description="The key's id: the part of its text behind the role.")]


@router.get("/api-keys")
def list_keys(witness: InWitness, principal: Admin, limit: Limit = PAGE_LIMIT, after: After = None) -> KeyPage:  # noqa: ARG001
    """Live keys by name, without their text."""
    rows = witness.database.read(lambda connection: keys.live(connection, after=after, limit=limit + 1))
    more = rows[limit - 1].name if len(rows) > limit else None
    return KeyPage(items=[shown(row) for row in rows[:limit]], next=more)


@router.post("/api-keys", status_code=201)
def create_key(witness: InWitness, principal: Operator, body: KeyRequest) -> Key:
    """Make a key. Role admin makes any, role operator makes enrol keys."""
    seconds = None if body.expires_in is None else parse_duration(body.expires_in)
    new = NewKey(body.name, body.role, body.system, seconds, body.uses)
    return shown(*witness.database.write(lambda each: keys.create(each, principal, new, witness.clock())))


@router.get("/api-keys/{key_id}")
def get_key(witness: InWitness, principal: Admin, key_id: KeyId) -> Key:  # noqa: ARG001
    """One key, live or not, without its text."""
    return shown(witness.database.read(lambda connection: keys.get(connection, key_id)))


@router.delete("/api-keys/{key_id}")
def revoke_key(witness: InWitness, principal: Admin, key_id: KeyId) -> Key:
    """End a key at once."""

    def write(connection: Connection) -> KeyRow:
        row, woken = access.revoke(connection, principal, key_id, witness.clock())
        after_commit(connection, lambda: witness.notifier.wake(woken))
        return row

    return shown(witness.database.write(write))


@router.post("/api-keys/{key_id}/rotate")
def rotate_key(witness: InWitness, principal: Admin, key_id: KeyId, body: RotateRequest | None = None) -> Key:
    """Make a new key in the place of this one, which ends at once or after an overlap.

    An agent's key is answered as it is: the agent makes the new one, when it is heard of next.
    """
    overlap = 0 if body is None or body.overlap is None else parse_duration(body.overlap)

    def write(connection: Connection) -> tuple[KeyRow, Token | None]:
        return keys.rotate(connection, principal, key_id, witness.clock(), overlap)

    return shown(*witness.database.write(write))


def shown(row: KeyRow, token: Token | None = None) -> Key:
    """A key as answers show it."""
    return Key(
        id=row.id,
        name=row.name,
        role=row.role,
        system=row.system,
        created=instant(row.created_at),
        expires=None if row.expires_at is None else instant(row.expires_at),
        last_used=None if row.last_used_at is None else instant(row.last_used_at),
        superseded_by=row.superseded_by,
        renewal=row.renewal_overlap_seconds is not None,
        uses_left=row.uses_left,
        token=None if token is None else token.text,
    )
