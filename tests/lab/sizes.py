"""Sizes as people write them."""

from __future__ import annotations

import re

from tests.lab.errors import LabError

_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


def size_in_bytes(text: str) -> int:
    """Return the bytes of `512M` and the like; units are powers of 1024."""
    match = re.fullmatch(r"(\d+)([KMG]?)", text.upper())
    if not match:
        raise LabError(f"{text!r} is no size: a number with K, M or G, as in 512M")
    return int(match[1]) * _UNITS[match[2]]
