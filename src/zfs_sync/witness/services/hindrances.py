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

from sqlalchemy import Connection, Row, and_, func, or_, select

from zfs_sync.core.allowing import Rule, allowed, rule_to_add
from zfs_sync.core.errors import CATALOGUE
from zfs_sync.core.names import join
from zfs_sync.witness.db.desired import api_keys
from zfs_sync.witness.db.observed import hosts


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
        return cls(rules, barred(connection, systems, now))

    def of(self, edge: Row[Any], relative: str) -> Hindrance | None:
        """What stands in the way of one dataset of an edge."""
        for system in (edge.from_system, edge.to_system):
            if system in self.barred:
                return _revoked(system)
        sent = self._refused("send", edge.from_system, join(edge.from_root, relative))
        return sent or self._refused("receive", edge.to_system, join(edge.to_root, relative))

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
