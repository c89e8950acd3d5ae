# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""What keeps a dataset of an edge from being moved although it is behind: known before a job is queued.

An agent would refuse such a job, and each refusal makes the next attempt later. So none is queued, the status says what
is missing on which host, and it goes on with the report or the enrolment that mends it.
"""

from collections.abc import Collection, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from sqlalchemy import Connection, Row, or_, select

from zfs_sync.api import PROTOCOL
from zfs_sync.api.protocol import told
from zfs_sync.api.work import WorkEdge
from zfs_sync.core.allowing import Rule, allowed, rule_to_add
from zfs_sync.core.errors import CATALOGUE
from zfs_sync.core.names import join
from zfs_sync.witness.db.observed import hosts
from zfs_sync.witness.db.work import edges
from zfs_sync.witness.services import keys
from zfs_sync.witness.services.work import edge_for


@dataclass(frozen=True, slots=True)
class Hindrance:
    """An error of the catalogue that will be there until somebody mends it."""

    code: str
    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class Hindrances:
    """What is known of the hosts at the ends of edges."""

    allow: Mapping[str, Collection[Rule]]
    """The allow-list by system; a host that has not told of its own is not in it."""
    barred: AbstractSet[str]
    """The systems whose agent's key was revoked, and that have no other."""
    untold: Mapping[str, tuple[str, int]]
    """By edge, the system whose agent cannot be told of it, and the protocol that this agent speaks."""

    @classmethod
    def load(cls, connection: Connection, systems: Collection[str] | None, now: datetime) -> Self:
        """What is known of these systems (None: of all)."""
        statement = select(hosts.c.system, hosts.c.allow).where(hosts.c.allow.is_not(None))
        if systems is not None:
            statement = statement.where(hosts.c.system.in_(list(systems)))
        lists = {row.system: row.allow for row in connection.execute(statement)}
        rules = {
            system: [(rule["dataset"], frozenset(rule["operations"])) for rule in found or ()]
            for system, found in lists.items()
            if found is not None
        }
        return cls(rules, keys.barred(connection, systems, now), _untold(connection, systems))

    def of(self, edge: Row[Any], relative: str) -> Hindrance | None:
        """What stands in the way of one dataset of an edge."""
        for system in (edge.from_system, edge.to_system):
            if system in self.barred:
                return _revoked(system)
        if edge.id in self.untold:
            return _too_old(*self.untold[edge.id])
        target = join(edge.to_root, relative)
        return (
            self._refused("send", edge.from_system, join(edge.from_root, relative))
            or self._refused("receive", edge.to_system, target)
            or (self._refused("send", edge.to_system, target) if edge.peers else None)
        )

    def _refused(self, operation: str, system: str, dataset: str) -> Hindrance | None:
        rules = self.allow.get(system)
        if rules is None or allowed(rules, operation, dataset):
            return None
        return Hindrance(
            "E_NOT_ALLOWED_HERE",
            f"{system} does not allow to {operation} {dataset}: no rule of its allow-list covers it.",
            f"Its administrator can add to 'allow' in /etc/zfs-sync/agent.conf on {system}:"
            f" {rule_to_add(operation, dataset)}",
        )


def _revoked(system: str) -> Hindrance:
    return Hindrance(
        "E_KEY_REVOKED", f"The key of {system} was revoked, and it has no other.", CATALOGUE["E_KEY_REVOKED"].remedy
    )


def _too_old(system: str, protocol: int) -> Hindrance:
    return Hindrance(
        "E_PROTOCOL_UNSUPPORTED",
        f"The agent of {system} speaks protocol {protocol}, and this edge needs {PROTOCOL}: the agent is too old.",
        f"Upgrade the agent on {system}.",
    )


def _untold(connection: Connection, systems: Collection[str] | None) -> dict[str, tuple[str, int]]:
    """Edges that an agent of an earlier protocol would misunderstand, were it told of them."""
    statement = select(hosts.c.system, hosts.c.protocol).where(hosts.c.protocol < PROTOCOL)
    if systems is not None:
        statement = statement.where(hosts.c.system.in_(list(systems)))
    found = {}
    for system, protocol in connection.execute(statement).all():
        touching = or_(edges.c.from_system == system, edges.c.to_system == system)
        for row in connection.execute(select(edges).where(touching)).all():
            if told(WorkEdge, edge_for(connection, row, system), protocol) is None:
                found[row.id] = (system, protocol)
    return found
