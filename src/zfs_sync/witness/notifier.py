# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Wake-ups inside the process for the agents' long poll.

A waiter is a future on the event loop, so a thousand of them hold no thread. A system has a generation that every
wake-up raises: who reads the generation, then the database, then waits for a later generation, misses nothing.
"""

import asyncio
import threading
from collections.abc import Iterable

COMMITS = ""
"""What names no system: woken with every commit of the database, for those who follow it."""
_Waiter = tuple[asyncio.AbstractEventLoop, "asyncio.Future[None]"]


class Notifier:
    """Wakes the long polls of systems from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._generations: dict[str, int] = {}
        self._waiters: dict[str, set[_Waiter]] = {}
        self._closed = False

    def generation(self, system: str) -> int:
        """How often this system was woken. Read it before the database, and give it to ``wait``."""
        with self._lock:
            return self._generations.get(system, 0)

    def wake(self, systems: Iterable[str]) -> None:
        """Wake whoever waits for one of these systems. Callable from any thread; call it after the commit."""
        found: set[_Waiter] = set()
        with self._lock:
            for system in systems:
                self._generations[system] = self._generations.get(system, 0) + 1
                found |= self._waiters.pop(system, set())
        _release(found)

    async def wait(self, system: str, timeout: float, since: int | None = None) -> bool:  # noqa: ASYNC109
        """True once ``system`` is woken after generation ``since`` (default now), False after ``timeout`` seconds."""
        waiter = self._register(system, since)
        if waiter is None:
            return not self._closed
        try:
            async with asyncio.timeout(timeout):
                await waiter[1]
        except TimeoutError:
            return False
        finally:
            self._forget(system, waiter)
        return not self._closed

    @property
    def closed(self) -> bool:
        """Whether the process ends."""
        return self._closed

    def close(self) -> None:
        """Let every waiter go at once and hold nobody from now on: the process ends."""
        with self._lock:
            self._closed = True
            found = set().union(*self._waiters.values())
            self._waiters.clear()
        _release(found)

    def _register(self, system: str, since: int | None) -> _Waiter | None:
        loop = asyncio.get_running_loop()
        with self._lock:
            now = self._generations.get(system, 0)
            if self._closed or (since is not None and since != now):
                return None
            waiter = (loop, loop.create_future())
            self._waiters.setdefault(system, set()).add(waiter)
            return waiter

    def _forget(self, system: str, waiter: _Waiter) -> None:
        with self._lock:
            waiters = self._waiters.get(system)
            if waiters is not None:
                waiters.discard(waiter)
                if not waiters:
                    del self._waiters[system]


def _release(waiters: Iterable[_Waiter]) -> None:
    for loop, future in waiters:
        if not loop.is_closed():
            loop.call_soon_threadsafe(_resolve, future)


def _resolve(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)
