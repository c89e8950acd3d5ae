# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Edges have a direction and may join peers, jobs say which system runs them, names may have been others before."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

guid = sa.BigInteger  # two's complement of an unsigned number (zfs_sync.witness.db.types.U64)


def upgrade() -> None:
    """Add the columns, each with what held until now."""
    op.add_column(
        "edges", sa.Column("direction", sa.String(length=4), server_default=sa.text("'pull'"), nullable=False)
    )
    op.add_column("edges", sa.Column("peers", sa.Boolean(), server_default=sa.text("0"), nullable=False))
    op.add_column("edges", sa.Column("takeover", sa.Boolean(), server_default=sa.text("0"), nullable=False))
    op.add_column("plan_rows", sa.Column("dirty_head", guid(), nullable=True))
    op.add_column("datasets", sa.Column("written", sa.BigInteger(), nullable=True))
    op.add_column("jobs", sa.Column("runs_on", sa.String(length=63), server_default=sa.text("''"), nullable=False))
    op.execute("UPDATE jobs SET runs_on = to_system")
    _declare_direction()
    op.create_index("ix_jobs_runs_on_state", "jobs", ["runs_on", "state"], unique=False)
    op.create_table(
        "former_names",
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=63), nullable=False),
        sa.Column("current", sa.String(length=63), nullable=False),
        sa.PrimaryKeyConstraint("kind", "name", name=op.f("pk_former_names")),
    )


def _declare_direction() -> None:
    """A stored specification has every field: groups get the direction that they had."""
    groups = sa.table("sync_groups", sa.column("name", sa.String), sa.column("spec", sa.JSON))
    connection = op.get_bind()
    for row in connection.execute(sa.select(groups)).all():
        spec = {"direction": "pull", **row.spec}
        connection.execute(groups.update().where(groups.c.name == row.name).values(spec=spec))


def downgrade() -> None:
    """Take them away."""
    op.drop_table("former_names")
    op.drop_index("ix_jobs_runs_on_state", table_name="jobs")
    for table, column in (
        ("jobs", "runs_on"),
        ("datasets", "written"),
        ("plan_rows", "dirty_head"),
        ("edges", "takeover"),
        ("edges", "peers"),
        ("edges", "direction"),
    ):
        op.drop_column(table, column)
