# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""From a claim to what the engine runs: both ends of the edge, held against the host's own allow-list."""

from dataclasses import dataclass

from zfs_sync.agent.allow import AllowList
from zfs_sync.agent.config import AgentConfig
from zfs_sync.agent.storage import Engine
from zfs_sync.api.work import Claim, JobStep, WorkEdge
from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.core.names import check_dataset, join
from zfs_sync.core.numbers import u64
from zfs_sync.engine.checks import Step
from zfs_sync.engine.feeder import Feeder, LocalFeeder
from zfs_sync.engine.receiving import Job
from zfs_sync.engine.ssh import SshFeeder, SshFiles, SshPeer


@dataclass(frozen=True, slots=True)
class Errand:
    """One job for the engine, and where its stream comes from."""

    job: Job
    feeder: Feeder


def errand(claim: Claim, engine: Engine, config: AgentConfig, allow: AllowList, files: SshFiles) -> Errand:
    """What the claim asks of this host. Raises E_EDGE_UNKNOWN for another host's edge, E_NOT_ALLOWED_HERE."""
    edge = claim.edge
    if edge.to_system != config.system or edge.role == "from":
        raise ZfsSyncError("E_EDGE_UNKNOWN", f"Edge {edge.id} does not lead to this host, {config.system}.")
    target = dataset_of(edge, edge.to_root, claim.relative)
    allow.require("receive", target)
    job = Job(edge.id, edge.group, target, tuple(_step(each) for each in claim.steps), edge.selection.rule)
    return Errand(job, _feeder(claim, engine, config, allow, files))


def _step(step: JobStep) -> Step:
    return Step(u64(step.base_guid) if step.base_guid is not None else None, u64(step.to_guid), step.alone)


def _feeder(claim: Claim, engine: Engine, config: AgentConfig, allow: AllowList, files: SshFiles) -> Feeder:
    edge = claim.edge
    if edge.from_system == config.system:
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
    if edge.peer is None:
        raise ZfsSyncError("E_PEER_UNKNOWN", f"The witness did not say how {edge.from_system} is reached.")
    peer = SshPeer(edge.peer.system, edge.peer.host, edge.peer.user, edge.peer.port)
    return SshFeeder(peer, files, edge=edge.id, relative=claim.relative)


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
