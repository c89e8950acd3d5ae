# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""What an agent and the gate of its peer say to each other, and datasets as reports carry them.

A request is one JSON line on standard input. ``list`` and ``estimate`` answer one JSON line; ``send`` answers the raw
stream. ``receive`` is followed by ``source_bytes`` bytes that describe the source as an answer to ``list`` does; it
answers a line that says what to stream, takes the stream on standard input, and answers a line when it has arrived. An
error is one line on standard error: ``zfs-sync-gate: `` and ``{"code", "message", "hint"}``. Everything that
a peer says is checked like everything that a stranger says.
"""

import json
import re
from dataclasses import dataclass, field
from typing import Annotated, Literal

from annotated_types import Ge, Le, Len

from zfs_sync.api.annotations import STRICT, RelativePath, U64Text
from zfs_sync.api.reports import Capabilities as WireCapabilities
from zfs_sync.api.reports import DatasetReport, SnapshotReport
from zfs_sync.api.structure import structure, unstructure
from zfs_sync.core.errors import CATALOGUE, ZfsSyncError
from zfs_sync.core.graph import Snapshot
from zfs_sync.core.numbers import u64, u64_text
from zfs_sync.zfs.capabilities import Capabilities
from zfs_sync.zfs.listing import Dataset

GATE_VERSION = 1
REQUEST_BYTES = 4096
SOURCE_BYTES = 16 * 1024 * 1024
"""The longest description of a dataset: some hundred thousand snapshots, which take ten times that in memory."""
ERROR_PREFIX = "zfs-sync-gate: "
LONGEST_WORDS = 1000

_ERROR_LINE = re.compile(rf"^{re.escape(ERROR_PREFIX)}(\{{.*\}})\s*$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class GateRequest:
    """What a peer asks of this host's gate."""

    __pydantic_config__ = STRICT

    v: Annotated[int, Ge(1)]
    op: Literal["list", "estimate", "send", "receive"]
    edge: Annotated[str, Len(1, 400)]
    relative: RelativePath
    base_guid: U64Text | None = None
    to_guid: U64Text | None = None
    alone: bool = False
    source_bytes: Annotated[int, Ge(1), Le(SOURCE_BYTES)] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiveAnswer:
    """What a peer that receives wants streamed, and in the end what it has."""

    __pydantic_config__ = STRICT

    state: Literal["ready", "done"]
    base_guid: U64Text | None = None
    to_guid: U64Text | None = None
    alone: bool = False
    snapshots: Annotated[int, Ge(0)] = 0
    head_guid: U64Text | None = None
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListAnswer:
    """The dataset as it is now; null where it does not exist."""

    __pydantic_config__ = STRICT

    dataset: DatasetReport | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EstimateAnswer:
    """About how many bytes a send would make; null where the host cannot tell."""

    __pydantic_config__ = STRICT

    bytes: Annotated[int, Ge(0)] | None = None


def request_line(request: GateRequest) -> bytes:
    """A request as it travels; a gate that does not know ``receive`` knows no ``source_bytes``."""
    words = unstructure(request)
    if request.source_bytes is None:
        del words["source_bytes"]
    return json.dumps(words, separators=(",", ":")).encode() + b"\n"


def answer_line(answer: ListAnswer | EstimateAnswer | ReceiveAnswer) -> bytes:
    """An answer as it travels."""
    return json.dumps(unstructure(answer), separators=(",", ":")).encode() + b"\n"


def parse_request(line: bytes) -> GateRequest:
    """A request from a peer. Raises E_VALIDATION, and E_PROTOCOL_UNSUPPORTED for another version."""
    request = structure(GateRequest, _json(line))
    if request.v != GATE_VERSION:
        raise ZfsSyncError("E_PROTOCOL_UNSUPPORTED", f"The peer's gate speaks version {request.v}, not {GATE_VERSION}.")
    if request.op != "list" and request.to_guid is None:
        raise ZfsSyncError("E_VALIDATION", f"A request to {request.op} names the snapshot by to_guid.")
    if request.to_guid is not None and request.base_guid == request.to_guid:
        raise ZfsSyncError("E_VALIDATION", f"A request to {request.op} names two snapshots, not one twice.")
    if (request.op == "receive") != (request.source_bytes is not None):
        raise ZfsSyncError("E_VALIDATION", "A request to receive, and no other, says how the source is described.")
    return request


def parse_receive(line: bytes) -> ReceiveAnswer:
    """An answer to ``receive``. Raises E_VALIDATION."""
    return structure(ReceiveAnswer, _json(line))


def parse_list(line: bytes) -> Dataset | None:
    """The dataset in the answer to ``list``. Raises E_VALIDATION."""
    report = structure(ListAnswer, _json(line)).dataset
    return dataset_of(report) if report else None


def parse_estimate(line: bytes) -> int | None:
    """The bytes in the answer to ``estimate``. Raises E_VALIDATION."""
    return structure(EstimateAnswer, _json(line)).bytes


def _json(line: bytes) -> object:
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:  # the second for ten thousand brackets
        raise ZfsSyncError("E_VALIDATION", "The peer sent a line that is not JSON.") from error


def report_of(dataset: Dataset, creations: dict[str, int] | None = None) -> DatasetReport:
    """A dataset with all its snapshots as a report carries it; ``creations`` by label."""
    known = creations or {}
    return DatasetReport(
        path=dataset.path,
        guid=u64_text(dataset.guid),
        type="volume" if dataset.kind == "volume" else "filesystem",
        used=dataset.used,
        referenced=dataset.referenced,
        written=dataset.written,
        encryption_root=dataset.encryption_root,
        marker=dataset.marker,
        add=[
            SnapshotReport(
                guid=u64_text(each.guid),
                createtxg=u64_text(each.createtxg),
                name=each.name,
                creation=known.get(each.name),
            )
            for each in dataset.snapshots
        ],
    )


def dataset_of(report: DatasetReport) -> Dataset:
    """The dataset that a full report describes."""
    return Dataset(
        path=report.path,
        guid=u64(report.guid),
        kind=report.type,
        used=report.used,
        referenced=report.referenced,
        written=report.written,
        encryption_root=report.encryption_root,
        marker=report.marker,
        snapshots=tuple(Snapshot(u64(each.guid), u64(each.createtxg), each.name) for each in report.add),
    )


def wire_capabilities(capabilities: Capabilities) -> WireCapabilities:
    """What the ZFS of this host can do, as a report carries it."""
    return WireCapabilities(
        zfs_version=capabilities.zfs_version,
        send=sorted(capabilities.send),
        receive=sorted(capabilities.receive),
        parsable_list=capabilities.parsable_list,
        bookmarks=capabilities.bookmarks,
        holds=capabilities.holds,
        resume=capabilities.resume,
        delegation=capabilities.delegation,
    )


def error_line(error: ZfsSyncError) -> bytes:
    """An error as the gate says it."""
    words = {"code": error.code, "message": error.message, "hint": error.hint}
    return f"{ERROR_PREFIX}{json.dumps(words)}\n".encode()


def said_error(said: str, peer: str) -> ZfsSyncError | None:
    """The error that a gate said among its last words; its text is attributed to the peer and kept printable."""
    for line in _ERROR_LINE.findall(said):
        words = _json(line.encode())
        if isinstance(words, dict) and words.get("code") in CATALOGUE:
            hint = _words(words.get("hint"))
            return ZfsSyncError(
                words["code"], f"{peer}: {_words(words.get('message'))}", hint=f"On {peer}: {hint}" if hint else None
            )
    return None


def _words(value: object) -> str:
    return printable(value[:LONGEST_WORDS]) if isinstance(value, str) else ""


def printable(text: str) -> str:
    """The text without what would steer the terminal that shows it."""
    return "".join(each if each.isprintable() else " " for each in text)
