"""Joining a lab's network namespace from Python. os.setns came with Python 3.12; until then libc has it."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self, TypeVar

from tests.lab.errors import LabError
from tests.lab.network import NAMESPACES

_CLONE_NEWNET = 0x40000000
_OWN = "/proc/thread-self/ns/net"
T = TypeVar("T")


class Entered:
    """The calling thread in a network namespace, from now on; as a context manager only until its end.

    A namespace is a thing of threads: the caller, and threads and processes that it starts from now on, are inside;
    other threads are not. A socket stays in the namespace in which it was made.
    """

    def __init__(self, namespace: str) -> None:
        self._before = os.open(_OWN, os.O_RDONLY | os.O_CLOEXEC)
        target = os.open(NAMESPACES / namespace, os.O_RDONLY | os.O_CLOEXEC)
        try:
            _join(target)
        finally:
            os.close(target)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.leave()

    def leave(self) -> None:
        """Go back to where the thread was. Once is enough; a second time does nothing."""
        if self._before >= 0:
            _join(self._before)
            os.close(self._before)
            self._before = -1


def call_inside(namespace: str, function: Callable[[], T]) -> T:
    """Return what `function` returns in `namespace`, without the caller leaving its own: a thread of its own goes."""

    def visit() -> T:
        with Entered(namespace):
            return function()

    with ThreadPoolExecutor(max_workers=1) as visitor:
        return visitor.submit(visit).result()


def _join(descriptor: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(descriptor, _CLONE_NEWNET):
        raise LabError(f"cannot join a network namespace: {os.strerror(ctypes.get_errno())}")
