# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Files that are whole or not there, with exactly the mode that was asked for."""

import os
from pathlib import Path

import pytest

from zfs_sync.agent.files import read_text, remove, write_atomically


@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_a_file_has_its_mode_whatever_the_umask_and_replaces_what_was_there(tmp_path: Path, umask: int) -> None:
    path = tmp_path / "key"
    path.write_text("old")
    path.chmod(0o777)
    before = os.umask(umask)
    try:
        write_atomically(path, b"new", 0o640)
    finally:
        os.umask(before)
    assert (path.read_bytes(), path.stat().st_mode & 0o7777) == (b"new", 0o640)
    assert [each.name for each in tmp_path.iterdir()] == ["key"]


def test_it_is_given_to_its_owner_before_it_is_in_its_place(tmp_path: Path) -> None:
    path = tmp_path / "key"
    given: list[tuple[str, bool]] = []
    write_atomically(path, b"x", 0o600, chown=lambda temporary: given.append((temporary.name[:5], path.exists())))
    assert given == [(".key.", False)]


def test_a_failure_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("old")

    def refuse(_: Path) -> None:
        raise PermissionError("not yours")

    with pytest.raises(PermissionError):
        write_atomically(path, b"new", 0o600, chown=refuse)
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [("key", "old")]


def test_a_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("theirs")
    (tmp_path / "key").symlink_to(tmp_path / "target")
    write_atomically(tmp_path / "key", b"ours", 0o600)
    assert (tmp_path / "target").read_text() == "theirs"
    assert not (tmp_path / "key").is_symlink()


def test_what_is_not_there_reads_as_nothing_and_is_removed_already(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for path in (tmp_path / "none", tmp_path / "file" / "below"):
        assert read_text(path) is None
        assert not remove(path)
    assert remove(tmp_path / "file")
    assert not (tmp_path / "file").exists()
