# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Notices that nobody listens any more: a send that waits for its disk would not notice for long."""

import select
import threading
from collections.abc import Callable, Sequence
from typing import Self

TICK_MILLISECONDS = 200
GONE = select.POLLERR | select.POLLHUP | select.POLLNVAL


class HangUp:
    """Watches descriptors while a send runs: ``with HangUp(...) as hang_up:``; sets ``happened``."""

    def __init__(self, descriptors: Sequence[int], over: Callable[[], bool]) -> None:
        """``over`` counts as a hang-up too: the agent ends, or the peer may not have this any more."""
        self.happened = threading.Event()
        self._withdrawn = over
        self._over = threading.Event()
        self._poll = select.poll()
        for descriptor in descriptors:
            self._poll.register(descriptor, 0)
        self._thread = threading.Thread(target=self._watch, name="hang-up", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.is_set():
            gone = any(event & GONE for _, event in self._poll.poll(TICK_MILLISECONDS))
            if gone or self._withdrawn():
                self.happened.set()
                return
