# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Small JSON files under the agent's state directory, whole or not there, also after a power cut."""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from zfs_sync.core.errors import ZfsSyncError

Record = Mapping[str, object]


def file_key(*parts: str) -> str:
    """A file name for what these parts identify: dataset names hold slashes and spaces, and may be too long."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:40]


def write(path: Path, record: Record) -> None:
    """Put ``record`` at ``path``, on disk when this returns. One writer per path at a time."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    with fresh.open("w", encoding="utf-8") as file:
        json.dump(record, file)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    _sync(path.parent)


def read(path: Path) -> Record | None:
    """The record at ``path``, None where there is none. Raises E_CONFIG where it is no JSON object."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise _unreadable(path) from error
    if not isinstance(record, dict):
        raise _unreadable(path)
    return record


def read_all(folder: Path) -> Iterator[Record]:
    """Every record in ``folder``."""
    for path in sorted(folder.glob("*.json")):
        if (record := read(path)) is not None:
            yield record


def forget(path: Path) -> None:
    """Remove the record durably; none there is well."""
    try:
        path.unlink()
    except FileNotFoundError:
        return
    _sync(path.parent)


def _unreadable(path: Path) -> ZfsSyncError:
    return ZfsSyncError("E_CONFIG", f"{path} is not a record of the agent.", hint=f"Move it away: mv {path} {path}.bad")


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
