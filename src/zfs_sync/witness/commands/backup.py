# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""``backup``: the witness's state in one file, made while it serves, and read again before it is said to be there."""

import os
import shutil
import sqlite3
import tempfile
from argparse import Namespace
from pathlib import Path
from typing import Any

from zfs_sync import __version__
from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.core.numbers import readable_size
from zfs_sync.witness import archive
from zfs_sync.witness.archive import DATABASE, SMALL, Manifest
from zfs_sync.witness.clock import instant, system_clock
from zfs_sync.witness.db import copies
from zfs_sync.witness.settings import load


def backup(options: Namespace) -> dict[str, Any]:
    """Write the backup. Raises E_BACKUP_FAILED, E_DATABASE_UNAVAILABLE; then no file is left."""
    database = load(file=options.config).database
    if not database.exists():
        raise ZfsSyncError("E_MIGRATION_NEEDED", f"There is no database {database} yet.")
    created = instant(system_clock())
    target = _target(options.to, created)
    try:
        folder = Path(tempfile.mkdtemp(prefix=".zfs-sync-backup-", dir=target.parent))
    except OSError as error:
        raise _failed(target, error) from error
    try:
        manifest, draft = _draft(database, folder, created)
        os.link(draft, target)  # unlike a rename, this overwrites nothing that has come there meanwhile
        _sync(target.parent)
    except OSError as error:
        raise _failed(target, error) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return _result(target, manifest)


def _target(to: Path, created: str) -> Path:
    """The file to write: the one that was named, or one of a new name in the folder that was. It must not exist."""
    target: Path = to / f"zfs-sync-witness-{created.translate({45: None, 58: None})}.tar.gz" if to.is_dir() else to
    if target.exists():
        raise ZfsSyncError("E_BACKUP_FAILED", f"{target} exists already, and no backup is overwritten.")
    return target.absolute()


def _draft(database: Path, folder: Path, created: str) -> tuple[Manifest, Path]:
    """The archive under a name of no meaning, written and read again."""
    copied, draft = folder / DATABASE, folder / "draft"
    copied.touch(mode=0o600)
    copies.copy(database, copied)
    try:
        found = copies.inspect(copied)
    except sqlite3.Error as error:
        raise ZfsSyncError("E_DATABASE_UNAVAILABLE", f"The database {database} is damaged: {error}.") from error
    if found.revision is None:
        raise ZfsSyncError("E_MIGRATION_NEEDED", f"{database} holds no witness's database yet.")
    files = {DATABASE: copied} | {name: database.parent / name for name in SMALL if (database.parent / name).exists()}
    sums = {name: archive.sha256_of(path) for name, path in files.items()}
    manifest = Manifest(created, __version__, found.revision, found.counts, sums)
    archive.write(draft, manifest, files)
    return archive.verify(draft), draft


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _failed(target: Path, error: OSError) -> ZfsSyncError:
    return ZfsSyncError("E_BACKUP_FAILED", f"The backup cannot be written to {target}: {error.strerror or error}.")


def _result(target: Path, manifest: Manifest) -> dict[str, Any]:
    size = target.stat().st_size
    others = sorted(set(manifest.files) - {DATABASE})
    lines = [
        f"The backup is {target} ({readable_size(size)}), mode 0600: the database at revision {manifest.revision}"
        + (f", {', '.join(others)}." if others else "."),
        "It holds secrets: private keys, and hashes of API keys. The settings are not in it.",
    ]
    return {
        "changed": True,
        "file": str(target),
        "bytes": size,
        "sha256": archive.sha256_of(target),
        "created": manifest.created,
        "revision": manifest.revision,
        "counts": dict(manifest.counts),
        "files": [DATABASE, *others],
        "text": "\n".join(lines),
    }
