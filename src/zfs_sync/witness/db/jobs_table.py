# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Jobs and their transitions.

The partial unique indexes are locks: at most one job waits and at most one runs (or was lost while it ran) for a
dataset of a host. ``epoch`` is the fencing token: it rises with every claim and never falls.
"""

from sqlalchemy import JSON, BigInteger, Boolean, Column, Index, Integer, String, Table, Text, text

from zfs_sync.witness.db.metadata import metadata
from zfs_sync.witness.db.observed import EDGE_ID, IDENTIFIER, NAME, PATH, SERIAL
from zfs_sync.witness.db.types import U64, UtcTime

WAITING = text("state = 'queued'")
HELD = text("state IN ('running', 'lost')")
ACTIVE = text("state IN ('queued', 'running', 'lost')")

jobs = Table(
    "jobs",
    metadata,
    Column("seq", SERIAL, primary_key=True, autoincrement=True),
    Column("id", IDENTIFIER, nullable=False, unique=True),
    Column("edge", EDGE_ID, nullable=False),
    Column("sync_group", NAME, nullable=False),
    Column("relative", PATH, nullable=False),
    Column("from_system", NAME, nullable=False),
    Column("to_system", NAME, nullable=False),
    Column("target_dataset", PATH, nullable=False),
    Column("state", String(16), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("claimed_by", IDENTIFIER),
    Column("created_at", UtcTime, nullable=False),
    Column("started_at", UtcTime),
    Column("claimed_at", UtcTime),
    Column("heard_at", UtcTime),
    Column("lease_expires_at", UtcTime),
    Column("finished_at", UtcTime),
    Column("cancel_requested", Boolean, nullable=False),
    Column("base_guid", U64),
    Column("to_guid", U64),
    Column("step", Integer, nullable=False),
    Column("bytes_done", BigInteger, nullable=False),
    Column("bytes_total", BigInteger),
    Column("bytes_per_second", BigInteger, nullable=False),
    Column("message", Text, nullable=False),
    Column("moved_snapshots", Integer, nullable=False),
    Column("moved_bytes", BigInteger, nullable=False),
    Column("error", JSON),
    Column("finish", JSON),
    Index(
        "uq_jobs_waiting", "to_system", "target_dataset", unique=True, sqlite_where=WAITING, postgresql_where=WAITING
    ),
    Index("uq_jobs_held", "to_system", "target_dataset", unique=True, sqlite_where=HELD, postgresql_where=HELD),
    Index("ix_jobs_active_from", "from_system", sqlite_where=ACTIVE, postgresql_where=ACTIVE),
    Index("ix_jobs_lease", "lease_expires_at", sqlite_where=HELD, postgresql_where=HELD),
    Index("ix_jobs_edge", "edge", "relative", "seq"),
    Index("ix_jobs_group", "sync_group", "seq"),
    sqlite_autoincrement=True,
)
"""``heard_at`` is the last word about the present epoch: its claim or its progress. ``finish`` is the finish as it was
accepted, so that the same one sent again is known."""

job_events = Table(
    "job_events",
    metadata,
    Column("id", SERIAL, primary_key=True, autoincrement=True),
    Column("job", IDENTIFIER, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("before", String(16)),
    Column("after", String(16), nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    Index("ix_job_events_job", "job", "id"),
    sqlite_autoincrement=True,
)
"""Every transition of every job; rows are only added."""
