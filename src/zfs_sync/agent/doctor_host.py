# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The doctor's look at the installation: service, socket, account, forced commands, keys."""

import os
import socket
from collections.abc import Iterator

from zfs_sync.agent.config import AgentConfig
from zfs_sync.agent.findings import Finding, failed, ok
from zfs_sync.agent.install import keys, service
from zfs_sync.agent.install.account import Account
from zfs_sync.agent.install.layout import PEER_USER, UNIT, Layout

CONNECT_SECONDS = 5.0
REINSTALL = "zfs-sync-agent upgrade"
START = "systemctl start zfs-sync-agent"


def service_findings(config: AgentConfig, layout: Layout) -> Iterator[Finding]:
    """Whether the agent is installed and runs, and whether the gate would find it."""
    if not os.access(layout.command, os.X_OK):
        yield failed("service", f"{layout.command} is missing or not executable.", REINSTALL)
    if service.systemd_runs():
        yield ok("service", f"{UNIT} runs.") if service.is_active() else failed("service", f"{UNIT} is stopped.", START)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as agent:
        agent.settimeout(CONNECT_SECONDS)
        try:
            agent.connect(str(config.gate_socket))
        except OSError as error:
            yield failed("gate", f"No agent listens at {config.gate_socket}: {error.strerror or error}.", START)
        else:
            yield ok("gate", f"The agent listens at {config.gate_socket}.")


def trust_findings(config: AgentConfig, layout: Layout) -> Iterator[Finding]:
    """Whether peers could log in, and this host with them."""
    change = Account(PEER_USER, layout.home).change()
    if change:
        yield failed("account", f"User {PEER_USER} is not as it should be: {change.before or 'missing'}", REINSTALL)
    if keys.public_key(config.identity_path) is None:
        yield failed("ssh key", f"There is no ssh key in {config.identity_path}.", REINSTALL)
    if not config.known_hosts_path.is_file() or not layout.authorized_keys.is_file():
        yield failed("trust", "This host was not told yet whom to trust.", "zfs-sync-agent trust set < peers.json")
        return
    for path in (layout.home, layout.ssh_folder, layout.authorized_keys):
        status = path.stat()
        if status.st_uid != 0 or status.st_mode & 0o022:
            remedy = f"chown root {path}; chmod go-w {path}"
            yield failed("trust", f"{path} can be written by others than root: sshd refuses it.", remedy)
    yield ok("trust", f"{layout.authorized_keys} and {config.known_hosts_path} are in place.")
