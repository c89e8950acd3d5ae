# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Places in a list that is ordered by several values, as one word of an address: where the next page begins.

A place is what the last entry was ordered by, and not its number, so that a page holds what it should while the list
changes.
"""

import base64
import binascii
import json
from typing import Any

from zfs_sync.core.errors import Fault, ZfsSyncError, pointer


def encode(*values: str | int) -> str:
    """The place behind the entry with these values."""
    text = json.dumps(values, separators=(",", ":"), ensure_ascii=False)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode(text: str | None, *types: type) -> tuple[Any, ...] | None:
    """The values of a place, None for the beginning. Raises E_VALIDATION for what no page gave."""
    if text is None:
        return None
    try:
        values = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError):
        values = None
    if not isinstance(values, list) or [type(each) for each in values] != list(types):
        fault = Fault(pointer("query", "after"), "this is not what a page gave as next")
        raise ZfsSyncError("E_VALIDATION", "The request has faults.", faults=[fault])
    return tuple(values)
