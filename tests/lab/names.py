"""What a lab and its parts are called on the machine, and where it keeps its files.

Everything that the kernel knows by name (network namespaces, nspawn machines, cgroups) carries the lab's name after one
prefix, with dots between the parts and none within them. So clean-up finds what a crashed lab left from the name alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from tests.lab.errors import LabError

PREFIX = "zfs-sync-lab"
NAMESPACE_PREFIX = "zsl"
RUN_ROOT = Path("/run") / PREFIX
REPOSITORY = Path(__file__).resolve().parents[2]
CONTROLLER = "controller"
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
_LAB_NAME_LENGTH = 20  # a ControlPath has 108 bytes for the lab's name, a hash and ssh's own suffix


def check_lab_name(name: str) -> str:
    """Return `name`, or raise LabError when it is no name for a lab."""
    if len(name) > _LAB_NAME_LENGTH or not _NAME.fullmatch(name):
        raise LabError(f"{name!r} is no lab name: up to {_LAB_NAME_LENGTH} of a-z, 0-9 and '-'")
    return name


def check_host_name(name: str) -> str:
    """Return `name`, or raise LabError when it is no name for a host of a lab."""
    if len(name) > 40 or not _NAME.fullmatch(name) or name in (CONTROLLER, "localhost"):
        raise LabError(f"{name!r} is no host name: up to 40 of a-z, 0-9 and '-', and not {CONTROLLER!r}")
    return name


def network_namespace(lab: str, host: str | None = None) -> str:
    """Return the name of the namespace of a host, or of the controller with the switch."""
    return ".".join((NAMESPACE_PREFIX, lab, host) if host else (NAMESPACE_PREFIX, lab))


@dataclass(frozen=True, slots=True)
class HostPaths:
    """The files of one host: its writable layer, its disks, its console."""

    folder: Path

    @property
    def upper(self) -> Path:
        return self.folder / "upper"

    @property
    def work(self) -> Path:
        return self.folder / "work"

    @property
    def root(self) -> Path:
        return self.folder / "root"

    @property
    def disk(self) -> Path:
        return self.folder / "disk"

    @property
    def console(self) -> Path:
        return self.folder / "console.log"

    def create(self) -> None:
        """Make the folders; those of the upper layer hide the base's, so with the base's modes, whatever the umask."""
        modes = {self.upper: 0o755, self.work: 0o755, self.root: 0o755, self.disk: 0o755}
        modes |= {self.upper / "etc": 0o755, self.upper / "etc/ssh": 0o755}
        modes |= {self.upper / "root": 0o700, self.upper / "root/.ssh": 0o700}
        for folder, mode in modes.items():
            if not folder.exists():
                folder.mkdir(parents=True)
                folder.chmod(mode)


@dataclass(frozen=True, slots=True)
class LabPaths:
    """The files of one lab: its state folder, and a folder with a short path for sockets."""

    name: str
    state: Path

    @property
    def record(self) -> Path:
        return self.state / "lab.json"

    @property
    def key(self) -> Path:
        return self.state / "id_ed25519"

    @property
    def known_hosts(self) -> Path:
        return self.state / "known_hosts"

    @property
    def ssh_config(self) -> Path:
        return self.state / "ssh_config"

    @property
    def hosts(self) -> Path:
        return self.state / "hosts"

    @property
    def runtime(self) -> Path:
        return RUN_ROOT / self.name

    @property
    def state_link(self) -> Path:
        """From the machine-wide register of labs to the state folder."""
        return self.runtime / "state"

    @property
    def files(self) -> list[Path]:
        """Every file of the state folder itself; the hosts' are in a folder of their own."""
        unfinished_record = self.record.with_suffix(".new")
        return [
            self.record,
            unfinished_record,
            self.key,
            self.key.with_suffix(".pub"),
            self.known_hosts,
            self.ssh_config,
        ]

    def host(self, name: str) -> HostPaths:
        return HostPaths(self.hosts / name)
