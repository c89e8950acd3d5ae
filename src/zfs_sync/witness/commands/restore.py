# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""``restore``: a witness from its backup. What lay there before is moved aside, never overwritten.

Hosts went on since the backup was made, so what it says of them is not planned with: their reports are forgotten, each
agent is told to send a full one, and jobs are queued anew after that. States of desired state get tags of their own, as
the same number may have been given to another one since.
"""

import importlib
import os
import shutil
import sqlite3
import tempfile
from argparse import Namespace
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select, update

from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.witness import archive, audit
from zfs_sync.witness.archive import DATABASE, Manifest
from zfs_sync.witness.clock import instant, system_clock
from zfs_sync.witness.commands.occupancy import occupied
from zfs_sync.witness.commands.opening import url_of
from zfs_sync.witness.db import copies
from zfs_sync.witness.db.database import Database
from zfs_sync.witness.db.observed import hosts
from zfs_sync.witness.db.schema import HEAD
from zfs_sync.witness.db.work import jobs
from zfs_sync.witness.principal import COMMAND_LINE
from zfs_sync.witness.services import scheduling
from zfs_sync.witness.services.desired import store
from zfs_sync.witness.settings import load

_LOGS = ("", "-wal", "-shm")
"""A database and what SQLite keeps beside it."""


def restore(options: Namespace) -> dict[str, Any]:
    """Put the backup in place, or raise E_BACKUP_INVALID, E_WITNESS_RUNNING, E_DATABASE_EXISTS and change nothing."""
    database: Path = load(file=options.config).database
    manifest = archive.verify(options.file)
    _check_revision(options.file, manifest)
    if options.check:
        return _result(database, manifest, [], check=True)
    database.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with occupied(database):
        there = _there(database, manifest.files)
        if there and not options.replace:
            names = ", ".join(map(str, there))
            raise ZfsSyncError("E_DATABASE_EXISTS", f"A witness lives in {database.parent} already: {names}.")
        folder = Path(tempfile.mkdtemp(prefix=".restore-", dir=database.parent))
        try:
            _prepare(options.file, manifest, folder)
            kept = _move_aside(there, database.parent)
            _put(folder, database, manifest.files)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    return _result(database, manifest, kept, check=False)


def _check_revision(file: Path, manifest: Manifest) -> None:
    migrations = importlib.import_module("zfs_sync.witness.db.migrate")  # Alembic, which takes 0.8 s to import
    if manifest.revision not in migrations.revisions():
        raise archive.invalid(
            file,
            f"its database has revision {manifest.revision} (made by {manifest.version}), this version knows {HEAD}",
        )


def _there(database: Path, files: Iterable[str]) -> list[Path]:
    """What the restored files would overwrite."""
    logs = [database.with_name(database.name + end) for end in _LOGS]
    others = [database.parent / name for name in files if name != DATABASE]
    return [path for path in (*logs, *others) if path.exists()]


def _prepare(file: Path, manifest: Manifest, folder: Path) -> None:
    """The files in a folder of their own, the database checked, migrated and made ready."""
    copied = folder / DATABASE
    archive.take_database(file, copied)
    try:
        found = copies.inspect(copied)
    except sqlite3.Error as error:
        raise archive.invalid(file, f"its database is damaged ({error})") from error
    if (found.revision, found.counts) != (manifest.revision, dict(manifest.counts)):
        raise archive.invalid(file, "its database does not hold what its list of contents says")
    _migrate(copied, manifest)
    for name in manifest.files:
        if name != DATABASE:
            target = folder / name
            target.parent.mkdir(exist_ok=True)
            target.touch(mode=0o644 if name.endswith(".crt") else 0o600)
            target.write_bytes(archive.small_file(file, name))


def _migrate(copied: Path, manifest: Manifest) -> None:
    migrations = importlib.import_module("zfs_sync.witness.db.migrate")
    database = Database(url_of(copied))
    try:
        database.write(migrations.upgrade)
        database.write(lambda connection: _make_ready(connection, manifest))
    finally:
        database.close()


def _make_ready(connection: Connection, manifest: Manifest) -> None:
    now = system_clock()
    connection.execute(update(hosts).values(generation=None))
    for job in connection.execute(select(jobs).where(jobs.c.state == "queued")).all():
        scheduling.transition(connection, job, "cancelled", now, "planned before the witness was restored")
    store.renew_identity(connection)
    detail = {"backup": manifest.created, "revision": manifest.revision, "version": manifest.version}
    audit.record(connection, COMMAND_LINE, "witness.restored", "witness", "witness", detail, now)


def _move_aside(there: Iterable[Path], folder: Path) -> list[Path]:
    """Give what is there names that say when it was replaced; a database's logs keep fitting to it."""
    end = f".replaced-{instant(system_clock()).translate({45: None, 58: None})}"
    kept = []
    for path in there:
        log = next((each for each in _LOGS[1:] if path.name.endswith(each) and path.parent == folder), "")
        aside = path.with_name(path.name.removesuffix(log) + end + log)
        path.rename(aside)
        kept.append(aside)
    return kept


def _put(folder: Path, database: Path, files: Iterable[str]) -> None:
    """Move the prepared files in place, the database last, for its owner is who serves."""
    owner = database.parent.stat()
    for name in sorted(files, key=lambda each: each == DATABASE):
        target = database if name == DATABASE else database.parent / name
        if not target.parent.exists():
            target.parent.mkdir(mode=0o755)  # the CA's certificate in it is for everybody
            _give(target.parent, owner)
        _give(folder / name, owner)
        (folder / name).rename(target)


def _give(path: Path, owner: os.stat_result) -> None:
    if os.geteuid() == 0:
        os.chown(path, owner.st_uid, owner.st_gid)


def _result(database: Path, manifest: Manifest, kept: list[Path], *, check: bool) -> dict[str, Any]:
    migrated = "" if manifest.revision == HEAD else f", migrated from {manifest.revision} to {HEAD}"
    made = f"of {manifest.created} by version {manifest.version}"
    if check:
        text = f"The backup {made} is whole and can be restored."
    else:
        text = f"The backup {made} is restored to {database}{migrated}. Start the witness: agents send full reports."
        text += "".join(f"\nWhat was there is kept as {path}." for path in kept)
    return {
        "changed": not check,
        "database": str(database),
        "created": manifest.created,
        "version": manifest.version,
        "from": manifest.revision,
        "to": HEAD,
        "counts": dict(manifest.counts),
        "files": sorted(manifest.files),
        "kept": [str(path) for path in kept],
        "text": text,
    }
