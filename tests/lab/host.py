"""One host of a lab, as a test handles it."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.lab.container import Container
from tests.lab.errors import LabError
from tests.lab.network import Network
from tests.lab.relay import Shape
from tests.lab.shaping import Shaper
from tests.lab.sizes import size_in_bytes
from tests.lab.ssh import Ssh

_BOOT_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Host:
    """A host; its faults are set from outside, so they work on a host that does not answer, and heal idempotently."""

    name: str
    address: str
    container: Container
    network: Network
    secure_shell: Ssh

    def ssh(
        self,
        command: Sequence[str] | str,
        *,
        input: bytes | None = None,  # noqa: A002 (as subprocess.run calls it)
        check: bool = True,
        timeout_seconds: float = 120,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command as root: a list is quoted word by word, a string goes to the shell as it is.

        Raises CommandError when it fails and `check` is on, subprocess.TimeoutExpired after `timeout_seconds`.
        """
        return self.secure_shell.run(self.name, command, stdin=input, check=check, timeout_seconds=timeout_seconds)

    def put(self, local: Path | bytes, remote: str, mode: int = 0o644) -> None:
        """Write a file, or bytes, to `remote`, whole or not at all; folders are made as needed."""
        content = local if isinstance(local, bytes) else local.read_bytes()
        target, unfinished = shlex.quote(remote), shlex.quote(f"{remote}.new")
        steps = (
            f"mkdir -p -- {shlex.quote(str(Path(remote).parent))}",
            f"cat > {unfinished}",
            f"chmod {mode:o} {unfinished}",
            f"mv -T -- {unfinished} {target}",
        )
        self.ssh(" && ".join(steps), input=content)

    @property
    def state(self) -> str:
        """Return running, frozen, or off."""
        return self.container.state

    @property
    def faults(self) -> list[str]:
        """Return what is wrong with the host now, one word or two for each."""
        found = [] if self.network.link_is_up(self.name) else ["link down"]
        found += ["shaped"] if Shaper(self.network, self.name).is_applied() else []
        limit = self.container.cgroup.memory_limit()
        found += [f"memory {limit >> 20}M"] if limit is not None else []
        return found + [f"cut from {other}" for other in self.network.cut_from(self.name)]

    def power_cut(self) -> None:
        """End it at once, as when the mains fail. What it wrote stays: its kernel, which is ours, lives on."""
        self.container.power_cut()
        self.secure_shell.hang_up(self.name)

    def power_on(self) -> None:
        """Boot, unless it runs, and wait until it is up."""
        self.start()
        self.wait_running()

    def start(self) -> None:
        """Boot, unless it runs, without waiting for more than its PID 1."""
        if self.container.leader is None:
            self.secure_shell.hang_up(self.name)
        self.container.power_on()

    def wait_running(self) -> None:
        """Wait until ssh answers and systemd says `running`. Raises LabError with what failed, if something did."""
        self.secure_shell.wait_for(self.name)
        command = ["timeout", str(_BOOT_SECONDS), "systemctl", "is-system-running", "--wait"]
        said = self.ssh(command, check=False)
        if said.returncode:
            failed = self.ssh(["systemctl", "--failed", "--no-legend", "--plain"], check=False).stdout
            raise LabError(f"host {self.name} is {said.stdout.strip() or 'not up'}: {failed or said.stderr}")

    def poweroff(self) -> None:
        """Shut down in order, and wait until it is off."""
        if self.container.leader is not None:
            self.ssh(["systemctl", "poweroff", "--no-block"], check=False)
            self.container.wait_off()
        self.secure_shell.hang_up(self.name)

    def freeze(self) -> None:
        """Let it hang: no process runs, yet its network answers pings and takes connections."""
        if self.container.leader is None:
            raise LabError(f"host {self.name} is off: only a running host can be frozen")
        self.container.cgroup.freeze(True)

    def thaw(self) -> None:
        """Let it go on, unless it does."""
        if self.container.cgroup.frozen:
            self.container.cgroup.freeze(False)

    def link(self, up: bool) -> None:
        """Plug or pull the network cable."""
        self.network.set_link(self.name, up)

    def delay(
        self,
        delay_ms: float = 0,
        *,
        jitter_ms: float = 0,
        loss_percent: float = 0,
        rate_kilobytes_per_second: float = 0,
    ) -> None:
        """Make its cable long, bad or narrow, in each direction: a round trip takes twice the delay."""
        Shaper(self.network, self.name).apply(Shape(delay_ms, jitter_ms, loss_percent, rate_kilobytes_per_second))

    def clear(self) -> None:
        """Make its cable good again."""
        Shaper(self.network, self.name).clear()

    def limit_memory(self, size: str | None) -> None:
        """Limit the memory of all its processes together, as `300M`; None lifts the limit."""
        self.container.cgroup.limit_memory(None if size is None else size_in_bytes(size))

    def create_pool(self, name: str, size: str = "512M") -> None:
        """Make a pool on one file in /disk, sparse, unless the host has a pool of that name."""
        if self.ssh(["zpool", "list", "-H", "-o", "name", name], check=False).returncode == 0:
            return
        vdev = f"/disk/{name}.img"
        self.ssh(["truncate", f"--size={size_in_bytes(size)}", vdev])
        self.ssh(["zpool", "create", name, vdev])
