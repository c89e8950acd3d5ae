# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Tables of what is to be done: edges, the planner's rows, jobs and their history."""

from sqlalchemy import JSON, BigInteger, Boolean, Column, ForeignKey, Index, Integer, String, Table, Text, text

from zfs_sync.witness.db.metadata import metadata
from zfs_sync.witness.db.types import U64, UtcTime

edges = Table(
    "edges",
    metadata,
    Column("id", String(400), primary_key=True),
    Column("group", String(63), ForeignKey("sync_groups.name", ondelete="CASCADE"), nullable=False),
    Column("from_system", String(63), nullable=False),
    Column("from_root", String(255), nullable=False),
    Column("to_system", String(63), nullable=False),
    Column("to_root", String(255), nullable=False),
    Column("recursive", Boolean, nullable=False),
    Column("selection", JSON, nullable=False, server_default=text("'{}'")),
    Column("direction", String(4), nullable=False, server_default=text("'pull'")),
    Column("peers", Boolean, nullable=False, server_default=text("0")),
    Column("takeover", Boolean, nullable=False, server_default=text("0")),
    Column("properties", JSON, nullable=False, server_default=text("'{}'")),
    Index("ix_edges_group", "group"),
    Index("ix_edges_from_system", "from_system"),
    Index("ix_edges_to_system", "to_system"),
)
"""``takeover`` says that the target was the group's source, or a peer, before its roles were changed."""

plan_rows = Table(
    "plan_rows",
    metadata,
    Column("edge", String(400), ForeignKey("edges.id", ondelete="CASCADE"), primary_key=True),
    Column("relative", String(255), primary_key=True),
    Column("outcome", String(32), nullable=False),
    Column("message", Text, nullable=False),
    Column("evidence", JSON, nullable=False),
    Column("source_guid", U64),
    Column("target_guid", U64),
    Column("source_head", U64),
    Column("source_head_name", String(255)),
    Column("target_head", U64),
    Column("target_head_name", String(255)),
    Column("base", U64),
    Column("base_name", String(255)),
    Column("lag_snapshots", Integer, nullable=False),
    Column("lag_since", UtcTime),
    Column("requested_at", UtcTime),
    Column("last_started", UtcTime),
    Column("last_success", UtcTime),
    Column("awaited_head", U64),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("error", JSON),
    Column("error_at", UtcTime),
    Column("next_attempt", UtcTime),
    Column("dirty_head", U64),
    Index("ix_plan_rows_outcome", "outcome"),
)
"""One row per dataset of an edge. ``source_guid`` and ``target_guid`` are the datasets' own, as last seen in place,
``awaited_head`` is what a job has brought and the target has not reported yet,
``dirty_head`` the target's head at which an attempt found it written to."""

jobs = Table(
    "jobs",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("edge", String(400), nullable=False),
    Column("group", String(63), nullable=False),
    Column("relative", String(255), nullable=False),
    Column("from_system", String(63), nullable=False),
    Column("to_system", String(63), nullable=False),
    Column("runs_on", String(63), nullable=False, server_default=text("''")),
    Column("target_dataset", String(255), nullable=False),
    Column("priority", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("installation", String(64)),
    Column("run_after", UtcTime, nullable=False),
    Column("lease_expires", UtcTime),
    Column("cancel_requested", Boolean, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("started_at", UtcTime),
    Column("finished_at", UtcTime),
    Column("step", Integer, nullable=False, server_default=text("0")),
    Column("bytes_done", BigInteger, nullable=False, server_default=text("0")),
    Column("bytes_total", BigInteger),
    Column("bytes_per_second", BigInteger, nullable=False, server_default=text("0")),
    Column("message", Text, nullable=False, server_default=text("''")),
    Column("moved_snapshots", Integer, nullable=False, server_default=text("0")),
    Column("moved_bytes", BigInteger, nullable=False, server_default=text("0")),
    Column("error", JSON),
    Index(
        "uq_jobs_waiting",
        "to_system",
        "target_dataset",
        unique=True,
        sqlite_where=text("state = 'queued'"),
    ),
    Index(
        "uq_jobs_running",
        "to_system",
        "target_dataset",
        unique=True,
        sqlite_where=text("state IN ('running', 'lost')"),
    ),
    Index("ix_jobs_to_system_state", "to_system", "state"),
    Index("ix_jobs_from_system_state", "from_system", "state"),
    Index("ix_jobs_runs_on_state", "runs_on", "state"),
    Index("ix_jobs_edge_relative_state", "edge", "relative", "state"),
    Index("ix_jobs_created_at", "created_at", "id"),
    Index("ix_jobs_group", "group", "created_at"),
    Index("ix_jobs_state", "state", "created_at"),
    Index("ix_jobs_finished_at", "finished_at"),
)

job_events = Table(
    "job_events",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("job", String(32), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("state", String(16), nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("detail", String(255), nullable=False),
    Index("ix_job_events_job", "job"),
)
"""Every transition of every job; rows are only added."""

job_totals = Table(
    "job_totals",
    metadata,
    Column("group", String(63), primary_key=True),
    Column("from_system", String(63), primary_key=True),
    Column("to_system", String(63), primary_key=True),
    Column("result", String(16), primary_key=True),
    Column("jobs", BigInteger, nullable=False, server_default=text("0")),
    Column("microseconds", BigInteger, nullable=False, server_default=text("0")),
    Column("snapshots", BigInteger, nullable=False, server_default=text("0")),
    Column("bytes", BigInteger, nullable=False, server_default=text("0")),
)
"""The jobs that ran and ended since this database was made: what is counted here outlives the jobs themselves."""

job_durations = Table(
    "job_durations",
    metadata,
    Column("seconds", Integer, primary_key=True, autoincrement=False),
    Column("jobs", BigInteger, nullable=False),
)
"""How many of them took at most so many seconds and more than the row below says; -1 for longer than any."""
