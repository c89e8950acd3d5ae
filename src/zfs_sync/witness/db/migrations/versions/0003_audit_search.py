# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""What searches in the audit and in the list of jobs read, so that none of them grows with history."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

AUDIT_INDEXES = {"ix_audit_at": ["at"], "ix_audit_event": ["event", "id"], "ix_audit_actor": ["actor", "id"]}
JOB_INDEXES = {
    "ix_jobs_created_at": ["created_at", "id"],
    "ix_jobs_group": ["group", "created_at"],
    "ix_jobs_state": ["state", "created_at"],
    "ix_jobs_finished_at": ["finished_at"],
}


def upgrade() -> None:
    """Make the table of the systems that an entry touches, fill it for entries that are there, and make indexes."""
    op.create_table(
        "audit_systems",
        sa.Column("system", sa.String(63), nullable=False),
        sa.Column("audit", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["audit"], ["audit.id"], name="fk_audit_systems_audit_audit", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("system", "audit", name="pk_audit_systems"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_audit_systems_audit", "audit_systems", ["audit"])
    for name, columns in AUDIT_INDEXES.items():
        op.create_index(name, "audit", columns)
    for name, columns in JOB_INDEXES.items():
        op.create_index(name, "jobs", columns)
    op.create_index("ix_plan_rows_outcome", "plan_rows", ["outcome"])
    _fill()


def downgrade() -> None:
    """Drop them."""
    op.drop_index("ix_plan_rows_outcome", "plan_rows")
    for name in JOB_INDEXES:
        op.drop_index(name, "jobs")
    for name in AUDIT_INDEXES:
        op.drop_index(name, "audit")
    op.drop_table("audit_systems")


def _fill() -> None:
    """Entries about systems, and about jobs that are known still."""
    op.execute("INSERT INTO audit_systems SELECT object_name, id FROM audit WHERE object_kind = 'system'")
    for end in ("to_system", "from_system"):
        op.execute(
            f"INSERT INTO audit_systems SELECT jobs.{end}, audit.id FROM audit JOIN jobs ON jobs.id = object_name "  # noqa: S608
            "WHERE object_kind = 'job' AND NOT EXISTS (SELECT 1 FROM audit_systems AS there "
            f"WHERE there.system = jobs.{end} AND there.audit = audit.id)"
        )
