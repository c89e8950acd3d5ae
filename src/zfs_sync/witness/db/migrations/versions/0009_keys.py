# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Keys that overlap with their successors, general enrol keys, and agents that wait for approval."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

moment = sa.BigInteger  # microseconds since 1970 (zfs_sync.witness.db.types.UtcTime)
KEPT = "id, name, role, system, token_sha256, created_at, created_by, expires_at, last_used_at, revoked_at, consumed_by"
BOUND = "(role <> 'agent' OR system IS NOT NULL) AND (role IN ('agent', 'enrol') OR system IS NULL)"
BOUND_BEFORE = "(role IN ('agent', 'enrol')) = (system IS NOT NULL)"


def upgrade() -> None:
    """Make the table of keys anew, since SQLite changes no constraint; add what else is needed."""
    added: list[sa.Column[Any]] = [
        sa.Column("superseded_by", sa.String(8)),
        sa.Column("renewal_overlap_seconds", sa.Integer()),
        sa.Column("uses_left", sa.Integer()),
    ]
    _remake(BOUND, added)
    op.create_table(
        "pending_systems",
        sa.Column("name", sa.String(63), nullable=False),
        sa.Column("installation", sa.String(64), nullable=False),
        sa.Column("agent_version", sa.String(64), nullable=False),
        sa.Column("key_id", sa.String(8), nullable=False),
        sa.Column("enrolled_with", sa.String(128), nullable=False),
        sa.Column("since", moment(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_pending_systems"),
    )
    op.add_column("hosts", sa.Column("clone", sa.String(64)))
    op.add_column("hosts", sa.Column("clone_at", moment()))


def downgrade() -> None:
    """Back to keys without these; general enrol keys, which the version before does not know, go."""
    op.drop_column("hosts", "clone_at")
    op.drop_column("hosts", "clone")
    op.drop_table("pending_systems")
    op.execute("DELETE FROM api_keys WHERE role = 'enrol' AND system IS NULL")
    op.execute("UPDATE api_keys SET revoked_at = expires_at WHERE superseded_by IS NOT NULL AND revoked_at IS NULL")
    _remake(BOUND_BEFORE, [])


def _remake(bound: str, added: Sequence["sa.Column[Any]"]) -> None:
    op.drop_index("ix_api_keys_system", "api_keys")
    op.drop_index("uq_api_keys_live_name", "api_keys")
    op.rename_table("api_keys", "api_keys_before")
    op.create_table(
        "api_keys",
        sa.Column("id", sa.String(8), nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("system", sa.String(63)),
        sa.Column("token_sha256", sa.String(64), nullable=False),
        sa.Column("created_at", moment(), nullable=False),
        sa.Column("created_by", sa.String(128), nullable=False),
        sa.Column("expires_at", moment()),
        sa.Column("last_used_at", moment()),
        sa.Column("revoked_at", moment()),
        sa.Column("consumed_by", sa.String(64)),
        *added,
        sa.PrimaryKeyConstraint("id", name="pk_api_keys"),
        sa.CheckConstraint("role IN ('admin', 'operator', 'viewer', 'agent', 'enrol')", name=op.f("ck_api_keys_role")),
        sa.CheckConstraint(bound, name=op.f("ck_api_keys_bound")),
    )
    op.execute(f"INSERT INTO api_keys ({KEPT}) SELECT {KEPT} FROM api_keys_before")  # noqa: S608  (our own names)
    op.drop_table("api_keys_before")
    live = sa.text("revoked_at IS NULL")
    op.create_index(
        "uq_api_keys_live_name", "api_keys", ["name"], unique=True, sqlite_where=live, postgresql_where=live
    )
    op.create_index("ix_api_keys_system", "api_keys", ["system"])
