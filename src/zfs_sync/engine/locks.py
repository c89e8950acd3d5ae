# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The lock on a target dataset: no two receives into one dataset, whoever starts them.

It is an flock(2) on a file per dataset. The receive inherits the locked descriptor, so the lock lives as long as the
longest of agent and receive: an agent that is killed and started again cannot start a second receive beside the first.
Lock files are never removed, since removing one that another process has just opened would make two locks of one.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.engine.state import file_key


@contextmanager
def target_lock(state: Path, dataset: str) -> Iterator[int]:
    """Hold the lock of ``dataset``; its descriptor is for the receive to inherit. Raises E_TARGET_LOCKED."""
    folder = state / "locks"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(folder / file_key(dataset), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ZfsSyncError("E_TARGET_LOCKED", f"Another receive into {dataset} runs on this host.") from error
        yield descriptor
    finally:
        os.close(descriptor)  # not LOCK_UN: that would take the lock from a receive that is still running
