"""Delay, loss and rate on a host's cable: by the kernel's netem where it has one, else by the relay in user space.

Both are set at the two directions of the cable alike. The relay's TAPs and bridge are made here, not by the relay, so
that they can be taken down however the relay ended.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.lab.cgroups import Cgroup
from tests.lab.errors import LabError
from tests.lab.names import network_namespace
from tests.lab.network import BRIDGE, NAMESPACES, Network
from tests.lab.process import run
from tests.lab.relay import Shape

_RELAY = Path(__file__).with_name("relay.py")
RELAYS = "_relays"  # no host's name has an underscore


@dataclass(frozen=True, slots=True)
class Shaper:
    """The cable of one host."""

    network: Network
    host: str

    def apply(self, shape: Shape) -> None:
        """Put the cable into `shape`, whatever it was in before."""
        self.clear()
        if self._has_netem():
            for where, device in self._ends():
                self._tc(where, "qdisc", "replace", "dev", device, "root", "netem", *_netem_words(shape))
        else:
            self._insert_relay(shape)

    def clear(self) -> None:
        """Make the cable a plain one again."""
        self._cgroup.kill()
        if self._relay_is_there():
            self.network.connect_port(self.host)
            for device in (*self._taps, self._bridge):
                self._ip("link", "delete", device, check=False)
        for where, device in self._ends():
            self._tc(where, "qdisc", "delete", "dev", device, "root", check=False)

    def is_applied(self) -> bool:
        if self._relay_is_there():
            return True
        where, device = self._ends()[0]
        return "netem" in self._tc(where, "qdisc", "show", "dev", device).stdout

    @property
    def _number(self) -> int:
        return self.network.record.hosts[self.host]

    @property
    def _taps(self) -> tuple[str, str]:
        return f"tap{self._number}-switch", f"tap{self._number}-host"

    @property
    def _bridge(self) -> str:
        return f"relay{self._number}"

    @property
    def _cgroup(self) -> Cgroup:
        return Cgroup.of(self.network.lab, RELAYS, self.host)

    def _ends(self) -> list[tuple[str, str]]:
        host_side = network_namespace(self.network.lab, self.host)
        return [(self.network.namespace, self.network.port(self.host)), (host_side, "eth0")]

    def _has_netem(self) -> bool:
        """Ask by trying, where it does no harm: a kernel may have netem as a module that is loaded on demand."""
        tried = self._tc(self.network.namespace, "qdisc", "replace", "dev", "lo", "root", "netem", check=False)
        self._tc(self.network.namespace, "qdisc", "delete", "dev", "lo", "root", check=False)
        return tried.returncode == 0

    def _relay_is_there(self) -> bool:
        return self._ip("link", "show", self._bridge, check=False).returncode == 0

    def _insert_relay(self, shape: Shape) -> None:
        """Turn switch-port into switch-tap, relay, tap-bridge-port.

        The bridge must not answer ARP: the namespace is the controller's, so it would for the controller's address, and
        what the host sends there would pass by the relay.
        """
        self._ip("link", "add", self._bridge, "type", "bridge")
        self._ip("link", "set", self._bridge, "arp", "off", "up")
        for tap, bridge in zip(self._taps, (BRIDGE, self._bridge), strict=True):
            self._ip("tuntap", "add", "dev", tap, "mode", "tap")
            self._ip("link", "set", tap, "master", bridge, "up")
        self._start_relay(shape)
        self.network.connect_port(self.host, self._bridge)

    def _start_relay(self, shape: Shape) -> None:
        self._cgroup.create()
        program = [sys.executable, "-I", str(_RELAY), *self._taps, *_relay_words(shape)]
        argv = [*self._cgroup.joiner(), *self.network.inside(), "setsid", "--fork", *program]
        with subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        ) as relay:
            assert relay.stdout is not None
            said = relay.stdout.readline()
        if said.strip() != b"ready":
            raise LabError(f"{self.host}: the relay did not start: {said.decode(errors='replace').strip()}")

    def _ip(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return run(["ip", "-n", self.network.namespace, *words], check=check)

    def _tc(self, namespace: str, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return run(["nsenter", f"--net={NAMESPACES / namespace}", "--", "tc", *words], check=check)


def _netem_words(shape: Shape) -> list[str]:
    words = ["limit", "10000", "delay", f"{shape.delay_ms}ms", f"{shape.jitter_ms}ms", "loss", f"{shape.loss_percent}%"]
    rate = shape.rate_kilobytes_per_second
    return [*words, "rate", f"{round(rate * 8)}kbit"] if rate else words


def _relay_words(shape: Shape) -> list[str]:
    given = {
        "--delay": shape.delay_ms,
        "--jitter": shape.jitter_ms,
        "--loss": shape.loss_percent,
        "--rate": shape.rate_kilobytes_per_second,
    }
    return [word for option, value in given.items() for word in (option, str(value))]
