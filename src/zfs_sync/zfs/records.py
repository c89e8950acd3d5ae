# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The records of a send stream, as far as they say what a receive would make of it.

A stream is a sequence of records of 312 bytes (``dmu_replay_record_t``, OpenZFS ``include/sys/zfs_ioctl.h``), some with
a payload behind them. A plain stream is BEGIN ... END. A package (``send -I``, ``-R``, ``-p``) is BEGIN with what is to
be done to which datasets as its payload, END, then a plain stream per snapshot, and END. Layouts are those of pool
version 23 (zfs-fuse) and of OpenZFS, which agree in what is read here.
"""

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

RECORD_BYTES = 312
BODY = 8
"""Where a record's own fields begin, behind its type and the length of BEGIN's payload."""
MAGIC = 0x2F5BACBAC
PLAIN, PACKAGE = 1, 2
CLONE = 1 << 0
"""The flag of a stream that becomes a clone of whatever snapshot has its ``from_guid``, wherever that lies."""

_BEGIN = "II QQQII QQ 256s"
_NAME = slice(BODY + 48, RECORD_BYTES)
ByteOrder = Literal["<", ">"]


class Kind(IntEnum):
    """The types of records that are known here."""

    BEGIN = 0
    OBJECT = 1
    FREEOBJECTS = 2
    WRITE = 3
    FREE = 4
    END = 5
    SPILL = 7


class Feature(IntEnum):
    """Features of a stream (DMU_BACKUP_FEATURE_*) that a send without flags makes use of by itself."""

    SA_SPILL = 1 << 2
    LARGE_DNODE = 1 << 23
    LONGNAME = 1 << 28


@dataclass(frozen=True, slots=True)
class Begin:
    """A BEGIN record."""

    form: int
    """PLAIN or PACKAGE."""
    payload: int
    """The bytes behind it: properties, holds and renames of a package; where a raw or resumed stream goes on."""
    features: int
    kind: int
    """The type of the dataset: 2 a filesystem, 3 a volume."""
    flags: int
    to_guid: int
    from_guid: int
    name: bytes
    """DATASET@SNAPSHOT at the source."""


def byte_order(record: bytes) -> ByteOrder | None:
    """The byte order of the host that made this first record; None where it begins no stream."""
    for order in ("<", ">"):
        kind, _, magic = struct.unpack_from(f"{order}IIQ", record)
        if (kind, magic) == (Kind.BEGIN, MAGIC):
            return order
    return None


def begin(record: bytes, order: ByteOrder) -> Begin:
    """What a BEGIN record says."""
    _, payload, _, version, _, kind, flags, to_guid, from_guid, name = struct.unpack(f"{order}{_BEGIN}", record)
    return Begin(version & 3, payload, version >> 2, kind, flags, to_guid, from_guid, name.split(b"\0", 1)[0])


class Payloads:
    """How long the payloads of records inside a plain stream are."""

    def __init__(self, order: ByteOrder) -> None:
        self._head = struct.Struct(f"{order}I")
        self._word = struct.Struct(f"{order}I")
        self._long = struct.Struct(f"{order}Q")

    def kind(self, data: bytes, at: int) -> int:
        """The type of the record at this place."""
        found: int = self._head.unpack_from(data, at)[0]
        return found

    def length(self, kind: int, data: bytes, at: int) -> int | None:
        """The bytes behind the record; None for a record that a send without flags does not make.

        A compressed write or a raw object has two lengths, and which of them counts depends on who reads it.
        """
        body = at + BODY
        if kind == Kind.WRITE and not data[body + 42]:
            length: int = self._long.unpack_from(data, body + 24)[0]
            return length
        if kind in (Kind.FREE, Kind.FREEOBJECTS, Kind.END):
            return 0
        if kind == Kind.OBJECT and not self._word.unpack_from(data, body + 28)[0]:
            bonus: int = self._word.unpack_from(data, body + 20)[0]
            return bonus + -bonus % 8
        if kind == Kind.SPILL and not data[body + 25]:
            spilled: int = self._long.unpack_from(data, body + 8)[0]
            return spilled
        return None
