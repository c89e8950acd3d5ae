# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The file that this process runs from: what an installation puts in place."""

import hashlib
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

from zfs_sync import __version__
from zfs_sync.core.errors import ZfsSyncError

OLDEST_PYTHON = (3, 11)


@dataclass(frozen=True, slots=True)
class Archive:
    """A zfs-sync-agent.pyz with the interpreter of this host in its first line."""

    version: str
    content: bytes

    @property
    def folder(self) -> str:
        """The name of the folder of this version: the digest lets two builds of one version lie side by side."""
        return f"{self.version}-{hashlib.sha256(self.content).hexdigest()[:12]}"


def running_archive() -> Archive:
    """The archive that this process was started from. Raises E_INSTALL where it is none."""
    path = Path(sys.argv[0])
    if not zipfile.is_zipfile(path):
        raise ZfsSyncError(
            "E_INSTALL",
            "The installer runs from zfs-sync-agent.pyz only: that file is what it installs.",
            hint="Run: python3 zfs-sync-agent.pyz install --help",
        )
    return Archive(__version__, with_interpreter(path.read_bytes(), sys.executable))


def with_interpreter(content: bytes, interpreter: str) -> bytes:
    """The archive, to be run by this interpreter, isolated from its site packages and environment."""
    start = content.index(b"PK\x03\x04")
    return f"#!{interpreter} -I\n".encode() + content[start:]
