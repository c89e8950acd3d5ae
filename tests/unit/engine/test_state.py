# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Small records: whole or not there, and a broken one is named."""

from pathlib import Path

import pytest

from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.engine import state


def test_records_are_written_read_listed_and_forgotten(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "er"
    assert list(state.read_all(folder)) == []
    state.write(folder / "a.json", {"x": 1})
    state.write(folder / "a.json", {"x": 2})
    assert state.read(folder / "a.json") == {"x": 2}
    assert list(state.read_all(folder)) == [{"x": 2}]
    assert [path.name for path in folder.iterdir()] == ["a.json"]
    assert folder.stat().st_mode & 0o777 == 0o700
    state.forget(folder / "a.json")
    state.forget(folder / "a.json")
    assert state.read(folder / "a.json") is None


def test_a_record_that_goes_while_all_are_read_is_left_out(tmp_path: Path) -> None:
    for name in ("a", "b"):
        state.write(tmp_path / f"{name}.json", {"name": name})
    reading = state.read_all(tmp_path)
    assert next(reading) == {"name": "a"}
    (tmp_path / "b.json").unlink()
    assert list(reading) == []


@pytest.mark.parametrize("content", ["", "{", "[]", "7"])
def test_a_broken_record_is_named_with_a_way_out(tmp_path: Path, content: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(content)
    with pytest.raises(ZfsSyncError) as caught:
        state.read(path)
    assert caught.value.code == "E_CONFIG"
    assert f"mv {path}" in caught.value.hint


def test_keys_tell_names_apart_that_would_join_alike() -> None:
    assert state.file_key("a", "b") != state.file_key("ab") != state.file_key("a\0b")[:39]
    assert len({state.file_key("a/b", "c"), state.file_key("a", "b/c"), state.file_key("a b", "c")}) == 3
