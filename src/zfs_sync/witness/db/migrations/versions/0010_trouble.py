# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""What keeps each host from reporting."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Add the column; an agent in trouble fills it with its next heartbeat."""
    op.add_column("hosts", sa.Column("trouble", sa.JSON()))


def downgrade() -> None:
    """Drop it."""
    op.drop_column("hosts", "trouble")
