# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""From a claim to what the engine runs: both ends of the edge, held against the host's own allow-list."""

from dataclasses import dataclass

from zfs_sync.agent.allow import AllowList
from zfs_sync.agent.storage import Engine
from zfs_sync.api.work import Claim, Peer, WorkEdge
from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.core.jump import parse_jump
from zfs_sync.core.names import check_dataset, join
from zfs_sync.core.numbers import u64
from zfs_sync.core.ownership import Ownership
from zfs_sync.core.properties import check_properties
from zfs_sync.engine.checks import Step
from zfs_sync.engine.feeder import Feeder, LocalFeeder
from zfs_sync.engine.pushing import Push
from zfs_sync.engine.receiving import Job
from zfs_sync.engine.ssh import SshFeeder, SshFiles, SshPeer
from zfs_sync.engine.ssh_push import SshTarget


@dataclass(frozen=True, slots=True)
class Errand:
    """One job for the engine, and where its stream comes from."""

    job: Job
    feeder: Feeder


@dataclass(frozen=True, slots=True)
class PushErrand:
    """One push for the engine, and the peer that it goes to."""

    push: Push
    target: SshTarget


def errand(claim: Claim, engine: Engine, system: str, allow: AllowList, files: SshFiles) -> Errand | PushErrand:
    """What the claim asks of this host, which is called ``system``.

    Raises E_EDGE_UNKNOWN for another host's edge, E_NOT_ALLOWED_HERE.
    """
    edge = claim.edge
    if edge.direction == "push" and edge.from_system != edge.to_system:
        return _push(claim, system, allow, files)
    if edge.to_system != system or edge.role == "from":
        raise ZfsSyncError("E_EDGE_UNKNOWN", f"Edge {edge.id} does not lead to this host, {system}.")
    target = dataset_of(edge, edge.to_root, claim.relative)
    require_receive(edge, target, allow)
    job = job_of(edge, target, _steps(claim), engine)
    return Errand(job, _feeder(claim, engine, system, allow, files))


def job_of(edge: WorkEdge, target: str, steps: tuple[Step, ...], engine: Engine) -> Job:
    """What the engine receives. Raises E_VALIDATION for a property that no host sets."""
    try:
        check_properties(edge.properties)
    except ValueError as error:
        raise ZfsSyncError("E_VALIDATION", f"Edge {edge.id} asks for a property that is never set: {error}.") from error
    ownership = ownership_of(edge, engine, target)
    return Job(edge.id, edge.group, target, steps, edge.selection.rule, ownership, properties=edge.properties)


def require_receive(edge: WorkEdge, target: str, allow: AllowList) -> None:
    """Raise E_NOT_ALLOWED_HERE unless the host allows it; a peer, which needs no mark, has to be sendable too."""
    allow.require("receive", target)
    if edge.peers:
        allow.require("send", target)


def ownership_of(edge: WorkEdge, engine: Engine, target: str) -> Ownership:
    """What admits a target of this host besides its mark.

    That it was a source of the group is not believed of the witness: this host has fed the group from it, or not.
    """
    takeover = edge.takeover and engine.sender.has_fed(target, (edge.group, *edge.formerly))
    return Ownership.of(edge.formerly, peers=edge.peers, takeover=takeover)


def _push(claim: Claim, system: str, allow: AllowList, files: SshFiles) -> PushErrand:
    edge = claim.edge
    if edge.from_system != system or edge.role != "from":
        raise ZfsSyncError("E_EDGE_UNKNOWN", f"Edge {edge.id} is not pushed by this host, {system}.")
    source = dataset_of(edge, edge.from_root, claim.relative)
    allow.require("send", source)
    target = dataset_of(edge, edge.to_root, claim.relative)
    peer = _ssh_peer(edge, edge.to_system)
    push = Push(
        edge.id,
        edge.group,
        source,
        edge.to_system,
        target,
        _steps(claim),
        selection=edge.selection.rule,
        ownership=Ownership.of(edge.formerly, peers=edge.peers, takeover=edge.takeover),  # its host judges again
    )
    return PushErrand(push, SshTarget(peer, files, edge=edge.id, relative=claim.relative))


def _steps(claim: Claim) -> tuple[Step, ...]:
    return tuple(
        Step(u64(step.base_guid) if step.base_guid is not None else None, u64(step.to_guid), step.alone)
        for step in claim.steps
    )


def _feeder(claim: Claim, engine: Engine, system: str, allow: AllowList, files: SshFiles) -> Feeder:
    edge = claim.edge
    if edge.from_system == system:
        source = dataset_of(edge, edge.from_root, claim.relative)
        allow.require("send", source)
        return LocalFeeder(
            engine.sender,
            edge=edge.id,
            group=edge.group,
            to_system=edge.to_system,
            dataset=source,
            selection=edge.selection.rule,
        )
    return SshFeeder(_ssh_peer(edge, edge.from_system), files, edge=edge.id, relative=claim.relative)


def _ssh_peer(edge: WorkEdge, system: str) -> SshPeer:
    if edge.peer is None:
        raise ZfsSyncError("E_PEER_UNKNOWN", f"The witness did not say how {system} is reached.")
    return ssh_peer(edge.peer)


def ssh_peer(peer: Peer) -> SshPeer:
    """A peer as ssh is told of it."""
    jump = None if peer.jump is None else parse_jump(peer.jump)
    return SshPeer(peer.system, peer.host, peer.user, peer.port, jump)


def dataset_of(edge: WorkEdge, root: str, relative: str) -> str:
    """The dataset below one of the edge's roots. Raises E_EDGE_UNKNOWN for what the edge does not cover."""
    if relative and not edge.recursive:
        raise ZfsSyncError("E_EDGE_UNKNOWN", f"Edge {edge.id} covers {root} alone, and nothing below it.")
    if not edge.selection.rule.covers(relative):
        name = relative or root
        raise ZfsSyncError("E_EDGE_UNKNOWN", f"Edge {edge.id} does not cover {name}: group {edge.group} leaves it out.")
    try:
        return check_dataset(join(root, relative))
    except ValueError as error:
        raise ZfsSyncError("E_EDGE_UNKNOWN", f"Edge {edge.id} cannot cover this: {error}.") from error
