# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Tables of what agents reported, and of what the planner made of it.

``datasets`` and ``snapshots`` are the current generation of every system. A report is gathered in ``staged_*`` and
merged in one transaction, so that a reader never sees half of it. ``planner_rows`` has one row per edge and dataset,
kept by recomputing only what a report or an apply touched: reading it costs the same whatever lies behind.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from zfs_sync.witness.db.metadata import metadata
from zfs_sync.witness.db.types import U64, UtcTime

PATH = String(255)
NAME = String(63)
IDENTIFIER = String(64)
EDGE_ID = String(400)
SERIAL = BigInteger().with_variant(Integer, "sqlite")

observed_systems = Table(
    "observed_systems",
    metadata,
    Column("system", NAME, primary_key=True),
    Column("installation", IDENTIFIER),
    Column("enrolled_at", UtcTime),
    Column("last_seen", UtcTime),
    Column("reported_at", UtcTime),
    Column("generation", IDENTIFIER),
    Column("recent_generations", JSON, nullable=False),
    Column("protocol", Integer),
    Column("agent_version", String(64)),
    Column("platform", String(16)),
    Column("hostname", String(255)),
    Column("capabilities", JSON),
    Column("pools", JSON),
    Column("datasets", Integer, nullable=False),
    Column("snapshots", Integer, nullable=False),
    Column("staged_generation", IDENTIFIER),
    Column("staged_kind", String(8)),
    Column("staged_next", Integer, nullable=False),
    Column("staged_snapshots", Integer, nullable=False),
    Column("clone_installation", IDENTIFIER),
    Column("clone_noted_at", UtcTime),
)
"""``recent_generations`` are those before the current one, so that a report that was long under way does not turn the
clock back. ``clone_*`` is the installation that last used this system's key without being the one that enrolled."""

datasets = Table(
    "datasets",
    metadata,
    Column("id", SERIAL, primary_key=True, autoincrement=True),
    Column("system", NAME, nullable=False),
    Column("path", PATH, nullable=False),
    Column("guid", U64, nullable=False),
    Column("type", String(16), nullable=False),
    Column("used", BigInteger),
    Column("referenced", BigInteger),
    Column("encryption_root", PATH),
    Column("marker", NAME),
    UniqueConstraint("system", "path"),
    sqlite_autoincrement=True,
)

snapshots = Table(
    "snapshots",
    metadata,
    Column("dataset_id", SERIAL, ForeignKey("datasets.id"), primary_key=True, autoincrement=False),
    Column("guid", U64, primary_key=True, autoincrement=False),
    Column("createtxg", U64, nullable=False),
    Column("name", PATH, nullable=False),
    Column("creation", BigInteger),
    Column("first_seen", UtcTime, nullable=False),
    sqlite_with_rowid=False,
)

staged_datasets = Table(
    "staged_datasets",
    metadata,
    Column("system", NAME, primary_key=True),
    Column("path", PATH, primary_key=True),
    Column("guid", U64, nullable=False),
    Column("type", String(16), nullable=False),
    Column("used", BigInteger),
    Column("referenced", BigInteger),
    Column("encryption_root", PATH),
    Column("marker", NAME),
    Column("gone", Boolean, nullable=False),
    Column("whole", Boolean, nullable=False),
    sqlite_with_rowid=False,
)
"""``whole``: the staged snapshots are all that the dataset has, so the others go."""

staged_snapshots = Table(
    "staged_snapshots",
    metadata,
    Column("system", NAME, primary_key=True),
    Column("path", PATH, primary_key=True),
    Column("guid", U64, primary_key=True, autoincrement=False),
    Column("createtxg", U64, nullable=False),
    Column("name", PATH, nullable=False),
    Column("creation", BigInteger),
    Column("removed", Boolean, nullable=False),
    sqlite_with_rowid=False,
)

edges = Table(
    "edges",
    metadata,
    Column("id", EDGE_ID, primary_key=True),
    Column("sync_group", NAME, nullable=False),
    Column("from_system", NAME, nullable=False),
    Column("from_root", PATH, nullable=False),
    Column("to_system", NAME, nullable=False),
    Column("to_root", PATH, nullable=False),
    Column("recursive", Boolean, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("mode", String(8), nullable=False),
    Column("interval_seconds", Integer, nullable=False),
    Column("lag_limit_seconds", Integer),
    Column("priority", Integer, nullable=False),
    Column("requested_at", UtcTime),
    Index("ix_edges_sync_group", "sync_group"),
    Index("ix_edges_from_system", "from_system"),
    Index("ix_edges_to_system", "to_system"),
)
"""Derived from the members of sync groups. ``requested_at`` is set while somebody's "sync now" is in force."""

planner_rows = Table(
    "planner_rows",
    metadata,
    Column("edge", EDGE_ID, ForeignKey("edges.id"), primary_key=True),
    Column("relative", PATH, primary_key=True),
    Column("from_system", NAME, nullable=False),
    Column("source_path", PATH, nullable=False),
    Column("to_system", NAME, nullable=False),
    Column("target_path", PATH, nullable=False),
    Column("target_parent", PATH),
    Column("outcome", String(32), nullable=False),
    Column("message", Text, nullable=False),
    Column("evidence", JSON, nullable=False),
    Column("source_head_guid", U64),
    Column("source_head_name", PATH),
    Column("target_head_guid", U64),
    Column("target_head_name", PATH),
    Column("base_guid", U64),
    Column("base_name", PATH),
    Column("lag_snapshots", Integer, nullable=False),
    Column("lag_since", UtcTime),
    Column("last_success", UtcTime),
    Column("last_start", UtcTime),
    Column("attempted_at", UtcTime),
    Column("attempts", Integer, nullable=False),
    Column("error_code", String(64)),
    Column("error_message", Text),
    Column("error_hint", Text),
    Column("error_at", UtcTime),
    Column("not_before", UtcTime),
    Column("due_at", UtcTime),
    Column("settled_generation", IDENTIFIER),
    Column("settled_base", U64),
    Column("settled_until", UtcTime),
    Index("ix_planner_rows_source", "from_system", "source_path"),
    Index("ix_planner_rows_target", "to_system", "target_path"),
    Index("ix_planner_rows_parent", "to_system", "target_parent"),
    Index("ix_planner_rows_due", "due_at"),
)
"""The verdict, then the history of attempts.

``last_start`` is when the last job that succeeded began, ``attempted_at`` when the last job that ended began.
``not_before`` is where the back-off ends. ``due_at`` is when the sweep looks at the row again. ``settled_*`` say that a
job moved the target on from ``settled_base``, which its report does not show yet."""
