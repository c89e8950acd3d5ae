# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""API keys: made, listed, revoked, rotated. Only the hash of a key is kept; its text is in one answer, once."""

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, and_, func, insert, or_, select, update

from zfs_sync.core import tokens
from zfs_sync.core.errors import Fault, ZfsSyncError, pointer
from zfs_sync.core.tokens import Token
from zfs_sync.witness import audit
from zfs_sync.witness.db.desired import api_keys
from zfs_sync.witness.principal import Principal

ENROL_LIFETIME = timedelta(hours=1)
BOUND = frozenset({"agent", "enrol"})
KeyRow = Row[Any]


@dataclass(frozen=True, slots=True)
class NewKey:
    """What is asked for."""

    name: str
    role: str
    system: str | None = None
    expires_in_seconds: int | None = None


def create(connection: Connection, principal: Principal, new: NewKey, at: datetime) -> tuple[KeyRow, Token]:
    """A new key and its text. Raises E_VALIDATION, E_FORBIDDEN (beyond the principal's role), E_ALREADY_EXISTS."""
    _check_bound(new)
    if not (principal.may("admin") or (new.role == "enrol" and principal.may("operator"))):
        raise ZfsSyncError("E_FORBIDDEN", f"Role {principal.role} makes enrol keys only; other keys take role admin.")
    if _live_by_name(connection, new.name) is not None:
        raise ZfsSyncError("E_ALREADY_EXISTS", f"There is a live API key named '{new.name}' already.")
    token = tokens.mint(new.role, secrets.token_bytes)
    row = insert_key(connection, principal, token.lookup, token.sha256, new, at)
    return row, token


def insert_key(
    connection: Connection, principal: Principal, lookup: str, sha256: str, new: NewKey, at: datetime
) -> KeyRow:
    """Store a key whose text somebody else has (an agent makes its own), with its audit row."""
    values = {
        "id": lookup,
        "name": new.name,
        "role": new.role,
        "system": new.system,
        "token_sha256": sha256,
        "created_at": at,
        "created_by": principal.name,
        "expires_at": _expiry(new, at),
    }
    connection.execute(insert(api_keys), values)
    detail = {"name": new.name, "role": new.role, "system": new.system}
    audit.record(connection, principal, "key.created", "api_key", lookup, detail, at, _bound(new.system))
    return get(connection, lookup)


def get(connection: Connection, lookup: str) -> KeyRow:
    """The key of this id, live or not. Raises E_KEY_NOT_FOUND."""
    row = connection.execute(select(api_keys).where(api_keys.c.id == lookup)).one_or_none()
    if row is None:
        raise ZfsSyncError("E_KEY_NOT_FOUND", f"There is no API key with the id {ascii(lookup)[:80]}.")
    return row


def live(connection: Connection, *, after: str | None, limit: int) -> list[KeyRow]:
    """Keys that were not revoked, by name, behind the name ``after``."""
    statement = select(api_keys).where(api_keys.c.revoked_at.is_(None)).order_by(api_keys.c.name).limit(limit)
    if after is not None:
        statement = statement.where(api_keys.c.name > after)
    return list(connection.execute(statement))


def revoke(connection: Connection, principal: Principal, lookup: str, at: datetime) -> KeyRow:
    """End a key at once; one that is ended already stays as it is. Raises E_KEY_NOT_FOUND."""
    row = get(connection, lookup)
    if row.revoked_at is None:
        _end(connection, lookup, at)
        audit.record(
            connection, principal, "key.revoked", "api_key", lookup, {"name": row.name}, at, _bound(row.system)
        )
    return get(connection, lookup)


def end_of_system(connection: Connection, principal: Principal, system: str, at: datetime) -> None:
    """End every agent and enrol key that is bound to a system: it is deleted, and a later one may have its name."""
    bound = (api_keys.c.system == system) & api_keys.c.revoked_at.is_(None)
    for row in connection.execute(select(api_keys).where(bound).order_by(api_keys.c.name)).all():
        _end(connection, row.id, at)
        detail = {"name": row.name, "reason": f"system {system} was deleted"}
        audit.record(connection, principal, "key.revoked", "api_key", row.id, detail, at)


def rotate(connection: Connection, principal: Principal, lookup: str, at: datetime) -> tuple[KeyRow, Token]:
    """A new key in the place of a live one: same name, role, system and end. The old one ends at once."""
    old = get(connection, lookup)
    if old.revoked_at is not None:
        raise ZfsSyncError("E_KEY_NOT_FOUND", f"The API key '{lookup}' was revoked and cannot be rotated.")
    _end(connection, lookup, at)
    token = tokens.mint(old.role, secrets.token_bytes)
    row = insert_key(connection, principal, token.lookup, token.sha256, NewKey(old.name, old.role, old.system), at)
    connection.execute(update(api_keys).where(api_keys.c.id == row.id).values(expires_at=old.expires_at))
    detail = {"name": old.name, "successor": row.id}
    audit.record(connection, principal, "key.rotated", "api_key", lookup, detail, at, _bound(old.system))
    return get(connection, row.id), token


def _bound(system: str | None) -> tuple[str, ...]:
    return () if system is None else (system,)


def _end(connection: Connection, lookup: str, at: datetime) -> None:
    connection.execute(update(api_keys).where(api_keys.c.id == lookup).values(revoked_at=at))


def _live_by_name(connection: Connection, name: str) -> KeyRow | None:
    statement = select(api_keys).where(api_keys.c.name == name, api_keys.c.revoked_at.is_(None))
    return connection.execute(statement).one_or_none()


def _expiry(new: NewKey, at: datetime) -> datetime | None:
    if new.expires_in_seconds is not None:
        return at + timedelta(seconds=new.expires_in_seconds)
    return at + ENROL_LIFETIME if new.role == "enrol" else None


def _check_bound(new: NewKey) -> None:
    if (new.role in BOUND) != (new.system is not None):
        sentence = (
            f"a key of role {new.role} is bound to a system: name it"
            if new.role in BOUND
            else f"a key of role {new.role} is bound to no system"
        )
        raise ZfsSyncError("E_VALIDATION", "The key has faults.", faults=[Fault(pointer("system"), sentence)])


def barred(connection: Connection, systems: Collection[str] | None, now: datetime) -> frozenset[str]:
    """The systems that have lost their agent's key by revocation and not enrolled since.

    A system that never enrolled with this witness is none of them: a witness that was built anew knows no keys.
    """
    live = and_(api_keys.c.revoked_at.is_(None), or_(api_keys.c.expires_at.is_(None), api_keys.c.expires_at > now))
    statement = (
        select(api_keys.c.system)
        .where(api_keys.c.role == "agent")
        .group_by(api_keys.c.system)
        .having(
            func.count(api_keys.c.revoked_at) > 0,
            func.count().filter(live) == 0,
        )
    )
    if systems is not None:
        statement = statement.where(api_keys.c.system.in_(list(systems)))
    return frozenset(connection.execute(statement).scalars())
