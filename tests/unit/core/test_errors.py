# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0

import sys
from pathlib import Path

import pytest

from zfs_sync.core import error_pages
from zfs_sync.core.errors import CATALOGUE, Fault, ZfsSyncError, docs_url, pointer

PAGES = Path(__file__).parents[3] / "docs" / "errors"


def test_the_pages_of_the_repository_are_those_of_the_catalogue() -> None:
    assert error_pages.stale(PAGES) == []


@pytest.mark.parametrize("entry", CATALOGUE.values(), ids=CATALOGUE.keys())
def test_entries_are_complete(entry) -> None:
    assert entry.code.startswith("E_")
    assert 400 <= entry.status < 600
    assert entry.explanation.endswith(".")
    assert entry.remedy.endswith(".")
    assert entry.example
    assert not entry.title.endswith(".")


def test_an_error_says_what_and_what_to_do() -> None:
    error = ZfsSyncError("E_NOT_ALLOWED_HERE", "tank/x may not be sent.", faults=[Fault("/a", "no")])
    assert str(error) == f"E_NOT_ALLOWED_HERE: tank/x may not be sent.; /a: no ({error.entry.remedy})"
    assert ZfsSyncError("E_SPACE", "full", hint="buy").hint == "buy"


def test_a_code_outside_the_catalogue_cannot_be_raised() -> None:
    with pytest.raises(KeyError):
        ZfsSyncError("E_NOPE", "x")


def test_pointers_escape() -> None:
    assert pointer("systems", "a/b~c", 0) == "/systems/a~1b~0c/0"
    assert docs_url("E_SPACE").endswith("/E_SPACE")


def test_pages_are_written_mended_and_cleared(tmp_path: Path, monkeypatch, capsys) -> None:
    folder = tmp_path / "errors"
    monkeypatch.setattr(sys, "argv", ["error_pages", str(folder)])
    assert error_pages.main() == 0
    (folder / "E_GONE.md").write_text("old")
    (folder / "E_SPACE.md").write_text("wrong")
    monkeypatch.setattr(sys, "argv", ["error_pages", str(folder), "--check"])
    assert error_pages.main() == 1
    assert "E_GONE.md is out of date" in capsys.readouterr().err
    error_pages.write(folder)
    assert error_pages.main() == 0
