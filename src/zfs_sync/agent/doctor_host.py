# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The doctor's look at the installation: programs, state directory, service, socket, account, forced commands, keys."""

import os
import platform
import shlex
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

from zfs_sync.agent.config import AgentConfig
from zfs_sync.agent.files import read_text
from zfs_sync.agent.findings import Finding, failed, ok
from zfs_sync.agent.install import keys, service
from zfs_sync.agent.install.account import Account
from zfs_sync.agent.install.layout import PEER_USER, Layout
from zfs_sync.zfs.runner import LocalRunner

MOUNTS = Path("/proc/self/mountinfo")
CONNECT_SECONDS = 5.0
LEAST_FREE_BYTES = 64 << 20
REINSTALL = "zfs-sync-agent upgrade"
PACKAGES = {"zfs": "zfsutils-linux", "zpool": "zfsutils-linux", "ssh": "openssh-client", "ssh-keygen": "openssh-client"}
"""What a program comes in, by the names of Debian."""
INSTALLERS = {
    "apt-get": "apt-get install --yes --reinstall",
    "dnf": "dnf install --assumeyes",
    "pkg": "pkg install --yes",
}


def tool_findings() -> Iterator[Finding]:
    """Whether everything that the agent starts is there."""
    missing = [*LocalRunner().missing_tools(), *(name for name in ("ssh", "ssh-keygen") if not shutil.which(name))]
    for name in missing:
        yield failed("tool-missing", f"The program {name} is not installed, or not executable.", _install(name))
    if not missing:
        yield ok("tools", f"zfs, zpool, ssh and ssh-keygen are there; Python is {platform.python_version()}.")


def _install(name: str) -> str:
    command = next((command for tool, command in INSTALLERS.items() if shutil.which(tool)), "")
    return f"{command} {PACKAGES[name]}" if command else ""


def state_findings(config: AgentConfig) -> Iterator[Finding]:
    """Whether the agent can keep what it must not forget."""
    state = config.state
    if not state.is_dir():
        yield failed("state-unwritable", f"{state} does not exist.", REINSTALL)
        return
    figures = os.statvfs(state)
    if figures.f_flag & os.ST_RDONLY or not os.access(state, os.W_OK):
        remedy = f"mount -o remount,rw {shlex.quote(str(_mount_of(state)))}"
        yield failed("state-unwritable", f"{state} cannot be written.", remedy)
        return
    free = figures.f_bavail * figures.f_frsize
    if free >= LEAST_FREE_BYTES:
        yield ok("state", f"{state} can be written and has {free >> 20} MiB of room.")
        return
    where = _mount_of(state)
    yield failed(
        "state-full",
        f"{state} has {free >> 20} MiB of room; the agent wants {LEAST_FREE_BYTES >> 20}.",
        f"du -xah {shlex.quote(str(where))} | sort -h | tail",
        advice=f"Make room in the filesystem of {where}; what takes it says the command.",
    )


def _mount_of(path: Path, mounts: Path = MOUNTS) -> Path:
    """Where the filesystem is mounted that the path is in (proc(5), the fifth field of mountinfo)."""
    fields = (line.split() for line in (read_text(mounts) or "").splitlines())
    points = {Path(words[4].encode().decode("unicode_escape")) for words in fields}
    return next((each for each in (path, *path.parents) if each in points or each.is_mount()), Path("/"))


def service_findings(config: AgentConfig, layout: Layout) -> Iterator[Finding]:
    """Whether the agent is installed and runs, and whether the gate would find it."""
    if not os.access(layout.command, os.X_OK):
        remedy = f"{shlex.quote(str(layout.current / 'zfs-sync-agent.pyz'))} upgrade"
        yield failed("service-missing", f"{layout.command} is missing or not executable.", remedy)
    if service.systemd_runs():
        yield _unit(service.form_of(config))
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as agent:
        agent.settimeout(CONNECT_SECONDS)
        try:
            agent.connect(str(config.gate_socket))
        except OSError as error:
            remedy = f"systemctl restart {' '.join(service.form_of(config).enabled)}"
            yield failed("gate-silent", f"No agent listens at {config.gate_socket}: {error.strerror or error}.", remedy)
        else:
            yield ok("gate", f"The agent listens at {config.gate_socket}.")


def _unit(form: service.Form) -> Finding:
    units = " and ".join(form.enabled)
    enable = f"systemctl enable --now {' '.join(form.enabled)}"
    if not service.is_active(form):
        return failed("service-stopped", f"{units} does not run.", enable)
    if not service.is_enabled(form):
        return failed("service-disabled", f"{units} runs, and would not start at boot.", enable)
    return ok("service", f"{units} runs, and starts at boot.")


def trust_findings(config: AgentConfig, layout: Layout) -> Iterator[Finding]:
    """Whether peers could log in, and this host with them."""
    change = Account(PEER_USER, layout.home).change()
    if change:
        now = (change.before or "missing").strip()
        yield failed("account-wrong", f"User {PEER_USER} is not as it should be: {now}.", REINSTALL)
    yield _ssh_key(config)
    if not config.known_hosts_path.is_file() or not layout.authorized_keys.is_file():
        yield failed(
            "trust-missing",
            "This host was not told yet whom to trust.",
            "ansible-playbook -i INVENTORY zfs_sync.fleet.site",
            where="the controller",
            advice="Without Ansible: zfs-sync-agent trust set < peers.json",
        )
        return
    writable = [path for path in (layout.home, layout.ssh_folder, layout.authorized_keys) if _open(path)]
    for path in writable:
        remedy = f"chown root {path} && chmod go-w {path}"
        yield failed("trust-writable", f"{path} can be written by others than root: sshd refuses it.", remedy)
    if not writable:
        yield ok("trust", f"{layout.authorized_keys} and {config.known_hosts_path} are in place.")


def _open(path: Path) -> bool:
    status = path.stat()
    return status.st_uid != 0 or bool(status.st_mode & 0o022)


def _ssh_key(config: AgentConfig) -> Finding:
    path = config.identity_path
    if not path.is_file() or keys.public_key(path) is None:
        advice = "A key that is made anew has to be told to the peers: run the playbook site, or trust set on each."
        return failed("ssh-key-missing", f"There is no whole ssh key in {path}.", REINSTALL, advice=advice)
    if path.stat().st_mode & 0o077:
        remedy = f"chmod 600 {shlex.quote(str(path))}"
        return failed("ssh-key-open", f"{path} can be read by others than its owner: ssh refuses it.", remedy)
    return ok("ssh-key", f"The ssh key is in {path}.")
