# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Limits of systems and groups, and the properties of new targets, which were the same for everybody."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from alembic import op

Spec = Mapping[str, Any]

revision = "0008"
down_revision = "0007"

SET = {"canmount": "noauto", "readonly": "on"}
FIELDS: Mapping[str, Spec] = {"systems": {"limits": {}}, "sync_groups": {"limits": {}, "properties": {"set": SET}}}
"""What was not declared, as specifications hold it: every field filled in."""


def upgrade() -> None:
    """Add the column of edges, and the fields of specifications."""
    op.add_column("edges", sa.Column("properties", sa.JSON(), server_default=sa.text("'{}'"), nullable=False))
    op.get_bind().execute(sa.update(sa.table("edges", sa.column("properties", sa.JSON))).values(properties=SET))
    for name, fields in FIELDS.items():
        for key, spec in _specifications(name):
            _store(name, key, {**fields, **spec})


def downgrade() -> None:
    """Take them away."""
    for name, fields in FIELDS.items():
        for key, spec in _specifications(name):
            _store(name, key, {field: value for field, value in spec.items() if field not in fields})
    op.drop_column("edges", "properties")


def _table(name: str) -> sa.TableClause:
    return sa.table(name, sa.column("name", sa.String), sa.column("spec", sa.JSON))


def _specifications(name: str) -> list[tuple[str, Spec]]:
    return [(row.name, row.spec) for row in op.get_bind().execute(sa.select(_table(name)))]


def _store(name: str, key: str, spec: Spec) -> None:
    table = _table(name)
    op.get_bind().execute(sa.update(table).where(table.c.name == key).values(spec=spec))
