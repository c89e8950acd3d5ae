# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Which installation speaks for a system, and when it was last heard of."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from zfs_sync.api import PROTOCOL
from zfs_sync.api.protocol import served
from zfs_sync.api.reports import NO_AGENT
from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.witness import audit
from zfs_sync.witness.context import Witness
from zfs_sync.witness.db.desired import audit as audited
from zfs_sync.witness.db.desired import pending_systems, systems
from zfs_sync.witness.db.observed import hosts
from zfs_sync.witness.principal import Principal

SERVED = served(PROTOCOL)
_CLONED = "system.cloned_agent"
_NOTED_FOR = timedelta(hours=1)


def check_protocol(protocol: int) -> None:
    """Raise E_PROTOCOL_UNSUPPORTED, naming the side that is too old, unless this protocol is served."""
    if protocol in SERVED:
        return
    old = "agent" if protocol < min(SERVED) else "witness"
    spoken = ", ".join(map(str, SERVED))
    raise ZfsSyncError(
        "E_PROTOCOL_UNSUPPORTED",
        f"The agent speaks protocol {protocol}, this witness {spoken}: the {old} is too old.",
    )


def too_old(protocol: int, what: str) -> ZfsSyncError:
    """The error for something that an agent of this protocol could not be told of."""
    return ZfsSyncError(
        "E_PROTOCOL_UNSUPPORTED",
        f"The agent speaks protocol {protocol}, and {what} needs {PROTOCOL}: the agent is too old.",
    )


def declared(connection: Connection, system: str) -> bool:
    """Whether there is a system of this name."""
    return connection.execute(select(systems.c.name).where(systems.c.name == system)).scalar() is not None


def waits(connection: Connection, system: str) -> bool:
    """Whether an agent waits for approval under this name."""
    statement = select(pending_systems.c.name).where(pending_systems.c.name == system)
    return connection.execute(statement).scalar() is not None


def host_of(connection: Connection, system: str) -> Row[Any] | None:
    """The host's row. Raises E_SYSTEM_NOT_FOUND where the system is not declared, E_SYSTEM_PENDING where it waits."""
    if not declared(connection, system):
        if waits(connection, system):
            raise ZfsSyncError("E_SYSTEM_PENDING", f"System '{system}' waits for approval.")
        raise ZfsSyncError("E_SYSTEM_NOT_FOUND", f"There is no system '{system}'.")
    return connection.execute(select(hosts).where(hosts.c.system == system)).one_or_none()


def check_installation(witness: Witness, principal: Principal, system: str, installation: str) -> None:
    """Raise E_AGENT_CLONED, with an audit row, when another installation than the enrolled one speaks.

    Who reports for a system without an agent gives way to an agent that enrols; the other way round it is refused with
    E_SYSTEM_HAS_AGENT.
    """
    row = witness.database.read(lambda connection: host_of(connection, system))
    if row is None or row.installation is None:
        witness.database.write(lambda connection: settle(connection, system, installation))
        return
    if row.installation == installation:
        return
    if installation == NO_AGENT:
        raise ZfsSyncError(
            "E_SYSTEM_HAS_AGENT",
            f"System '{system}' has an agent, installation {row.installation}, which reports for it.",
        )
    detail = {"enrolled": row.installation, "speaking": installation}
    now = witness.clock()
    if not witness.database.read(lambda connection: _noted(connection, system, detail, now)):
        witness.database.write(lambda connection: _note_clone(connection, principal, system, detail, now))
    raise _cloned(system, row.installation, installation)


def check_enrolled(connection: Connection, system: str, installation: str) -> None:
    """Raise E_AGENT_CLONED when another installation enrolled. Only looks: who merely asks settles nothing."""
    row = None if waits(connection, system) else host_of(connection, system)
    if row is not None and row.installation not in (None, installation):
        raise _cloned(system, row.installation, installation)


def _cloned(system: str, enrolled: str, speaking: str) -> ZfsSyncError:
    return ZfsSyncError(
        "E_AGENT_CLONED", f"System '{system}' was enrolled by installation {enrolled}, and {speaking} uses its key."
    )


def _note_clone(
    connection: Connection, principal: Principal, system: str, detail: dict[str, str], now: datetime
) -> None:
    audit.record(connection, principal, _CLONED, "system", system, detail, now)
    values = {"clone": detail["speaking"], "clone_at": now}
    connection.execute(update(hosts).where(hosts.c.system == system).values(values))


def _noted(connection: Connection, system: str, detail: dict[str, str], now: datetime) -> bool:
    """Whether this copy was noted lately: a copy speaks twice a minute, and the audit is kept."""
    same = (audited.c.object_kind == "system") & (audited.c.object_name == system) & (audited.c.at > now - _NOTED_FOR)
    rows = select(audited.c.detail).where(same, audited.c.event == _CLONED)
    return any(each == detail for each in connection.execute(rows).scalars())


def settle(connection: Connection, system: str, installation: str) -> None:
    """Make this installation the one that speaks for the system; what another one reported is not held any more."""
    row = host_of(connection, system)
    if row is None:
        connection.execute(insert(hosts), {"system": system, "installation": installation})
    elif row.installation != installation:
        values = {"installation": installation, "generation": None, "clone": None, "clone_at": None}
        connection.execute(update(hosts).where(hosts.c.system == system).values(values))


def touch(connection: Connection, system: str, now: datetime, **values: Any) -> None:
    """Note that the system was heard of."""
    connection.execute(update(hosts).where(hosts.c.system == system).values(last_seen=now, **values))


def online(row: Row[Any] | None, now: datetime, offline_after_seconds: int) -> bool:
    """Whether the host's agent was heard of lately."""
    return (
        enrolled(row)
        and row is not None
        and row.last_seen is not None
        and now - row.last_seen <= timedelta(seconds=offline_after_seconds)
    )


def enrolled(row: Row[Any] | None) -> bool:
    """Whether an agent speaks for the host."""
    return row is not None and row.installation not in (None, NO_AGENT)
