# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Which datasets were last seen in their places, so that one that was renamed is found elsewhere."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

guid = sa.BigInteger  # two's complement of an unsigned number (zfs_sync.witness.db.types.U64)
COLUMNS = ("source_guid", "target_guid")


def upgrade() -> None:
    """Add the columns, with what is reported now, and the index for the search."""
    for column in COLUMNS:
        op.add_column("plan_rows", sa.Column(column, guid(), nullable=True))
    op.create_index("ix_datasets_system_guid", "datasets", ["system", "guid"], unique=False)
    for column, end in zip(COLUMNS, ("from", "to"), strict=True):
        op.execute(
            f"UPDATE plan_rows SET {column} = (SELECT datasets.guid FROM datasets, edges"  # noqa: S608
            f" WHERE edges.id = plan_rows.edge AND datasets.system = edges.{end}_system AND datasets.path ="
            f" CASE plan_rows.relative WHEN '' THEN edges.{end}_root"
            f" ELSE edges.{end}_root || '/' || plan_rows.relative END)"
        )


def downgrade() -> None:
    """Take them away."""
    op.drop_index("ix_datasets_system_guid", "datasets")
    for column in COLUMNS:
        op.drop_column("plan_rows", column)
