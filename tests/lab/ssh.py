"""The way into the hosts: one key of the controller, one host key per host, and real checking of host keys.

Commands in a host go through sshd and not through nsenter, which would lend them the controller's capabilities: `date
-s` would set the clock of the machine. The hosts do not trust each other; that is for what is tested to establish.
"""

from __future__ import annotations

import shlex
import socket
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.lab.errors import CommandError
from tests.lab.names import HostPaths, LabPaths
from tests.lab.namespaces import call_inside
from tests.lab.network import Network
from tests.lab.process import run, wait_until

_CONFIG = """\
Host *
    User root
    IdentityFile "{key}"
    IdentitiesOnly yes
    UserKnownHostsFile "{known_hosts}"
    GlobalKnownHostsFile /dev/null
    StrictHostKeyChecking yes
    ControlMaster auto
    ControlPath "{runtime}/%C"
    ControlPersist 10m
    ConnectTimeout 5
    ServerAliveInterval 5
    ServerAliveCountMax 3
    LogLevel ERROR
"""
_PORT = 22


@dataclass(frozen=True, slots=True)
class Ssh:
    """ssh from the controller of one lab to its hosts."""

    paths: LabPaths
    network: Network

    def create_key(self) -> None:
        """Make the controller's key, unless it is there."""
        if not self.paths.key.exists():
            _generate_key(self.paths.key, f"controller of {self.paths.name}")

    def introduce(self, host: str) -> None:
        """Give a new host its own host key, and the controller's key to root."""
        files = self.paths.host(host)
        host_key = _host_key(files)
        if not host_key.exists():
            _generate_key(host_key, host)
        authorized = files.upper / "root/.ssh/authorized_keys"
        if not authorized.exists():
            authorized.write_text(self.paths.key.with_suffix(".pub").read_text())
            authorized.chmod(0o600)

    def write_configuration(self) -> None:
        """Write ssh_config and known_hosts for all hosts, by name and by address."""
        record = self.network.record
        self.paths.known_hosts.write_text("".join(self._known_host(host) for host in record.hosts))
        names = (f"Host {host}\n    HostName {record.address(host)}\n" for host in record.hosts)
        general = _CONFIG.format(key=self.paths.key, known_hosts=self.paths.known_hosts, runtime=self.paths.runtime)
        self.paths.ssh_config.write_text("".join(names) + general)

    def _known_host(self, host: str) -> str:
        kind, key = _host_key(self.paths.host(host)).with_suffix(".pub").read_text().split()[:2]
        return f"{host},{self.network.record.address(host)} {kind} {key}\n"

    def argv(self, host: str, *words: str) -> list[str]:
        """Return an argv that runs ssh to `host` in the lab's namespace; `words` are joined by the host's shell."""
        return [*self.network.inside(), "ssh", "-F", str(self.paths.ssh_config), host, *words]

    def run(
        self, host: str, command: Sequence[str] | str, *, stdin: bytes | None, check: bool, timeout_seconds: float
    ) -> subprocess.CompletedProcess[str]:
        """Run `command` in `host`: a list is quoted word by word, a string goes to root's shell as it is."""
        line = command if isinstance(command, str) else shlex.join(command)
        done = run(self.argv(host, "--", line), check=False, stdin=stdin, timeout_seconds=timeout_seconds)
        if check and done.returncode:
            raise CommandError(line, done.returncode, done.stderr or done.stdout, where=host)
        return subprocess.CompletedProcess(line, done.returncode, done.stdout, done.stderr)

    def wait_for(self, host: str, seconds: float = 60) -> None:
        """Wait until the host's sshd greets."""
        wait_until(lambda: self._greets(host), f"ssh of host {host} to answer", seconds=seconds, poll_seconds=0.05)

    def _greets(self, host: str) -> bool:
        address = (self.network.record.address(host), _PORT)
        return call_inside(self.network.namespace, lambda: _banner(address)).startswith(b"SSH-")

    def hang_up(self, host: str | None = None) -> None:
        """End the shared connection to `host`, or all: one that outlives its host makes the next command hang."""
        if host is None:
            end_connections(self.paths)
        else:
            run([*self.argv(host), "-O", "exit"], check=False)


def end_connections(paths: LabPaths) -> None:
    """End all shared connections of a lab. A socket whose master died says so, and goes."""
    for control in paths.runtime.iterdir() if paths.runtime.is_dir() else ():
        if control.is_socket():
            run(["ssh", "-F", "/dev/null", "-O", "exit", "-S", str(control), "lab"], check=False)
            control.unlink(missing_ok=True)


def _generate_key(file: Path, comment: str) -> None:
    run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(file)])


def _host_key(files: HostPaths) -> Path:
    return files.upper / "etc/ssh/ssh_host_ed25519_key"


def _banner(address: tuple[str, int]) -> bytes:
    try:
        with socket.create_connection(address, timeout=1) as connection:
            return connection.recv(4)
    except OSError:
        return b""
