# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Where a receive gets its stream from: this host (a local pair), or the gate of a peer (``zfs_sync.engine.ssh``)."""

from typing import IO, Protocol

from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.core.selection import EVERYTHING, Selection
from zfs_sync.engine.sending import Sender, Sending, Stream
from zfs_sync.zfs.listing import Dataset


class Source(Protocol):
    """Something that sends a stream."""

    @property
    def stream(self) -> IO[bytes]:
        """The stream; whoever reads it closes it."""
        ...

    def stop(self) -> None:
        """Ask it to end: nobody reads any more."""
        ...

    def end(self) -> int | None:
        """Wait for its end, force it after a while; its exit status."""
        ...

    def error(self, status: int | None) -> ZfsSyncError | None:
        """What went wrong, for its exit status (None: it did not end); None where nothing did."""
        ...


class Feeder(Protocol):
    """The feeding side of one dataset of an edge."""

    def dataset(self) -> Dataset | None:
        """The source as it is now; None where it does not exist."""
        ...

    def estimate(self, base_guid: int | None, to_guid: int, *, alone: bool = False) -> int | None:
        """About how many bytes a stream has; None where nobody can tell."""
        ...

    def send(self, base_guid: int | None, to_guid: int, *, alone: bool = False) -> Source:
        """Start a stream; ``alone`` leaves out what lies between the two."""
        ...


class LocalFeeder:
    """The source is a dataset of this host: no ssh in between."""

    def __init__(
        self,
        sender: Sender,
        *,
        edge: str,
        group: str,
        to_system: str,
        dataset: str,
        selection: Selection = EVERYTHING,
    ) -> None:
        self._sender = sender
        self._edge, self._group, self._to_system, self._dataset = edge, group, to_system, dataset
        self._selection = selection

    def dataset(self) -> Dataset | None:
        """The source as it is now; None where it does not exist."""
        return self._sender.dataset(self._dataset)

    def estimate(self, base_guid: int | None, to_guid: int, *, alone: bool = False) -> int | None:
        """About how many bytes a stream has."""
        return self._sender.estimate(self._stream(base_guid, to_guid, alone))

    def send(self, base_guid: int | None, to_guid: int, *, alone: bool = False) -> Sending:
        """Start a stream."""
        return self._sender.start(self._stream(base_guid, to_guid, alone))

    def _stream(self, base_guid: int | None, to_guid: int, alone: bool) -> Stream:
        place = (self._edge, self._group, self._to_system, self._dataset)
        return Stream(*place, base_guid, to_guid, alone, self._selection)
