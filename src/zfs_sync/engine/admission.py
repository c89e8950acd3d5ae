# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""What may go into ``zfs receive``: the stream that was asked for, and nothing else that it would obey.

``zfs receive`` runs as root and does what a stream says. A package can carry properties (a mountpoint of the sender's
choice), make datasets below the target, rename and promote what is there; a plain stream can become a clone of any
snapshot of the pool, by its GUID. So each BEGIN is read before the receive sees it: it must say from which snapshot to
which, bring no payload, be no clone, and in a package of intermediate snapshots each stream must go on from where the
one before it ended, in the same dataset. The records between are walked over only where another BEGIN may follow.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.core.names import check_snapshot_label
from zfs_sync.engine.pump import CHUNK, mover
from zfs_sync.zfs.records import CLONE, PACKAGE, PLAIN, RECORD_BYTES, Begin, Feature, Kind, Payloads, begin, byte_order

FEATURES = Feature.SA_SPILL | Feature.LARGE_DNODE | Feature.LONGNAME
"""What the sends of this engine bring about, which are given no flag that adds another."""
DATASETS = (2, 3)
"""Filesystems and volumes."""


@dataclass(frozen=True, slots=True)
class Expected:
    """The stream that was asked for."""

    target: str
    base_guid: int | None
    """None for a full stream."""
    to_guid: int


class _Place(Enum):
    """Where in a stream the next record stands."""

    START = "start"
    HEADER = "header"
    BETWEEN = "between"
    INSIDE = "inside"
    OVER = "over"
    SURE = "sure"
    """In a plain stream, where no other can begin any more: nobody need look."""


class Gatekeeper:
    """Reads a stream as it comes, and lets on what was expected."""

    def __init__(self, expected: Expected) -> None:
        self._expected = expected
        self._reached = expected.base_guid or 0
        self._dataset = b""
        self._place = _Place.START
        self._held = b""
        self._skip = 0

    @property
    def sure(self) -> bool:
        """Whether nothing that follows needs to be looked at."""
        return self._place is _Place.SURE

    def admit(self, chunk: bytes) -> bytes:
        """What may go on now: whole records, and what is there of a payload. Raises E_STREAM_REFUSED."""
        data = self._held + chunk
        at = self._skip
        while not self.sure and len(data) - at >= RECORD_BYTES:
            at += RECORD_BYTES + self._record(data, at)
        if self.sure:
            at = len(data)
        self._skip = max(0, at - len(data))
        self._held = data[at:]
        return data[:at]

    def _record(self, data: bytes, at: int) -> int:
        """Judge the record at this place; the bytes of its payload."""
        if self._place is _Place.START:
            self._start(data[at : at + RECORD_BYTES])
            return 0
        kind = self._payloads.kind(data, at)
        if self._place is _Place.INSIDE:
            return self._within(kind, data, at)
        if kind == Kind.BEGIN and self._place is _Place.BETWEEN and self._reached != self._expected.to_guid:
            self._stream(begin(data[at : at + RECORD_BYTES], self._order))
            self._place = _Place.INSIDE
        elif kind == Kind.END and self._place is not _Place.OVER:
            self._place = _Place.BETWEEN if self._place is _Place.HEADER else _Place.OVER
        else:
            raise self._refusal(f"more follows than was asked for (a record of type {kind})")
        return 0

    def _start(self, record: bytes) -> None:
        order = byte_order(record)
        if order is None:
            raise self._refusal("it is no stream of zfs send")
        self._order, self._payloads = order, Payloads(order)
        first = begin(record, order)
        if first.form == PLAIN:
            self._stream(first)
            if self._reached != self._expected.to_guid:
                raise self._refusal(f"it leads to GUID {self._reached}, not to {self._expected.to_guid}")
            self._place = _Place.SURE
        elif first.form == PACKAGE and self._expected.base_guid is not None:
            self._refuse_any(_common(first))
            self._dataset = first.name.partition(b"@")[0]
            self._place = _Place.HEADER
        else:
            raise self._refusal("it is a package, which may make and change more than one dataset")

    def _within(self, kind: int, data: bytes, at: int) -> int:
        length = self._payloads.length(kind, data, at)
        if length is None:
            raise self._refusal(f"a record of type {kind} is in it that was not asked for")
        if kind == Kind.END:
            self._place = _Place.BETWEEN
        return length

    def _stream(self, found: Begin) -> None:
        """Judge the beginning of one snapshot's stream, and note where it leads."""
        self._refuse_any(_common(found))
        self._refuse_any(_own(found))
        if found.from_guid != self._reached:
            wanted = f"from GUID {self._reached}" if self._reached else "a full one"
            raise self._refusal(f"it goes on from GUID {found.from_guid}, and not {wanted}")
        dataset, _, label = found.name.partition(b"@")
        if self._dataset and dataset != self._dataset:
            raise self._refusal(f"it is of {_shown(dataset)}, and the package of {_shown(self._dataset)}")
        try:
            check_snapshot_label(label.decode("ascii"))
        except ValueError as error:
            raise self._refusal(f"its snapshot cannot have this name: {_shown(label)}") from error
        self._reached = found.to_guid

    def _refuse_any(self, faults: Iterator[str]) -> None:
        if (fault := next(faults, None)) is not None:
            raise self._refusal(fault)

    def _refusal(self, why: str) -> ZfsSyncError:
        target = self._expected.target
        return ZfsSyncError("E_STREAM_REFUSED", f"The stream for {target} is not what was asked for: {why}.")


def _common(found: Begin) -> Iterator[str]:
    """What neither a stream nor a package of streams may have."""
    if found.payload:
        yield "it brings properties, or goes on from the middle of a snapshot"
    if unknown := found.features & ~FEATURES:
        yield f"it makes use of features that were not asked for ({unknown:#x})"


def _own(found: Begin) -> Iterator[str]:
    """What a stream of one snapshot may not have."""
    if found.form != PLAIN:
        yield "it is a package within a package"
    if found.flags & CLONE:
        yield f"it would become a clone of the snapshot with GUID {found.from_guid}"
    if found.kind not in DATASETS:
        yield f"it is of neither a filesystem nor a volume (type {found.kind})"


def _shown(name: bytes) -> str:
    return ascii(name.decode("ascii", errors="replace"))[:80]


class Admitted:
    """Moves a stream into a receive, past its gatekeeper; as ``engine.pump`` moves things."""

    def __init__(self, source: int, sink: int, expected: Expected) -> None:
        self._source, self._sink = source, sink
        self._keeper = Gatekeeper(expected)
        self._flow = mover(source, sink)
        self._pending = memoryview(b"")

    def move(self) -> int:
        """Move what was admitted, or all that comes once that is sure. Raises E_STREAM_REFUSED, BlockingIOError."""
        while not self._pending:
            if self._keeper.sure:
                return self._flow.move()
            chunk = os.read(self._source, CHUNK)
            if not chunk:
                return 0
            self._pending = memoryview(self._keeper.admit(chunk))
        written = os.write(self._sink, self._pending)
        self._pending = self._pending[written:]
        return written

    def waits_for_sink(self) -> bool:
        """The sink, where something is pending."""
        return bool(self._pending) or self._flow.waits_for_sink()
