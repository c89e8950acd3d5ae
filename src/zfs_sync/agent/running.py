# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""A job while this host runs it: what it has reached, and why it is to end."""

import threading
from collections.abc import Iterable, Mapping

from zfs_sync.api.work import Claim, Progress, WorkEdge
from zfs_sync.core.names import join
from zfs_sync.engine import progress


def about(claim: Claim) -> Mapping[str, str]:
    """What log records of this job are about."""
    edge = claim.edge
    peer = {"peer": edge.peer.system} if edge.peer else {}
    target = join(edge.to_root, claim.relative)
    return {"group": edge.group, "edge": edge.id, "job": claim.id, "dataset": target, **peer}


class Running:
    """Shared by the worker that moves the bytes and the pulse that tells the witness."""

    def __init__(self, claim: Claim) -> None:
        self.id = claim.id
        self.about = about(claim)
        """What its log records are about."""
        self.epoch = claim.epoch
        self.cancelled = threading.Event()
        self.ended = threading.Event()
        self.lease_lost = False
        """Another claim of this job is in force: nothing that this one reaches counts."""
        self._edge = claim.edge
        self._reached = Progress(epoch=claim.epoch, message="starting")

    def in_force(self, edges: Iterable[WorkEdge]) -> bool:
        """Whether one of the edges in force leads from where to where this job runs, whatever is renamed meanwhile."""
        return any(_ends(edge) == _ends(self._edge) and _same_peer(edge, self._edge) for edge in edges)

    @property
    def reached(self) -> Progress:
        """The latest progress."""
        return self._reached

    def note(self, now: progress.Progress) -> None:
        """Keep the engine's progress; called from its pump, so it only stores."""
        self._reached = Progress(
            epoch=self.epoch,
            step=now.step,
            bytes_done=now.bytes_done,
            bytes_total=now.bytes_total,
            bytes_per_second=now.bytes_per_second,
            message=now.message,
        )

    def lose_lease(self) -> None:
        """End the pipeline: the witness gave the job to another claim, or forgot it."""
        self.lease_lost = True
        self.cancelled.set()


def _ends(edge: WorkEdge) -> tuple[str, str, str, str]:
    return edge.direction, edge.role, edge.from_root, edge.to_root


def _same_peer(now: WorkEdge, before: WorkEdge) -> bool:
    """Whether the other end is the host that it was."""
    if now.peer is None or before.peer is None:
        return now.peer is before.peer
    return before.peer.system in (now.peer.system, *now.peer.formerly)
