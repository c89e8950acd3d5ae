# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""How much of the gate one peer may take: never more than it leaves free, so that there is always room for another.

A peer alone gets half, the next one half of what is left, and so on: a peer that opens connections without end, or
reads its streams a byte a minute, keeps nobody else waiting.
"""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from zfs_sync.core.errors import ZfsSyncError


class Shares:
    """Counts who is at the gate."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._taken: Counter[str] = Counter()
        self._lock = threading.Lock()

    @contextmanager
    def place(self, peer: str) -> Iterator[None]:
        """A place for this peer while it is served. Raises E_GATE_FULL."""
        with self._lock:
            mine, free = self._taken[peer], self._most - self._taken.total()
            if mine >= free:
                raise ZfsSyncError(
                    "E_GATE_FULL", f"{mine} connections of this peer are open here, and {free} are left."
                )
            self._taken[peer] += 1
        try:
            yield
        finally:
            with self._lock:
                self._taken[peer] -= 1
                if not self._taken[peer]:
                    del self._taken[peer]
