# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The doctor's look at the peers of this host's edges: asks each gate for a list, as a job would."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from zfs_sync.agent.config import AgentConfig
from zfs_sync.agent.findings import Finding, failed, ok, warning
from zfs_sync.agent.install.layout import Layout
from zfs_sync.agent.trust import trusted_keys
from zfs_sync.agent.work_cache import WorkCache
from zfs_sync.api.work import WorkEdge
from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.engine.ssh import SshFeeder, SshFiles, SshPeer


def peer_findings(config: AgentConfig, layout: Layout) -> Iterator[Finding]:
    """A finding for each edge with another host."""
    work = WorkCache(config.state, config.system).work
    if work is None:
        yield warning("peers", "The witness has not yet said which edges this host is part of.")
        return
    trusted = trusted_keys(layout)
    for edge in work.edges:
        if edge.role == "from" and edge.to_system not in trusted:
            remedy = "zfs-sync-agent trust set < peers.json"
            yield failed("peers", f"{edge.to_system} is to fetch {edge.from_root} and may not log in here.", remedy)
        if edge.role == "to" and edge.peer is not None:
            yield _ask(config, edge)


def _ask(config: AgentConfig, edge: WorkEdge) -> Finding:
    if edge.peer is None:
        raise ValueError("an edge with another host has a peer")
    peer = SshPeer(edge.peer.system, edge.peer.host, edge.peer.user, edge.peer.port)
    with TemporaryDirectory() as control:
        files = SshFiles(config.identity_path, config.known_hosts_path, Path(control))
        try:
            found = SshFeeder(peer, files, edge=edge.id, relative="").dataset()
        except ZfsSyncError as error:
            return failed("peers", f"{error.code}: {error.message}", error.hint)
    if found is None:
        return warning("peers", f"{peer.system} answers, and has no dataset {edge.from_root}.")
    return ok("peers", f"{peer.system} answers: {edge.from_root} has {len(found.snapshots)} snapshots.")
