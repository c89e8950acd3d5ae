# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""One witness per database: who serves it holds a lock for as long, and who replaces it must have that lock."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from zfs_sync.core.errors import ZfsSyncError


@contextmanager
def occupied(database: Path) -> Iterator[None]:
    """Have the database to oneself in the block. Raises E_WITNESS_RUNNING where another process has it."""
    path = database.with_name(database.name + ".lock")
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise ZfsSyncError("E_DATABASE_UNAVAILABLE", f"{path} cannot be opened: {error.strerror}.") from error
    try:
        _hand_over(descriptor, database.parent)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ZfsSyncError("E_WITNESS_RUNNING", f"A witness serves the database {database}.") from error
        yield
    finally:
        os.close(descriptor)


def _hand_over(descriptor: int, folder: Path) -> None:
    """Root may be first, and the account that serves must be able to open the file after it."""
    owner = folder.stat()
    if os.geteuid() == 0 and owner.st_uid != os.fstat(descriptor).st_uid:
        os.fchown(descriptor, owner.st_uid, owner.st_gid)
