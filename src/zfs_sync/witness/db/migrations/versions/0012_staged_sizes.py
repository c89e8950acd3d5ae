# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""How much each part of a report under way holds, so that one without an end is refused while it comes."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

COLUMNS = ("dataset_count", "snapshot_count")


def upgrade() -> None:
    """Add the columns. Parts that are under way count as nothing: their report is soon whole, or begun anew."""
    for column in COLUMNS:
        op.add_column("report_chunks", sa.Column(column, sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    """Take them away."""
    for column in COLUMNS:
        op.drop_column("report_chunks", column)
