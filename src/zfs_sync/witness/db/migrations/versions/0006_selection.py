# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""What of its datasets and snapshots a sync group replicates; groups that are there go on with everything."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

FIELDS = {
    "include_root": True,
    "exclude": [],
    "snapshots": {"include": ["*"], "exclude": [], "intermediate": True},
}
"""What was not declared, as specifications hold it: every field filled in."""

groups = sa.table("sync_groups", sa.column("name", sa.String), sa.column("spec", sa.JSON))


def upgrade() -> None:
    """Add the column of edges, and the fields of specifications."""
    op.add_column("edges", sa.Column("selection", sa.JSON(), server_default=sa.text("'{}'"), nullable=False))
    for name, spec in _specifications():
        _store(name, {**FIELDS, **spec})


def downgrade() -> None:
    """Take them away."""
    for name, spec in _specifications():
        _store(name, {field: value for field, value in spec.items() if field not in FIELDS})
    op.drop_column("edges", "selection")


def _specifications() -> list[tuple[str, dict[str, object]]]:
    return [(row.name, row.spec) for row in op.get_bind().execute(sa.select(groups))]


def _store(name: str, spec: dict[str, object]) -> None:
    op.get_bind().execute(sa.update(groups).where(groups.c.name == name).values(spec=spec))
