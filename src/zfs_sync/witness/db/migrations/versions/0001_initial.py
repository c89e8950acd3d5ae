# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

moment = sa.BigInteger  # microseconds since 1970 (zfs_sync.witness.db.types.UtcTime)


def upgrade() -> None:
    """Make them."""
    _systems()
    _sync_groups()
    _meta()
    _audit()
    _api_keys()


def downgrade() -> None:
    """There is nothing before the first revision."""
    raise NotImplementedError


def _systems() -> None:
    op.create_table(
        "systems",
        sa.Column("name", sa.String(63), nullable=False),
        sa.Column("owner", sa.String(128), nullable=False),
        sa.Column("spec", sa.JSON(), nullable=False),
        sa.Column("created_at", moment(), nullable=False),
        sa.Column("updated_at", moment(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_systems"),
    )
    op.create_index("ix_systems_owner", "systems", ["owner"])


def _sync_groups() -> None:
    op.create_table(
        "sync_groups",
        sa.Column("name", sa.String(63), nullable=False),
        sa.Column("owner", sa.String(128), nullable=False),
        sa.Column("spec", sa.JSON(), nullable=False),
        sa.Column("created_at", moment(), nullable=False),
        sa.Column("updated_at", moment(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_sync_groups"),
    )
    op.create_index("ix_sync_groups_owner", "sync_groups", ["owner"])


def _meta() -> None:
    op.create_table(
        "meta",
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("value", sa.String(255), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_meta"),
    )


def _audit() -> None:
    op.create_table(
        "audit",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("at", moment(), nullable=False),
        sa.Column("actor", sa.String(128), nullable=False),
        sa.Column("actor_role", sa.String(16), nullable=False),
        sa.Column("key_id", sa.String(8)),
        sa.Column("request_id", sa.String(64)),
        sa.Column("event", sa.String(64), nullable=False),
        sa.Column("object_kind", sa.String(32), nullable=False),
        sa.Column("object_name", sa.String(512), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_audit_object", "audit", ["object_kind", "object_name", "id"])


def _api_keys() -> None:
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
        sa.PrimaryKeyConstraint("id", name="pk_api_keys"),
        sa.CheckConstraint("role IN ('admin', 'operator', 'viewer', 'agent', 'enrol')", name=op.f("ck_api_keys_role")),
        sa.CheckConstraint("(role IN ('agent', 'enrol')) = (system IS NOT NULL)", name=op.f("ck_api_keys_bound")),
    )
    live = sa.text("revoked_at IS NULL")
    op.create_index(
        "uq_api_keys_live_name", "api_keys", ["name"], unique=True, sqlite_where=live, postgresql_where=live
    )
    op.create_index("ix_api_keys_system", "api_keys", ["system"])
