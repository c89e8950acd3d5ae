# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Tables as CSV (RFC 4180) that a spreadsheet may open: no cell is taken for a formula.

A name that somebody chose may begin with ``=``. Spreadsheets compute what begins with one of a few characters; such a
cell gets an apostrophe before it, which they show as text (OWASP, CSV injection).
"""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def lines(columns: Sequence[str], rows: Iterable[Mapping[str, Any]], *, header: bool) -> str:
    """The rows as text, with a line of the columns' names above if asked for."""
    stream = io.StringIO()
    writer = csv.writer(stream)
    if header:
        writer.writerow(columns)
    writer.writerows([_cell(row[column]) for column in columns] for row in rows)
    return stream.getvalue()


def _cell(value: object) -> str:
    """The text of a cell: lists with spaces between, other structures as JSON."""
    if value is None:
        return ""
    if isinstance(value, list):
        value = " ".join(map(str, value))
    elif isinstance(value, dict):
        value = json.dumps(value, sort_keys=True, ensure_ascii=False)
    text = str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
