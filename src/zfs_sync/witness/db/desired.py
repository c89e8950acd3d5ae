# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Tables of what was declared, by whom, and who may speak: systems, sync groups, meta, audit, api_keys.

A specification is one JSON value in canonical form, every field filled in: it is compared, exported and shown whole.
What is searched by its parts (edges, members) has tables of its own.
"""

from sqlalchemy import JSON, BigInteger, CheckConstraint, Column, ForeignKey, Index, Integer, String, Table, text

from zfs_sync.witness.db.metadata import metadata
from zfs_sync.witness.db.types import UtcTime

systems = Table(
    "systems",
    metadata,
    Column("name", String(63), primary_key=True),
    Column("owner", String(128), nullable=False),
    Column("spec", JSON, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    Index("ix_systems_owner", "owner"),
)

sync_groups = Table(
    "sync_groups",
    metadata,
    Column("name", String(63), primary_key=True),
    Column("owner", String(128), nullable=False),
    Column("spec", JSON, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    Index("ix_sync_groups_owner", "owner"),
)

former_names = Table(
    "former_names",
    metadata,
    Column("kind", String(16), primary_key=True),
    Column("name", String(63), primary_key=True),
    Column("current", String(63), nullable=False),
)
"""Names that systems and sync groups had before they were renamed, and what they are called now."""

meta = Table(
    "meta",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("value", String(255), nullable=False),
)

audit = Table(
    "audit",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("at", UtcTime, nullable=False),
    Column("actor", String(128), nullable=False),
    Column("actor_role", String(16), nullable=False),
    Column("key_id", String(8)),
    Column("request_id", String(64)),
    Column("event", String(64), nullable=False),
    Column("object_kind", String(32), nullable=False),
    Column("object_name", String(512), nullable=False),
    Column("detail", JSON, nullable=False),
    Index("ix_audit_object", "object_kind", "object_name", "id"),
    Index("ix_audit_at", "at"),
    Index("ix_audit_event", "event", "id"),
    Index("ix_audit_actor", "actor", "id"),
    sqlite_autoincrement=True,
)

audit_systems = Table(
    "audit_systems",
    metadata,
    Column("system", String(63), primary_key=True),
    Column(
        "audit",
        BigInteger().with_variant(Integer, "sqlite"),
        ForeignKey("audit.id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Index("ix_audit_systems_audit", "audit"),
    sqlite_with_rowid=False,
)
"""The systems that an entry touches. No reference to ``systems``: the audit outlives what it speaks of."""

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", String(8), primary_key=True),
    Column("name", String(128), nullable=False),
    Column("role", String(16), nullable=False),
    Column("system", String(63)),
    Column("token_sha256", String(64), nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("created_by", String(128), nullable=False),
    Column("expires_at", UtcTime),
    Column("last_used_at", UtcTime),
    Column("revoked_at", UtcTime),
    Column("consumed_by", String(64)),
    Column("superseded_by", String(8)),
    Column("renewal_overlap_seconds", Integer),
    Column("uses_left", Integer),
    CheckConstraint("role IN ('admin', 'operator', 'viewer', 'agent', 'enrol')", name="role"),
    CheckConstraint(
        "(role <> 'agent' OR system IS NOT NULL) AND (role IN ('agent', 'enrol') OR system IS NULL)", name="bound"
    ),
    Index(
        "uq_api_keys_live_name",
        "name",
        unique=True,
        sqlite_where=text("revoked_at IS NULL"),
    ),
    Index("ix_api_keys_system", "system"),
)
"""``consumed_by`` is the installation that an enrol key turned into an agent; such a key is revoked, and still answers
a replay by that same installation. ``uses_left`` counts for an enrol key that is bound to no system.
``superseded_by`` is the key that takes this one's place, which goes on until ``expires_at``;
``renewal_overlap_seconds`` says that an agent was asked to make such a key, and for how long the two overlap then."""

pending_systems = Table(
    "pending_systems",
    metadata,
    Column("name", String(63), primary_key=True),
    Column("installation", String(64), nullable=False),
    Column("agent_version", String(64), nullable=False),
    Column("key_id", String(8), nullable=False),
    Column("enrolled_with", String(128), nullable=False),
    Column("since", UtcTime, nullable=False),
)
"""Agents that came with a general enrol key and a name that is not declared."""
