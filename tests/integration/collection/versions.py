# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Agents of other versions than this source, made from the file that ships."""

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

from tests.integration.collection.controller import BUILD

SHIPPED = BUILD / "dist" / "zfs-sync-agent.pyz"
VERSION = "zfs_sync/__init__.py"
DAEMON = "zfs_sync/agent/daemon.py"


def agent_of(version: str, output: Path, additions: Mapping[str, str] | None = None) -> Path:
    """The agent's file with another version; ``additions`` are put at the end of modules, by name."""
    content = SHIPPED.read_bytes()
    start = content.index(b"PK\x03\x04")
    changed = {VERSION: f'\n__version__ = "{version}"\n', **(additions or {})}
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content[start:])) as old, zipfile.ZipFile(buffer, "w") as new:
        for entry in old.infolist():
            if entry.filename.removesuffix("c") not in changed or entry.filename in changed:
                text = old.read(entry) + changed.get(entry.filename, "").encode()
                new.writestr(entry, text, zipfile.ZIP_DEFLATED)
    output.write_bytes(content[:start] + buffer.getvalue())
    return output
