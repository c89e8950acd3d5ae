# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The doctor's look at the peers of this host's edges: asks each gate for a list, as a job would."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from zfs_sync.agent.config import AgentConfig
from zfs_sync.agent.errands import ssh_peer
from zfs_sync.agent.findings import Finding, failed, ok, warning
from zfs_sync.agent.install import keys
from zfs_sync.agent.install.layout import Layout
from zfs_sync.agent.install.service import SOCKET
from zfs_sync.agent.known_hosts import host_pattern
from zfs_sync.agent.offered_keys import fingerprint, offered_keys
from zfs_sync.agent.trust import believed_keys, trusted_keys
from zfs_sync.agent.work_cache import WorkCache
from zfs_sync.api.work import Peer, WorkEdge
from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.engine.ssh import SshFeeder, SshFiles

SITE = "ansible-playbook -i INVENTORY zfs_sync.fleet.site"
AT_THE_PEER = {
    "E_PEER_UNREACHABLE": ("peer-unreachable", "systemctl start ssh"),
    "E_AGENT_NOT_RUNNING": ("peer-agent-stopped", "systemctl start zfs-sync-agent"),
    "E_PEER_UNKNOWN": ("peer-edge-unknown", "zfs-sync-agent doctor"),
    "E_EDGE_UNKNOWN": ("peer-edge-unknown", "zfs-sync-agent doctor"),
}
"""What is to be typed there, by the code that asking it came to."""

_NO_NAME = re.compile(r"could not resolve", re.IGNORECASE)
_REFUSED = re.compile(r"permission denied", re.IGNORECASE)


def peer_findings(config: AgentConfig, layout: Layout) -> Iterator[Finding]:
    """A finding for each edge with another host."""
    work = WorkCache(config.state, config.system).work
    if work is None:
        advice = "It does so once this host is enrolled and its agent runs."
        yield warning("edges-unknown", "The witness has not yet said which edges this host is part of.", advice=advice)
        return
    trusted = trusted_keys(layout)
    for edge in work.edges:
        if edge.peer is None:
            continue
        if _logs_in(edge):
            yield _ask(config, edge, edge.peer)
        elif edge.peer.system not in trusted:
            yield _not_trusted(edge, edge.peer)


def _logs_in(edge: WorkEdge) -> bool:
    """Whether this host logs in to the other one: the target's pulls, the source's pushes."""
    return edge.role == ("from" if edge.direction == "push" else "to")


def _not_trusted(edge: WorkEdge, peer: Peer) -> Finding:
    what = f"push into {edge.to_root}" if edge.direction == "push" else f"fetch {edge.from_root}"
    advice = f"Without Ansible: zfs-sync-agent doctor on {peer.system} prints the command for this host."
    message = f"{peer.system} is to {what} and may not log in here."
    return failed("peer-not-trusted", message, SITE, where="the controller", advice=advice)


def _ask(config: AgentConfig, edge: WorkEdge, peer: Peer) -> Finding:
    with TemporaryDirectory() as control:
        files = SshFiles(config.identity_path, config.known_hosts_path, Path(control))
        reached = ssh_peer(peer)
        try:
            found = SshFeeder(reached, files, edge=edge.id, relative="").dataset()
        except ZfsSyncError as error:
            return _trouble(config, edge, peer, error)
    theirs = edge.to_root if edge.direction == "push" else edge.from_root
    if found is not None:
        return ok("peer", f"{peer.system} answers: {theirs} has {len(found.snapshots)} snapshots.")
    if edge.direction == "push":
        return ok("peer", f"{peer.system} answers: {theirs} does not exist yet, the first push makes it.")
    remedy = f"zfs create -p {shlex.quote(theirs)}"
    return warning(
        "peer-dataset-missing", f"{peer.system} answers, and has no dataset {theirs}.", remedy, where=peer.system
    )


def _trouble(config: AgentConfig, edge: WorkEdge, peer: Peer, error: ZfsSyncError) -> Finding:
    message = f"{error.code}: {error.message}"
    if error.code == "E_HOST_KEY_UNKNOWN":
        return _host_key(config, peer) if peer.jump is None else _host_key_behind(message)
    if error.code == "E_SSH" and _REFUSED.search(error.message):
        return _login_refused(config, peer, message)
    if error.code == "E_NOT_ALLOWED_HERE":
        needed = (edge.to_root, "receive") if edge.direction == "push" else (edge.from_root, "send")
        remedy = f"zfs-sync-agent allow {shlex.quote(needed[0])} {needed[1]}"
        return failed("peer-not-allowed", message, remedy, where=peer.system, advice=error.hint)
    if error.code == "E_PEER_UNREACHABLE" and _NO_NAME.search(error.message):
        advice = f"Or give systems.{peer.system}.ssh.host in the fleet document an address that every peer knows."
        return failed("peer-name", message, f"echo 'ADDRESS {peer.host}' >> /etc/hosts", advice=advice)
    name, remedy = AT_THE_PEER.get(error.code, ("peer-failed", ""))
    if name == "peer-agent-stopped" and SOCKET in error.hint:
        remedy = f"systemctl start {SOCKET}"
    return failed(name, message, remedy, where=peer.system if remedy else "", advice=error.hint)


def _host_key(config: AgentConfig, peer: Peer) -> Finding:
    """Both fingerprints, and how to trust what is offered, once somebody has compared it."""
    trusted = believed_keys(config).get(host_pattern(peer.host, peer.port), [])
    offered = offered_keys(peer.host, peer.port)
    what = "unknown" if not trusted else "not the one that is trusted"
    message = (
        f"The host key of {peer.system} ({peer.host}:{peer.port}) is {what}:"
        f" offered {_fingerprints(offered)}; trusted {_fingerprints(trusted)}."
    )
    name = "peer-host-key-changed" if trusted else "peer-host-key-unknown"
    if not offered:
        return failed(name, message, SITE, where="the controller")
    document = {"peers": [{"name": peer.system, "host": peer.host, "port": peer.port, "host_keys": offered}]}
    advice = (
        f"Only if zfs-sync-agent trust show on {peer.system} itself says the same: else it is another machine."
        " Or run the playbook site, which reads the key over its own connection."
    )
    return failed(name, message, f"echo {shlex.quote(json.dumps(document))} | zfs-sync-agent trust add", advice=advice)


def _host_key_behind(message: str) -> Finding:
    """A key on a way with a host in between: whoever asks from here alone may hear another machine."""
    name = "peer-host-key-unknown" if message.endswith("trusted none.") else "peer-host-key-changed"
    return failed(name, message, SITE, where="the controller")


def _fingerprints(found: list[str]) -> str:
    return ", ".join(fingerprint(each) for each in found) or "none"


def _login_refused(config: AgentConfig, peer: Peer, message: str) -> Finding:
    document = {"peers": [{"name": config.system, "public_key": keys.public_key(config.identity_path)}]}
    remedy = f"echo {shlex.quote(json.dumps(document))} | zfs-sync-agent trust add"
    return failed("peer-login-refused", message, remedy, where=peer.system, advice="Or run the playbook site.")
