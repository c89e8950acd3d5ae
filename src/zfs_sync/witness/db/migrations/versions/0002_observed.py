# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""What agents report, and what is to be done: hosts, datasets, snapshots, edges, planner rows, jobs."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

moment = sa.BigInteger  # microseconds since 1970 (zfs_sync.witness.db.types.UtcTime)
guid = sa.BigInteger  # two's complement of an unsigned number (zfs_sync.witness.db.types.U64)


def upgrade() -> None:
    """Make the tables."""
    _job_events()
    _jobs()
    _datasets()
    _edges()
    _hosts()
    _report_chunks()
    _plan_rows()
    _snapshots()


def downgrade() -> None:
    """Drop them."""
    for table in ("snapshots", "plan_rows", "report_chunks", "hosts", "edges", "datasets", "jobs", "job_events"):
        op.drop_table(table)


def _job_events() -> None:
    op.create_table(
        "job_events",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("job", sa.String(length=32), nullable=False),
        sa.Column("at", moment(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("detail", sa.String(length=255), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job_events")),
    )
    op.create_index("ix_job_events_job", "job_events", ["job"], unique=False)


def _jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("edge", sa.String(length=400), nullable=False),
        sa.Column("group", sa.String(length=63), nullable=False),
        sa.Column("relative", sa.String(length=255), nullable=False),
        sa.Column("from_system", sa.String(length=63), nullable=False),
        sa.Column("to_system", sa.String(length=63), nullable=False),
        sa.Column("target_dataset", sa.String(length=255), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("installation", sa.String(length=64), nullable=True),
        sa.Column("run_after", moment(), nullable=False),
        sa.Column("lease_expires", moment(), nullable=True),
        sa.Column("cancel_requested", sa.Boolean(), nullable=False),
        sa.Column("created_at", moment(), nullable=False),
        sa.Column("started_at", moment(), nullable=True),
        sa.Column("finished_at", moment(), nullable=True),
        sa.Column("step", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("bytes_done", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("bytes_total", sa.BigInteger(), nullable=True),
        sa.Column("bytes_per_second", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("message", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("moved_snapshots", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("moved_bytes", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("error", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
    )
    op.create_index("ix_jobs_edge_relative_state", "jobs", ["edge", "relative", "state"], unique=False)
    op.create_index("ix_jobs_from_system_state", "jobs", ["from_system", "state"], unique=False)
    op.create_index("ix_jobs_to_system_state", "jobs", ["to_system", "state"], unique=False)
    op.create_index(
        "uq_jobs_running",
        "jobs",
        ["to_system", "target_dataset"],
        unique=True,
        sqlite_where=sa.text("state IN ('running', 'lost')"),
        postgresql_where=sa.text("state IN ('running', 'lost')"),
    )
    op.create_index(
        "uq_jobs_waiting",
        "jobs",
        ["to_system", "target_dataset"],
        unique=True,
        sqlite_where=sa.text("state = 'queued'"),
        postgresql_where=sa.text("state = 'queued'"),
    )


def _datasets() -> None:
    op.create_table(
        "datasets",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("system", sa.String(length=63), nullable=False),
        sa.Column("path", sa.String(length=255), nullable=False),
        sa.Column("guid", guid(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=True),
        sa.Column("referenced", sa.BigInteger(), nullable=True),
        sa.Column("encryption_root", sa.String(length=255), nullable=True),
        sa.Column("marker", sa.String(length=63), nullable=True),
        sa.ForeignKeyConstraint(
            ["system"], ["systems.name"], name=op.f("fk_datasets_system_systems"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_datasets")),
    )
    op.create_index("uq_datasets_system_path", "datasets", ["system", "path"], unique=True)


def _edges() -> None:
    op.create_table(
        "edges",
        sa.Column("id", sa.String(length=400), nullable=False),
        sa.Column("group", sa.String(length=63), nullable=False),
        sa.Column("from_system", sa.String(length=63), nullable=False),
        sa.Column("from_root", sa.String(length=255), nullable=False),
        sa.Column("to_system", sa.String(length=63), nullable=False),
        sa.Column("to_root", sa.String(length=255), nullable=False),
        sa.Column("recursive", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["group"], ["sync_groups.name"], name=op.f("fk_edges_group_sync_groups"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_edges")),
    )
    op.create_index("ix_edges_from_system", "edges", ["from_system"], unique=False)
    op.create_index("ix_edges_group", "edges", ["group"], unique=False)
    op.create_index("ix_edges_to_system", "edges", ["to_system"], unique=False)


def _hosts() -> None:
    op.create_table(
        "hosts",
        sa.Column("system", sa.String(length=63), nullable=False),
        sa.Column("installation", sa.String(length=64), nullable=True),
        sa.Column("generation", sa.String(length=64), nullable=True),
        sa.Column("protocol", sa.Integer(), nullable=True),
        sa.Column("agent_version", sa.String(length=64), nullable=True),
        sa.Column("platform", sa.String(length=16), nullable=True),
        sa.Column("hostname", sa.String(length=255), nullable=True),
        sa.Column("capabilities", sa.JSON(), nullable=True),
        sa.Column("pools", sa.JSON(), nullable=True),
        sa.Column("last_seen", moment(), nullable=True),
        sa.Column("reported_at", moment(), nullable=True),
        sa.ForeignKeyConstraint(["system"], ["systems.name"], name=op.f("fk_hosts_system_systems"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("system", name=op.f("pk_hosts")),
    )


def _report_chunks() -> None:
    op.create_table(
        "report_chunks",
        sa.Column("system", sa.String(length=63), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("generation", sa.String(length=64), nullable=False),
        sa.Column("datasets", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["system"], ["systems.name"], name=op.f("fk_report_chunks_system_systems"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("system", "seq", name=op.f("pk_report_chunks")),
    )


def _plan_rows() -> None:
    op.create_table(
        "plan_rows",
        sa.Column("edge", sa.String(length=400), nullable=False),
        sa.Column("relative", sa.String(length=255), nullable=False),
        sa.Column("outcome", sa.String(length=32), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.Column("source_head", guid(), nullable=True),
        sa.Column("source_head_name", sa.String(length=255), nullable=True),
        sa.Column("target_head", guid(), nullable=True),
        sa.Column("target_head_name", sa.String(length=255), nullable=True),
        sa.Column("base", guid(), nullable=True),
        sa.Column("base_name", sa.String(length=255), nullable=True),
        sa.Column("lag_snapshots", sa.Integer(), nullable=False),
        sa.Column("lag_since", moment(), nullable=True),
        sa.Column("requested_at", moment(), nullable=True),
        sa.Column("last_started", moment(), nullable=True),
        sa.Column("last_success", moment(), nullable=True),
        sa.Column("awaited_head", guid(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("error", sa.JSON(), nullable=True),
        sa.Column("error_at", moment(), nullable=True),
        sa.Column("next_attempt", moment(), nullable=True),
        sa.ForeignKeyConstraint(["edge"], ["edges.id"], name=op.f("fk_plan_rows_edge_edges"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("edge", "relative", name=op.f("pk_plan_rows")),
    )


def _snapshots() -> None:
    op.create_table(
        "snapshots",
        sa.Column("dataset_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("guid", guid(), nullable=False),
        sa.Column("createtxg", guid(), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("creation", sa.BigInteger(), nullable=True),
        sa.Column("seen_at", moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["dataset_id"], ["datasets.id"], name=op.f("fk_snapshots_dataset_id_datasets"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("dataset_id", "guid", name=op.f("pk_snapshots")),
        sqlite_with_rowid=False,
    )
