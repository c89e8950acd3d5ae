# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Bringing a database to this version's revision, in one transaction. The only module that imports Alembic."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

MIGRATIONS = Path(__file__).parent / "migrations"


def configuration() -> Config:
    """Alembic's configuration, which lives in the package and in no file."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config


def revisions() -> frozenset[str]:
    """Every revision that this version can upgrade from, its own included."""
    return frozenset(each.revision for each in ScriptDirectory.from_config(configuration()).walk_revisions())


def upgrade(connection: Connection) -> None:
    """Upgrade to the newest revision inside the caller's transaction."""
    config = configuration()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
