# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""A host whose zfs says again what was recorded."""

from pathlib import Path

import pytest

from tests.unit.zfs.program import Program
from tests.unit.zfs.recordings import zfs_fuse
from zfs_sync.engine.continuity import Holds
from zfs_sync.zfs import commands
from zfs_sync.zfs.capabilities import probe
from zfs_sync.zfs.commands import Argv
from zfs_sync.zfs.host import Zfs

ASKED = ["type", "guid", "used", "referenced", "zfs-sync:group", "createtxg"]


def look(path: str) -> Argv:
    """How zfs-fuse is asked for one dataset."""
    return commands.get(ASKED, [path], depth=1)


def listed(path: str, *guids: int, marker: str = "-\t-") -> str:
    """A dataset whose snapshots have these GUIDs and are called after them."""
    lines = f"{path}\ttype\t-\tfilesystem\n{path}\tguid\t-\t99\n{path}\tzfs-sync:group\t{marker}\n"
    for place, guid in enumerate(guids, 1):
        lines += f"{path}@s{guid}\tguid\t-\t{guid}\n{path}@s{guid}\tcreatetxg\t-\t{place}\n"
    return lines


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path / "program")


@pytest.fixture
def zfs(program: Program) -> Zfs:
    return Zfs(program.runner, probe(zfs_fuse()))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The agent's state directory."""
    return tmp_path / "state"


@pytest.fixture
def holds(zfs: Zfs, folder: Path) -> Holds:
    return Holds(zfs, folder)
