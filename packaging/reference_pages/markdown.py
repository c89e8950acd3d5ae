# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The few forms of Markdown that the pages are made of."""

import json
from collections.abc import Iterable, Sequence


def note(source: str) -> str:
    """What the head of a page says to those who would edit it."""
    return f"<!-- Made by `make docs` from {source}; edit that, not this page. -->\n"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; line breaks and bars in cells are made harmless."""
    lines = [header, ["---"] * len(header), *([_cell(each) for each in row] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def code(text: str) -> str:
    """Text as code."""
    return f"`{text}`"


def value(example: object) -> str:
    """A value as code, the way YAML takes it too."""
    return code(json.dumps(example, ensure_ascii=False))


def anchor(heading: str) -> str:
    """The anchor that a heading gets: as on the well-known forges."""
    kept = "".join(each for each in heading.lower() if each.isalnum() or each in " -_")
    return kept.replace(" ", "-")


def _cell(text: str) -> str:
    line = " ".join(text.split()).replace("|", "\\|")
    return line if "`" in line else line.replace("<", "\\<")
