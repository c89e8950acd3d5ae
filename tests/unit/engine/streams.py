# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Streams made by hand, record by record: honest ones, and what a host that means harm may send instead."""

import struct
from itertools import pairwise
from typing import Any

from zfs_sync.zfs.records import MAGIC, PACKAGE, PLAIN, RECORD_BYTES


def record(kind: int, body: bytes = b"", payload: int = 0, order: str = "<") -> bytes:
    """One record, padded to its size."""
    return (struct.pack(f"{order}II", kind, payload) + body).ljust(RECORD_BYTES, b"\0")


def begin(base: int, to: int, name: str = "tank/x@s", **other: Any) -> bytes:
    """A BEGIN record; ``other`` may say order, form, payload, features, kind, flags, magic."""
    order = other.get("order", "<")
    version = other.get("form", PLAIN) | other.get("features", 0) << 2
    words = (other.get("magic", MAGIC), version, 1_700_000_000, other.get("kind", 2), other.get("flags", 0), to, base)
    body = struct.pack(f"{order}QQQIIQQ", *words) + name.encode("utf-8")
    return record(0, body, other.get("payload", 0), order)


def end(order: str = "<") -> bytes:
    """An END record."""
    return record(5, order=order)


def write(content: bytes, order: str = "<", *, compression: int = 0, length: int | None = None) -> bytes:
    """A WRITE record and its payload."""
    size = len(content) if length is None else length
    body = struct.pack(f"{order}QIIQQQBBB", 1, 19, 0, 0, size, 0, 0, 0, compression)
    return record(3, body, order=order) + content


def contents(order: str = "<") -> bytes:
    """Records of every kind that a send without flags makes."""
    dnode = record(1, struct.pack(f"{order}QIIII", 1, 20, 17, 512, 5), order=order) + b"bonus\0\0\0"
    spill = record(7, struct.pack(f"{order}QQQ", 1, 512, 0), order=order) + b"s" * 512
    return dnode + write(b"d" * 1000, order) + spill + record(2, order=order) + record(4, order=order)


def plain(base: int, to: int, name: str = "tank/x@s", **other: Any) -> bytes:
    """The stream of one snapshot."""
    order = other.get("order", "<")
    return begin(base, to, name, **other) + contents(order) + end(order)


def package(*guids: int, name: str = "tank/x@head", order: str = "<", **other: Any) -> bytes:
    """What ``send -I`` makes: from the first GUID to the last, a stream for each step."""
    streams = [plain(base, to, f"tank/x@s{to}", order=order) for base, to in pairwise(guids)]
    head = begin(0, 0, name, form=PACKAGE, order=order, **other) + end(order)
    return head + b"".join(streams) + end(order)
