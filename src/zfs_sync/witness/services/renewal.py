# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""A new key for an agent that has one: asked for by a person, made by the agent, and shown as its hash only.

The old key goes on for the overlap, so that nothing is refused while the agent changes over, crashes included.
"""

from datetime import datetime, timedelta

from sqlalchemy import Connection, select, update

from zfs_sync.api.reports import Succession
from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.witness import audit
from zfs_sync.witness.db.desired import api_keys
from zfs_sync.witness.principal import Principal
from zfs_sync.witness.services import keys
from zfs_sync.witness.services.keys import KeyRow, NewKey
from zfs_sync.witness.services.own_keys import check_token


def wanted(connection: Connection, principal: Principal) -> bool:
    """Whether somebody has asked for a successor of this key."""
    statement = select(api_keys.c.renewal_overlap_seconds).where(api_keys.c.id == principal.key_id)
    return connection.execute(statement).scalar() is not None


def succeed(connection: Connection, principal: Principal, system: str, body: Succession, now: datetime) -> KeyRow:
    """Make the agent's new key live, and let the old one end after its overlap; the old one as it is now.

    The same words again are answered the same. Raises E_FORBIDDEN where nobody asked for a successor, E_VALIDATION.
    """
    old = keys.get(connection, str(principal.key_id))
    if old.superseded_by == body.token_lookup and _same(connection, body):
        return old
    if old.renewal_overlap_seconds is None:
        raise ZfsSyncError("E_FORBIDDEN", f"Nobody has asked for a successor of the key '{old.name}'.")
    check_token(connection, body.token_lookup, body.token_sha256)
    new = NewKey(f"agent-{system}-{body.token_lookup}", "agent", system)
    keys.insert_key(connection, principal, body.token_lookup, body.token_sha256, new, now)
    end = now + timedelta(seconds=old.renewal_overlap_seconds)
    values = {"superseded_by": body.token_lookup, "expires_at": end, "renewal_overlap_seconds": None}
    connection.execute(update(api_keys).where(api_keys.c.id == old.id).values(values))
    detail = {"name": old.name, "successor": body.token_lookup}
    audit.record(connection, principal, "key.rotated", "api_key", old.id, detail, now, (system,))
    return keys.get(connection, old.id)


def _same(connection: Connection, body: Succession) -> bool:
    found = connection.execute(select(api_keys.c.token_sha256).where(api_keys.c.id == body.token_lookup)).scalar()
    return found == body.token_sha256
