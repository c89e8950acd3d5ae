# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The feeding side of a push as the receiving host sees it: what the peer said of its dataset, and a descriptor.

The receive asks for its stream as it asks any feeder, so that a push is checked, received and verified by the same code
as a pull. What is asked for is told to the peer, which streams exactly that.
"""

import os
from collections.abc import Callable
from typing import IO

from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.zfs.listing import Dataset

Ready = Callable[[int | None, int, bool], None]
"""Tells the peer what to stream: the GUIDs of the base (None for a full stream) and of the last snapshot, and whether
that one is sent alone."""


class HandedSource:
    """A stream that a peer writes. What ends it early is the receive's to notice."""

    def __init__(self, descriptor: int) -> None:
        """Reads a duplicate of ``descriptor``, so that closing the stream leaves the caller's open."""
        self.stream: IO[bytes] = os.fdopen(os.dup(descriptor), "rb", buffering=0)

    def stop(self) -> None:
        """Nothing here can be told to end: the peer notices that nobody reads."""

    def end(self) -> int | None:
        """There is no process."""
        return 0

    def error(self, _status: int | None) -> ZfsSyncError | None:
        """The peer tells its own errors to its own witness."""
        return None


class HandedFeeder:
    """A peer that hands over one stream on ``descriptor``."""

    def __init__(self, source: Dataset | None, descriptor: int, ready: Ready) -> None:
        self._source, self._descriptor, self._ready = source, descriptor, ready

    def dataset(self) -> Dataset | None:
        """The source as the peer described it; the pool refuses a stream that does not fit, whatever was said."""
        return self._source

    def estimate(self, _base_guid: int | None, _to_guid: int, *, alone: bool = False) -> int | None:  # noqa: ARG002
        """The peer knows, and counts."""
        return None

    def send(self, base_guid: int | None, to_guid: int, *, alone: bool = False) -> HandedSource:
        """Ask for the stream."""
        self._ready(base_guid, to_guid, alone)
        return HandedSource(self._descriptor)
