# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Every sentence of the contract has tests, and they exist."""

import ast
import re
from functools import cache
from pathlib import Path

from tests.unit.docs.pages import ROOT, Page

CONTRACT = Page(ROOT / "docs" / "reference" / "contract.md")
_SENTENCE = re.compile(r"^\* (.+(?:\n  [^ *].*)*)((?:\n  \* .*)*)", re.MULTILINE)
_TEST = re.compile(r"^  \* `([\w/]+\.py)::(test_\w+)`$", re.MULTILINE)


def test_every_sentence_has_tests_that_exist() -> None:
    found = _SENTENCE.findall(CONTRACT.text)
    assert len(found) > 50
    for sentence, listed in found:
        tests = _TEST.findall(listed)
        assert len(tests) == len(listed.splitlines()[1:]) > 0, sentence
        assert [name for path, name in tests if name not in _tests_of(ROOT / path)] == [], sentence


def test_nothing_stands_outside_of_a_sentence() -> None:
    listed = sum(len(_TEST.findall(tests)) for _, tests in _SENTENCE.findall(CONTRACT.text))
    assert listed == CONTRACT.text.count("::test_")


@cache
def _tests_of(path: Path) -> set[str]:
    """What pytest collects from a file: its functions at the outermost level."""
    if not path.is_relative_to(ROOT / "tests") or not path.name.startswith("test_"):
        return set()
    return {each.name for each in ast.parse(path.read_text()).body if isinstance(each, ast.FunctionDef)}
