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
    uses: int | None = None
    """How many agents an enrol key that is bound to no system lets in."""

    @property
    def general(self) -> bool:
        """Whether it is an enrol key for systems that nobody has declared."""
        return self.role == "enrol" and self.system is None


def create(connection: Connection, principal: Principal, new: NewKey, at: datetime) -> tuple[KeyRow, Token]:
    """A new key and its text. Raises E_VALIDATION, E_FORBIDDEN (beyond the principal's role), E_ALREADY_EXISTS."""
    _check_bound(new)
    if not (principal.may("admin") or (new.role == "enrol" and not new.general and principal.may("operator"))):
        raise ZfsSyncError(
            "E_FORBIDDEN", f"Role {principal.role} makes enrol keys of one system only; other keys take role admin."
        )
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
        "uses_left": (new.uses or 1) if new.general else None,
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
        before = (api_keys.c.superseded_by == lookup) & api_keys.c.revoked_at.is_(None)
        connection.execute(update(api_keys).where(before).values(revoked_at=at))
        audit.record(
            connection, principal, "key.revoked", "api_key", lookup, {"name": row.name}, at, _bound(row.system)
        )
    return get(connection, lookup)


def use(connection: Connection, lookup: str, installation: str, at: datetime) -> None:
    """Count one use of an enrol key; with the last one it ends, and still answers a replay."""
    left = connection.execute(select(api_keys.c.uses_left).where(api_keys.c.id == lookup)).scalar()
    if left is not None and left > 1:
        values: dict[str, Any] = {"uses_left": left - 1}
    else:
        values = {"consumed_by": installation, "revoked_at": at, "uses_left": None if left is None else 0}
    connection.execute(update(api_keys).where(api_keys.c.id == lookup).values(values))


def end_of_system(connection: Connection, principal: Principal, system: str, at: datetime) -> None:
    """End every agent and enrol key that is bound to a system: it is deleted, and a later one may have its name."""
    bound = (api_keys.c.system == system) & api_keys.c.revoked_at.is_(None)
    for row in connection.execute(select(api_keys).where(bound).order_by(api_keys.c.name)).all():
        _end(connection, row.id, at)
        detail = {"name": row.name, "reason": f"system {system} was deleted"}
        audit.record(connection, principal, "key.revoked", "api_key", row.id, detail, at)


def rotate(
    connection: Connection, principal: Principal, lookup: str, at: datetime, overlap_seconds: int = 0
) -> tuple[KeyRow, Token | None]:
    """A new key in the place of a live one: same name, role, system and end. The old one ends after the overlap.

    An agent makes its keys itself: its key is answered as it is, and the agent is asked for a new one.
    """
    old = get(connection, lookup)
    if old.revoked_at is not None or old.superseded_by is not None:
        raise ZfsSyncError("E_KEY_NOT_FOUND", f"The API key '{lookup}' has ended and cannot be rotated.")
    if old.role == "agent":
        return _ask_renewal(connection, principal, old, overlap_seconds, at), None
    token = tokens.mint(old.role, secrets.token_bytes)
    _supersede(connection, old, token.lookup, at, overlap_seconds)
    new = NewKey(old.name, old.role, old.system, uses=old.uses_left)
    row = insert_key(connection, principal, token.lookup, token.sha256, new, at)
    connection.execute(update(api_keys).where(api_keys.c.id == row.id).values(expires_at=old.expires_at))
    detail = {"name": old.name, "successor": row.id}
    audit.record(connection, principal, "key.rotated", "api_key", lookup, detail, at, _bound(old.system))
    return get(connection, row.id), token


def _ask_renewal(
    connection: Connection, principal: Principal, row: KeyRow, overlap_seconds: int, at: datetime
) -> KeyRow:
    values = {"renewal_overlap_seconds": overlap_seconds}
    connection.execute(update(api_keys).where(api_keys.c.id == row.id).values(values))
    detail = {"name": row.name, "overlap_seconds": overlap_seconds}
    audit.record(connection, principal, "key.renewal_asked", "api_key", row.id, detail, at, _bound(row.system))
    return get(connection, row.id)


def _supersede(connection: Connection, row: KeyRow, successor: str, at: datetime, overlap_seconds: int) -> None:
    if not overlap_seconds:
        _end(connection, row.id, at)
        return
    end = at + timedelta(seconds=overlap_seconds)
    values = {
        "name": f"{row.name[:96]} (replaced by {successor})",
        "superseded_by": successor,
        "expires_at": end if row.expires_at is None else min(end, row.expires_at),
    }
    connection.execute(update(api_keys).where(api_keys.c.id == row.id).values(values))


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
    faults = []
    if new.role == "agent" and new.system is None:
        faults.append(Fault(pointer("system"), "a key of role agent is bound to a system: name it"))
    if new.role not in BOUND and new.system is not None:
        faults.append(Fault(pointer("system"), f"a key of role {new.role} is bound to no system"))
    if new.uses is not None and not new.general:
        faults.append(Fault(pointer("uses"), "only an enrol key that is bound to no system has more than one use"))
    if faults:
        raise ZfsSyncError("E_VALIDATION", "The key has faults.", faults=faults)


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
