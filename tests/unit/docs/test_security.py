# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Each sentence of the threat model names tests that are there, and all that attacks is named by a sentence."""

import ast
import re
from pathlib import Path

import pytest

from tests.unit.docs.pages import ROOT, Page

PAGE = Page(ROOT / "docs" / "explanation" / "security.md")
ROWS = [line for line in PAGE.text.splitlines() if re.match(r"\| [A-Z]\d+ \|", line)]
ATTACKS = "attacks/"


def place(name: str) -> Path:
    """The file of a test as the page names it: unit/... or a folder of the integration tests."""
    return ROOT / "tests" / (name if name.startswith("unit/") else f"integration/{name}")


def functions_of(path: Path) -> set[str]:
    found = ast.parse(path.read_text()).body
    return {each.name for each in found if isinstance(each, ast.FunctionDef) and each.name.startswith("test_")}


def named(row: str) -> list[tuple[str, str]]:
    """File and function of every test that a row names."""
    return re.findall(r"`([a-z_/]+\.py)::(test_\w+)`", row.rsplit(" | ", 1)[1])


def test_sentences_are_numbered_one_by_one() -> None:
    numbers = [row.split(" | ")[0].strip("| ") for row in ROWS]
    counted = [f"{letter}{number}" for letter in dict.fromkeys(each[0] for each in numbers)
               for number in range(1, sum(each[0] == letter for each in numbers) + 1)]  # fmt: skip
    assert numbers == counted
    assert len(numbers) > 30


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split(" | ")[0].strip("| "))
def test_a_sentence_names_tests_that_are_there(row: str) -> None:
    tests = named(row)
    assert tests
    assert [f"{file}::{test}" for file, test in tests if test not in functions_of(place(file))] == []
    assert len(tests) == row.rsplit(" | ", 1)[1].count("::"), "each is named as FILE::TEST"


def test_every_attack_is_named() -> None:
    shown = {each for row in ROWS for each in named(row)}
    files = (ROOT / "tests" / "integration" / "attacks").glob("test_*.py")
    there = {(f"{ATTACKS}{path.name}", test) for path in files for test in functions_of(path)}
    controls = {(file, test) for file, test in there if test.startswith("test_what_it_may_")}
    assert there - shown == controls
