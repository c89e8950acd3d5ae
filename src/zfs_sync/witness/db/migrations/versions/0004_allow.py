# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""What each host says that it allows."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the column; a host fills it with its next report."""
    op.add_column("hosts", sa.Column("allow", sa.JSON()))


def downgrade() -> None:
    """Drop it."""
    op.drop_column("hosts", "allow")
