# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Alembic's entry: it runs on the connection and in the transaction that ``zfs_sync.witness.db.migrate`` gives it."""

from alembic import context

from zfs_sync.witness.db.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
