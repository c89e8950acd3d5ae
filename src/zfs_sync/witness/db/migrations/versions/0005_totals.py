# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""What is counted as it happens, so that nobody counts it anew: snapshots of hosts, and jobs that ended."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

COUNTS = ("dataset_count", "snapshot_count")


def upgrade() -> None:
    """Make the columns and tables, and fill them from what is there."""
    for name in COUNTS:
        op.add_column("hosts", sa.Column(name, sa.BigInteger(), server_default=sa.text("0"), nullable=False))
    big = sa.BigInteger
    op.create_table(
        "job_totals",
        sa.Column("group", sa.String(63), nullable=False),
        sa.Column("from_system", sa.String(63), nullable=False),
        sa.Column("to_system", sa.String(63), nullable=False),
        sa.Column("result", sa.String(16), nullable=False),
        *(sa.Column(name, big(), server_default=sa.text("0"), nullable=False) for name in ("jobs", "microseconds")),
        *(sa.Column(name, big(), server_default=sa.text("0"), nullable=False) for name in ("snapshots", "bytes")),
        sa.PrimaryKeyConstraint("group", "from_system", "to_system", "result", name="pk_job_totals"),
    )
    op.create_table(
        "job_durations",
        sa.Column("seconds", sa.Integer(), nullable=False),
        sa.Column("jobs", big(), nullable=False),
        sa.PrimaryKeyConstraint("seconds", name="pk_job_durations"),
    )
    _fill()


def downgrade() -> None:
    """Drop them."""
    op.drop_table("job_durations")
    op.drop_table("job_totals")
    with op.batch_alter_table("hosts") as hosts:
        for name in COUNTS:
            hosts.drop_column(name)


def _fill() -> None:
    op.execute("UPDATE hosts SET dataset_count = (SELECT count(*) FROM datasets WHERE datasets.system = hosts.system)")
    op.execute(
        "UPDATE hosts SET snapshot_count = (SELECT count(*) FROM snapshots "
        "JOIN datasets ON datasets.id = snapshots.dataset_id WHERE datasets.system = hosts.system)"
    )
    op.execute(
        'INSERT INTO job_totals SELECT "group", from_system, to_system, state, count(*), '
        "sum(finished_at - started_at), sum(moved_snapshots), sum(moved_bytes) FROM jobs "
        "WHERE state IN ('succeeded', 'failed', 'cancelled') AND started_at IS NOT NULL AND finished_at IS NOT NULL "
        'GROUP BY "group", from_system, to_system, state'
    )
