# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Enrolment: a single-use key introduces the key that an agent has made for itself."""

from datetime import datetime

from sqlalchemy import Connection, select, update

from zfs_sync.api.reports import Enrolment
from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.witness import audit
from zfs_sync.witness.db.desired import api_keys
from zfs_sync.witness.principal import Principal
from zfs_sync.witness.services import keys, liveness
from zfs_sync.witness.services.keys import NewKey


def enrol(connection: Connection, principal: Principal, body: Enrolment, now: datetime) -> None:
    """Make the agent's key live and the enrol key used. The same enrolment again changes nothing.

    Raises E_FORBIDDEN for another system than the key's, E_ENROL_USED when another installation was first.
    """
    principal.check_own(body.system)
    liveness.check_protocol(body.protocol)
    liveness.host_of(connection, body.system)
    used_by = connection.execute(select(api_keys.c.consumed_by).where(api_keys.c.id == principal.key_id)).scalar()
    if used_by is not None:
        _check_replay(connection, body, used_by)
        return
    live = (api_keys.c.system == body.system) & (api_keys.c.role == "agent") & api_keys.c.revoked_at.is_(None)
    connection.execute(update(api_keys).where(live).values(revoked_at=now))
    new = NewKey(f"agent-{body.system}", "agent", body.system)
    keys.insert_key(connection, principal, body.token_lookup, body.token_sha256, new, now)
    used = {"consumed_by": body.installation, "revoked_at": now}
    connection.execute(update(api_keys).where(api_keys.c.id == principal.key_id).values(used))
    liveness.settle(connection, body.system, body.installation)
    liveness.touch(connection, body.system, now, agent_version=body.agent_version)
    detail = {"installation": body.installation, "key": body.token_lookup}
    audit.record(connection, principal, "system.enrolled", "system", body.system, detail, now)


def _check_replay(connection: Connection, body: Enrolment, used_by: str) -> None:
    row = connection.execute(select(api_keys).where(api_keys.c.id == body.token_lookup)).one_or_none()
    same = row is not None and row.token_sha256 == body.token_sha256 and row.revoked_at is None
    if used_by != body.installation or not same:
        raise ZfsSyncError("E_ENROL_USED", f"The enrol key of system '{body.system}' was used already.")
