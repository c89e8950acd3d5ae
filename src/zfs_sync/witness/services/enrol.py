# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Enrolment: an enrol key introduces the key that an agent has made for itself.

A key that is bound to a system lets in that system's agent, once. A general one lets in any agent whose name has no
agent yet; where nobody has declared the name, it waits for approval.
"""

from datetime import datetime

from sqlalchemy import Connection, select, update

from zfs_sync.api.reports import Enrolment
from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.witness import audit
from zfs_sync.witness.db.desired import api_keys
from zfs_sync.witness.principal import Principal
from zfs_sync.witness.services import access, keys, liveness, pending
from zfs_sync.witness.services.keys import NewKey
from zfs_sync.witness.services.own_keys import check_token


def enrol(connection: Connection, principal: Principal, body: Enrolment, now: datetime) -> set[str]:
    """Make the agent's key live and the enrol key used; the systems to wake. The same enrolment again changes nothing.

    Raises E_FORBIDDEN for another system than the key's, E_ENROL_USED when another installation was first.
    """
    liveness.check_protocol(body.protocol)
    if principal.system is not None:
        principal.check_own(body.system)
    if _is_replay(connection, principal, body):
        return set()
    if not liveness.declared(connection, body.system):
        _wait(connection, principal, body, now)
        return set()
    if principal.system is None:
        _check_vacant(connection, body.system)
    return _let_in(connection, principal, body, now)


def _let_in(connection: Connection, principal: Principal, body: Enrolment, now: datetime) -> set[str]:
    live = (api_keys.c.system == body.system) & (api_keys.c.role == "agent") & api_keys.c.revoked_at.is_(None)
    connection.execute(update(api_keys).where(live).values(revoked_at=now))
    _take_key(connection, principal, body, now)
    liveness.settle(connection, body.system, body.installation)
    liveness.touch(connection, body.system, now, agent_version=body.agent_version)
    detail = {"installation": body.installation, "key": body.token_lookup}
    audit.record(connection, principal, "system.enrolled", "system", body.system, detail, now)
    return access.changed(connection, body.system, now)


def _wait(connection: Connection, principal: Principal, body: Enrolment, now: datetime) -> None:
    """Take an agent whose system is not declared; only a general key may bring one."""
    if principal.system is not None:
        raise ZfsSyncError("E_SYSTEM_NOT_FOUND", f"There is no system '{body.system}'.")
    pending.note(connection, principal, body, now)
    _take_key(connection, principal, body, now)


def _check_vacant(connection: Connection, system: str) -> None:
    """Raise E_FORBIDDEN unless the system has no agent: a general key takes nobody's place."""
    host = liveness.host_of(connection, system)
    if host is not None and host.installation is not None:
        raise ZfsSyncError(
            "E_FORBIDDEN",
            f"System '{system}' has an agent already, installation {host.installation}.",
            hint=f"To put another host in its place, make an enrol key that is bound to {system}.",
        )


def _take_key(connection: Connection, principal: Principal, body: Enrolment, now: datetime) -> None:
    check_token(connection, body.token_lookup, body.token_sha256)
    new = NewKey(f"agent-{body.system}-{body.token_lookup}", "agent", body.system)
    keys.insert_key(connection, principal, body.token_lookup, body.token_sha256, new, now)
    keys.use(connection, str(principal.key_id), body.installation, now)


def _is_replay(connection: Connection, principal: Principal, body: Enrolment) -> bool:
    """Whether these words were taken before. Raises E_ENROL_USED for other words with a key that is used up."""
    key = keys.get(connection, str(principal.key_id))
    if key.consumed_by is None and key.system is not None:
        return False
    row = connection.execute(select(api_keys).where(api_keys.c.id == body.token_lookup)).one_or_none()
    same = row is not None and row.token_sha256 == body.token_sha256 and row.revoked_at is None
    mine = same and row is not None and row.system == body.system and row.created_by == principal.name
    if mine and (key.system is None or key.consumed_by == body.installation):
        return True
    if key.consumed_by is not None:
        raise ZfsSyncError("E_ENROL_USED", f"The enrol key '{principal.name}' was used already.")
    return False
