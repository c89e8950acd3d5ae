# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""What a peer may have: its request held against the edges in force, and against the host's own allow-list."""

import os
import select
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from zfs_sync.agent.allow import AllowList
from zfs_sync.agent.errands import dataset_of, job_of, require_receive
from zfs_sync.agent.storage import Engine
from zfs_sync.api.work import Work, WorkEdge
from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.core.names import check_system_name
from zfs_sync.core.numbers import u64
from zfs_sync.engine.checks import Step
from zfs_sync.engine.receiving import Job
from zfs_sync.engine.sending import Stream
from zfs_sync.engine.wire import REQUEST_BYTES, GateRequest

REQUEST_SECONDS = 20.0
SERVED = {"pull": ("list", "estimate", "send"), "push": ("list", "receive")}
"""What may be asked along an edge, by its direction: each host runs its own zfs, and the other one asks for it."""


@dataclass(frozen=True, slots=True)
class Granted:
    """A request that may be served, and the dataset that it is about."""

    request: GateRequest
    edge: WorkEdge
    dataset: str

    def stream(self) -> Stream:
        """What to send. Raises E_VALIDATION where the request names no snapshot."""
        if self.request.to_guid is None:
            raise ZfsSyncError("E_VALIDATION", f"A request to {self.request.op} names the snapshot by to_guid.")
        base = self.request.base_guid
        return Stream(
            self.edge.id,
            self.edge.group,
            self.edge.to_system,
            self.dataset,
            u64(base) if base is not None else None,
            u64(self.request.to_guid),
            self.request.alone,
            self.edge.selection.rule,
        )

    def job(self, engine: Engine) -> Job:
        """What to receive. Raises E_VALIDATION where no snapshot is named, or the edge sets what no host sets."""
        wanted = self.stream()
        step = Step(wanted.base_guid, wanted.to_guid, wanted.alone)
        return job_of(self.edge, self.dataset, (step,), engine)


def read_line(
    descriptor: int, *, seconds: float = REQUEST_SECONDS, clock: Callable[[], float] = time.monotonic
) -> bytes:
    """The first line, byte by byte: what follows is not ours. Raises E_VALIDATION when it is too long or too late."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    deadline = clock() + seconds
    line = bytearray()
    while len(line) <= REQUEST_BYTES:
        if not poll.poll(max(0.0, deadline - clock()) * 1000):
            raise ZfsSyncError("E_VALIDATION", f"The peer sent no request within {seconds:g} s.")
        byte = os.read(descriptor, 1)
        if byte in (b"\n", b""):
            return bytes(line)
        line += byte
    raise ZfsSyncError("E_VALIDATION", f"The request is longer than {REQUEST_BYTES} bytes.")


def grant(peer: str, request: GateRequest, work: Work | None, allow: AllowList) -> Granted:
    """What ``peer`` asks for, if it may have it.

    Raises E_PEER_UNKNOWN for a host that runs no edge with this one, E_EDGE_UNKNOWN for another edge and for what is
    not asked for in its direction, E_NOT_ALLOWED_HERE for a dataset outside the allow-list.
    """
    edges = [edge for edge in (work.edges if work else ()) if _run_by(edge, peer, work.system if work else "")]
    if not edges:
        raise ZfsSyncError("E_PEER_UNKNOWN", f"No sync group has an edge that {shown(peer)} runs with this host.")
    edge = next((each for each in edges if each.id == request.edge), None)
    if edge is None:
        raise ZfsSyncError("E_EDGE_UNKNOWN", f"{shown(peer)} asks for an edge that it does not run with this host.")
    if request.op not in SERVED[edge.direction]:
        raise ZfsSyncError("E_EDGE_UNKNOWN", f"Edge {edge.id} is a {edge.direction}: nobody may {request.op} along it.")
    dataset = dataset_of(edge, edge.to_root if edge.direction == "push" else edge.from_root, request.relative)
    if edge.direction == "push":
        require_receive(edge, dataset, allow)
    else:
        allow.require("send", dataset)
    return Granted(request, edge, dataset)


def still_granted(peer: str, before: Granted, work: Work | None, allow: AllowList) -> bool:
    """Whether what ``peer`` was given may go on: the same dataset along an edge that leads from where to where it led.

    Its name may be another by then: a group or a system that is renamed ends nothing.
    """
    for edge in work.edges if work else ():
        if _roots(edge) == _roots(before.edge):
            try:
                now = grant(peer, replace(before.request, edge=edge.id), work, allow)
            except ZfsSyncError:
                continue
            return now.dataset == before.dataset
    return False


def _roots(edge: WorkEdge) -> tuple[str, str, str]:
    return edge.direction, edge.from_root, edge.to_root


def _run_by(edge: WorkEdge, peer: str, system: str) -> bool:
    """Whether the edge is between ``system``, this host, and ``peer``, whose agent runs its jobs."""
    if edge.direction == "push":
        return edge.role == "to" and edge.to_system == system and _is(edge, edge.from_system, peer)
    return edge.role == "from" and edge.from_system == system and _is(edge, edge.to_system, peer)


def _is(edge: WorkEdge, system: str, peer: str) -> bool:
    """Whether the other end of the edge is the host that the administrator trusts as ``peer``: it may be renamed."""
    return peer == system or (edge.peer is not None and edge.peer.system == system and peer in edge.peer.formerly)


def shown(peer: str) -> str:
    """A peer's name as it may stand in a message. Raises E_PEER_UNKNOWN where it is no name."""
    try:
        return check_system_name(peer)
    except ValueError as error:
        raise ZfsSyncError(
            "E_PEER_UNKNOWN", f"The gate was started for a peer that has no proper name: {error}."
        ) from error
