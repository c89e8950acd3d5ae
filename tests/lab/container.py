"""One host as the kernel sees it: an overlay on the shared base, and systemd-nspawn in the host's own cgroup.

No systemd of the machine is needed: nspawn neither registers the machine nor asks for a scope. It keeps the unit of its
caller instead, that is the cgroup made for the host, and puts itself and the host into two halves of it.
"""

from __future__ import annotations

import contextlib
import os
import signal
from dataclasses import dataclass

from tests.lab.cgroups import Cgroup, kill
from tests.lab.errors import LabError
from tests.lab.names import HostPaths, network_namespace
from tests.lab.network import NAMESPACES
from tests.lab.process import run, spawn, wait_until
from tests.lab.record import LabRecord

_STOP_SECONDS = 30
_CONSOLE_TAIL = 2000


@dataclass(frozen=True, slots=True)
class Container:
    """A host's machine, on or off."""

    lab: str
    name: str
    record: LabRecord
    paths: HostPaths

    @property
    def cgroup(self) -> Cgroup:
        return Cgroup.of(self.lab, self.name)

    @property
    def leader(self) -> int | None:
        return self.cgroup.leader()

    @property
    def state(self) -> str:
        """Return running, frozen, or off."""
        if self.leader is None:
            return "off"
        return "frozen" if self.cgroup.frozen else "running"

    def power_on(self) -> None:
        """Boot, unless it runs; returns when its PID 1 is there. What it wrote before is there again."""
        if self.leader is not None:
            return
        self.cgroup.kill()
        self.cgroup.create()
        self.cgroup.empty()
        self._mount_root()
        environment = os.environ | {"SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"}
        spawn([*self.cgroup.joiner(), "setsid", "--fork", *self._nspawn()], self.paths.console, environment)
        wait_until(self._has_started, f"host {self.name} to boot")

    def _has_started(self) -> bool:
        if self.leader is not None:
            return True
        if not self.cgroup.processes():
            raise LabError(f"host {self.name} did not start:\n{self.console_tail()}")
        return False

    def console_tail(self) -> str:
        """Return the last that the host wrote to its console."""
        text = self.paths.console.read_text(errors="replace") if self.paths.console.exists() else ""
        return text[-_CONSOLE_TAIL:]

    def power_cut(self) -> None:
        """End the host at once: its PID 1 dies and the kernel takes all its processes along.

        Not nspawn, whose death leaves the host running. nspawn ends by itself when its child is gone.
        """
        leader = self.leader
        if leader is not None:
            kill(leader, signal.SIGKILL)
        if self.cgroup.frozen:
            self.cgroup.kill()
        with contextlib.suppress(LabError):
            self.wait_off(seconds=5)
        self.cgroup.kill()

    def wait_off(self, seconds: float = _STOP_SECONDS) -> None:
        wait_until(lambda: not self.cgroup.processes(), f"host {self.name} to be off", seconds=seconds)

    def _mount_root(self) -> None:
        if os.path.ismount(self.paths.root):
            return
        if {",", ":"} & set(f"{self.record.base}{self.paths.folder}"):
            raise LabError(f"overlayfs takes no path with a comma or a colon: {self.record.base}, {self.paths.folder}")
        # volatile: without it an umount syncs the whole file system of the machine.
        layers = f"volatile,lowerdir={self.record.base},upperdir={self.paths.upper},workdir={self.paths.work}"
        run(["mount", "-t", "overlay", "-o", layers, "zfs-sync-lab", str(self.paths.root)])

    def _nspawn(self) -> list[str]:
        namespace = network_namespace(self.lab, self.name)
        return [
            "systemd-nspawn",
            "--quiet",
            "--boot",
            f"--directory={self.paths.root}",
            f"--machine={namespace}",
            f"--hostname={self.name}",
            f"--network-namespace-path={NAMESPACES / namespace}",
            "--capability=CAP_NET_ADMIN",  # of its own network; nspawn grants it only with networks that it made
            "--register=no",
            "--keep-unit",
            "--settings=no",
            "--resolv-conf=off",
            "--timezone=off",
            "--link-journal=no",
            "--bind=/dev/fuse",
            f"--bind={self.paths.disk}:/disk",
            f"--bind-ro={self.record.packages}:/repo",
            f"--bind-ro={self.record.wheelhouse}:/wheels",
            "--console=pipe",
        ]
