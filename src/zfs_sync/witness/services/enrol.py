# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Enrolment: a single-use key introduces the key that an agent has made for itself."""

import re
from datetime import datetime

from sqlalchemy import Connection, select, update

from zfs_sync.api.reports import Enrolment
from zfs_sync.core.errors import Fault, ZfsSyncError, pointer
from zfs_sync.witness import audit
from zfs_sync.witness.db.desired import api_keys
from zfs_sync.witness.principal import Principal
from zfs_sync.witness.services import access, keys, liveness
from zfs_sync.witness.services.keys import NewKey

_LOOKUP = re.compile(r"[a-z2-7]{8}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


def enrol(connection: Connection, principal: Principal, body: Enrolment, now: datetime) -> set[str]:
    """Make the agent's key live and the enrol key used; the systems to wake. The same enrolment again changes nothing.

    Raises E_FORBIDDEN for another system than the key's, E_ENROL_USED when another installation was first.
    """
    principal.check_own(body.system)
    liveness.check_protocol(body.protocol)
    liveness.host_of(connection, body.system)
    used_by = connection.execute(select(api_keys.c.consumed_by).where(api_keys.c.id == principal.key_id)).scalar()
    if used_by is not None:
        _check_replay(connection, body, used_by)
        return set()
    live = (api_keys.c.system == body.system) & (api_keys.c.role == "agent") & api_keys.c.revoked_at.is_(None)
    connection.execute(update(api_keys).where(live).values(revoked_at=now))
    _check_token(connection, body)
    new = NewKey(f"agent-{body.system}-{body.token_lookup}", "agent", body.system)
    keys.insert_key(connection, principal, body.token_lookup, body.token_sha256, new, now)
    used = {"consumed_by": body.installation, "revoked_at": now}
    connection.execute(update(api_keys).where(api_keys.c.id == principal.key_id).values(used))
    liveness.settle(connection, body.system, body.installation)
    liveness.touch(connection, body.system, now, agent_version=body.agent_version)
    detail = {"installation": body.installation, "key": body.token_lookup}
    audit.record(connection, principal, "system.enrolled", "system", body.system, detail, now)
    return access.changed(connection, body.system, now)


def _check_token(connection: Connection, body: Enrolment) -> None:
    """Raise E_VALIDATION for a key that could never be looked up, or would be taken for another one."""
    faults = []
    if not _LOOKUP.fullmatch(body.token_lookup):
        faults.append(Fault(pointer("token_lookup"), "this is not the lookup part of a key"))
    elif connection.execute(select(api_keys.c.id).where(api_keys.c.id == body.token_lookup)).scalar() is not None:
        faults.append(Fault(pointer("token_lookup"), "another key has this lookup part: make a new key"))
    if not _SHA256.fullmatch(body.token_sha256):
        faults.append(Fault(pointer("token_sha256"), "this is not a SHA-256 in lower-case hexadecimal"))
    if faults:
        raise ZfsSyncError("E_VALIDATION", "The enrolment has faults.", faults=faults)


def _check_replay(connection: Connection, body: Enrolment, used_by: str) -> None:
    row = connection.execute(select(api_keys).where(api_keys.c.id == body.token_lookup)).one_or_none()
    same = row is not None and row.token_sha256 == body.token_sha256 and row.revoked_at is None
    if used_by != body.installation or not same:
        raise ZfsSyncError("E_ENROL_USED", f"The enrol key of system '{body.system}' was used already.")
