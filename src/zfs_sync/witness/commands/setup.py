# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""``init`` and ``migrate``: a database of this version, and the first key to speak with."""

import importlib
import os
import secrets
from argparse import Namespace
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from zfs_sync.core import tokens
from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.witness.clock import system_clock
from zfs_sync.witness.commands.opening import url_of
from zfs_sync.witness.commands.secret_file import reveal, write_secret
from zfs_sync.witness.db.database import Database
from zfs_sync.witness.db.desired import api_keys
from zfs_sync.witness.db.schema import HEAD, revision_of
from zfs_sync.witness.principal import COMMAND_LINE
from zfs_sync.witness.services import keys
from zfs_sync.witness.services.keys import NewKey
from zfs_sync.witness.settings import load

FIRST_KEY = "admin"


def init(options: Namespace) -> dict[str, Any]:
    """Make what is missing of folder, database and first admin key."""
    path = load(file=options.config).database
    key_file = options.key_file or path.parent / "admin.key"
    _make_folder(path.parent)
    _make_file(path)
    database = Database(url_of(path))
    try:
        migrated = _upgrade(database)
        token = _first_key(database, key_file)
    finally:
        database.close()
    _hand_over(path)
    lines = [f"The database {path} was {'brought to revision ' + HEAD if migrated else 'up to date already'}."]
    if token is None:
        lines.append("There is an admin key already; nothing was changed about keys.")
    else:
        lines.append(f"The first admin key is in {key_file} (mode 0600).")
        lines += reveal(token)
    return {
        "changed": migrated or token is not None,
        "database": str(path),
        "key_file": None if token is None else str(key_file),
        "key_id": None if token is None else token.lookup,
        "text": "\n".join(lines),
    }


def migrate(options: Namespace) -> dict[str, Any]:
    """Upgrade an existing database."""
    path = load(file=options.config).database
    if not path.exists():
        raise ZfsSyncError("E_MIGRATION_NEEDED", f"There is no database {path} yet.", hint="Run zfs-sync-witness init.")
    database = Database(url_of(path))
    try:
        before = database.read(revision_of)
        needed = before != HEAD
        if needed and not options.check:
            _upgrade(database)
    finally:
        database.close()
    verb = "must be brought" if options.check else "was brought"
    text = f"The database {verb} from {before} to {HEAD}." if needed else f"The database is at {HEAD} already."
    return {"changed": needed, "from": before, "to": HEAD, "text": text}


def _upgrade(database: Database) -> bool:
    if database.read(revision_of) == HEAD:
        return False
    migrations = importlib.import_module("zfs_sync.witness.db.migrate")  # Alembic, which takes 0.8 s to import
    database.write(migrations.upgrade)
    return True


def _first_key(database: Database, key_file: Path) -> tokens.Token | None:
    """A new admin key, in its file before it is in the database: a crash between leaves no key that nobody has."""
    if database.read(_has_admin):
        return None
    token = tokens.mint("admin", secrets.token_bytes)
    write_secret(key_file, token.text)

    def store(connection: Connection) -> None:
        new = NewKey(FIRST_KEY, "admin")
        keys.insert_key(connection, COMMAND_LINE, token.lookup, token.sha256, new, system_clock())

    database.write(store)
    return token


def _has_admin(connection: Connection) -> bool:
    statement = select(api_keys.c.id).where(api_keys.c.role == "admin", api_keys.c.revoked_at.is_(None)).limit(1)
    return connection.execute(statement).one_or_none() is not None


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ZfsSyncError("E_CONFIG", f"The folder {folder} cannot be made: {error.strerror}.") from error


def _make_file(database: Path) -> None:
    """An empty database that only its owner reads; SQLite gives the files beside it the same mode."""
    try:
        database.touch(mode=0o600)
    except OSError as error:
        raise ZfsSyncError("E_CONFIG", f"The database {database} cannot be made: {error.strerror}.") from error


def _hand_over(database: Path) -> None:
    """Give the database to the owner of its folder: root may run init for the account that serves."""
    owner = database.parent.stat()
    if os.geteuid() == 0 and owner.st_uid != 0:
        for path in database.parent.glob(database.name + "*"):
            os.chown(path, owner.st_uid, owner.st_gid)
