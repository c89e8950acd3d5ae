# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""How many may listen at once: a stream holds no thread, but a connection, and reads the database at each change."""

import threading

from zfs_sync.core.errors import ZfsSyncError


class Seats:
    """Places for listeners."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._taken = 0
        self._lock = threading.Lock()

    def take(self) -> None:
        """Take a place. Raises E_TOO_MANY_LISTENERS where none is free."""
        with self._lock:
            if self._taken >= self._most:
                raise ZfsSyncError(
                    "E_TOO_MANY_LISTENERS", f"{self._taken} listen already, and no more may (event_listeners)."
                )
            self._taken += 1

    def leave(self) -> None:
        """Give a place back."""
        with self._lock:
            self._taken -= 1
