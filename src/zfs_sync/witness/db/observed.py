# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Tables of what agents report: hosts, datasets, snapshots, and the parts of a report that is not complete yet."""

from sqlalchemy import JSON, BigInteger, Column, ForeignKey, Index, Integer, String, Table, Text, text

from zfs_sync.witness.db.metadata import metadata
from zfs_sync.witness.db.types import U64, UtcTime

_ROW_ID = BigInteger().with_variant(Integer, "sqlite")

hosts = Table(
    "hosts",
    metadata,
    Column("system", String(63), ForeignKey("systems.name", ondelete="CASCADE"), primary_key=True),
    Column("installation", String(64)),
    Column("generation", String(64)),
    Column("protocol", Integer),
    Column("agent_version", String(64)),
    Column("platform", String(16)),
    Column("hostname", String(255)),
    Column("capabilities", JSON),
    Column("pools", JSON),
    Column("last_seen", UtcTime),
    Column("reported_at", UtcTime),
    Column("dataset_count", BigInteger, nullable=False, server_default=text("0")),
    Column("snapshot_count", BigInteger, nullable=False, server_default=text("0")),
    Column("allow", JSON(none_as_null=True)),
    Column("clone", String(64)),
    Column("clone_at", UtcTime),
    Column("trouble", JSON(none_as_null=True)),
)
"""One row per system whose agent has enrolled. ``generation`` is null until its first full report is complete.
``allow`` is what the host says that it allows; null where its agent does not say.
``clone`` is the installation that last used this system's key beside its own.
``trouble`` is why its last report did not come, as a code and a sentence."""

report_chunks = Table(
    "report_chunks",
    metadata,
    Column("system", String(63), ForeignKey("systems.name", ondelete="CASCADE"), primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("generation", String(64), nullable=False),
    Column("datasets", Text, nullable=False),
    Column("dataset_count", Integer, nullable=False, server_default="0"),
    Column("snapshot_count", Integer, nullable=False, server_default="0"),
)
"""The parts of the one full report that each system may have under way, and how much each of them holds."""

datasets = Table(
    "datasets",
    metadata,
    Column("id", _ROW_ID, primary_key=True, autoincrement=True),
    Column("system", String(63), ForeignKey("systems.name", ondelete="CASCADE"), nullable=False),
    Column("path", String(255), nullable=False),
    Column("guid", U64, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("used", BigInteger),
    Column("referenced", BigInteger),
    Column("written", BigInteger),
    Column("encryption_root", String(255)),
    Column("marker", String(63)),
    Index("uq_datasets_system_path", "system", "path", unique=True),
    Index("ix_datasets_system_guid", "system", "guid"),
)

snapshots = Table(
    "snapshots",
    metadata,
    Column("dataset_id", _ROW_ID, ForeignKey("datasets.id", ondelete="CASCADE"), primary_key=True),
    Column("guid", U64, primary_key=True),
    Column("createtxg", U64, nullable=False),
    Column("name", String(255), nullable=False),
    Column("creation", BigInteger),
    Column("seen_at", UtcTime, nullable=False),
    sqlite_with_rowid=False,
)
