"""The wires of a lab: a switch in a network namespace of its own, where the controller is too, and one port per host.

There is no uplink, so nothing in a lab reaches anything outside. A host's namespace is made before it boots and
outlives a power cut: addresses need no daemon in the host, and faults are set from outside. Hardware addresses follow
from the IP addresses, so that a rule can name a host on the switch before it is there, and no neighbour cache goes
stale.
"""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.lab.names import CONTROLLER, network_namespace
from tests.lab.process import run
from tests.lab.record import LabRecord

BRIDGE = "br0"
NAMESPACES = Path("/run/netns")
_RULES = """
table bridge lab {
    set cut { type ether_addr . ether_addr; }
    chain forward { type filter hook forward priority 0; ether saddr . ether daddr @cut drop; }
    chain input { type filter hook input priority 0; ether saddr . ether daddr @cut drop; }
    chain output { type filter hook output priority 0; ether saddr . ether daddr @cut drop; }
}
"""


@dataclass(frozen=True, slots=True)
class Network:
    """The network of one lab."""

    lab: str
    record: LabRecord

    @property
    def namespace(self) -> str:
        return network_namespace(self.lab)

    def inside(self) -> list[str]:
        """Return the words that, before an argv, make it run where the controller is.

        Not `ip netns exec`: that is a private mount namespace as well, in which what is mounted stays invisible.
        """
        return ["nsenter", f"--net={NAMESPACES / self.namespace}", "--"]

    def port(self, host: str) -> str:
        """Return the name of the host's port on the switch; an interface name has 15 bytes, so not the host's own."""
        return f"port{self.record.hosts[host]}"

    def create_switch(self) -> None:
        """Make the namespace and its switch, unless they are there."""
        if (NAMESPACES / self.namespace).exists():
            return
        ip("netns", "add", self.namespace)
        self._ip("link", "set", "lo", "up")
        self._ip("link", "add", BRIDGE, "address", self._hardware_address(CONTROLLER), "type", "bridge")
        self._ip("address", "add", f"{self.record.controller_address}/24", "dev", BRIDGE)
        self._ip("link", "set", BRIDGE, "up")
        self._nft(_RULES)

    def attach(self, host: str) -> None:
        """Make the namespace of `host` and its cable to the switch, unless they are there."""
        namespace, port = network_namespace(self.lab, host), self.port(host)
        if (NAMESPACES / namespace).exists():
            return
        ip("netns", "add", namespace)
        ip("-n", namespace, "link", "set", "lo", "up")
        ends = ["type", "veth", "peer", "name", "eth0", "address", self._hardware_address(host), "netns", namespace]
        self._ip("link", "add", port, *ends)
        self._ip("link", "set", port, "master", BRIDGE, "up")
        ip("-n", namespace, "address", "add", f"{self.record.address(host)}/24", "dev", "eth0")
        ip("-n", namespace, "link", "set", "eth0", "up")
        ip("-n", namespace, "route", "add", "default", "via", self.record.controller_address)

    def set_link(self, host: str, up: bool) -> None:
        """Plug or pull the cable of `host`; its own end sees the carrier come and go."""
        self._ip("link", "set", self.port(host), "up" if up else "down")

    def link_is_up(self, host: str) -> bool:
        shown = json.loads(self._ip("-json", "link", "show", self.port(host)).stdout)
        return "UP" in shown[0]["flags"]

    def connect_port(self, host: str, bridge: str = BRIDGE) -> None:
        """Put the host's port on `bridge`."""
        self._ip("link", "set", self.port(host), "master", bridge)

    def cut(self, a: str, b: str) -> None:
        """Let nothing pass between two hosts, or a host and the controller, in either direction."""
        self._nft(f"add element bridge lab cut {{ {', '.join(self._directions(a, b))} }}")

    def join(self, a: str, b: str) -> None:
        """Undo `cut`; nothing happens when there was none."""
        present = self._cut_elements()
        for direction in self._directions(a, b):
            if direction in present:
                self._nft(f"delete element bridge lab cut {{ {direction} }}")
        for end in (a, b):
            self._forget_neighbours(end)

    def _forget_neighbours(self, end: str) -> None:
        """Without this, an address that could not be resolved during the cut stays unreachable for seconds after it."""
        namespace, device = (
            (self.namespace, BRIDGE) if end == CONTROLLER else (network_namespace(self.lab, end), "eth0")
        )
        ip("-n", namespace, "neighbour", "flush", "dev", device, "nud", "all")

    def cut_from(self, host: str) -> list[str]:
        """Return those that `host` is cut off from."""
        others = [name for name in (CONTROLLER, *self.record.hosts) if name != host]
        present = self._cut_elements()
        return [other for other in others if self._directions(host, other)[0] in present]

    def _directions(self, a: str, b: str) -> list[str]:
        first, second = self._hardware_address(a), self._hardware_address(b)
        return [f"{first} . {second}", f"{second} . {first}"]

    def _cut_elements(self) -> set[str]:
        listed = run([*self.inside(), "nft", "--json", "list", "set", "bridge", "lab", "cut"]).stdout
        sets = [item["set"] for item in json.loads(listed)["nftables"] if "set" in item]
        return {" . ".join(element["concat"]) for element in sets[0].get("elem", [])}

    def _hardware_address(self, host: str) -> str:
        last = 1 if host == CONTROLLER else self.record.hosts[host]
        return f"02:00:0a:63:{self.record.subnet:02x}:{last:02x}"

    def _ip(self, *words: str) -> subprocess.CompletedProcess[str]:
        return ip("-n", self.namespace, *words)

    def _nft(self, rules: str) -> None:
        run([*self.inside(), "nft", "--file", "-"], stdin=rules.encode())


def ip(*words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run the ip program of iproute2."""
    return run(["ip", *words], check=check)


def remove_namespaces(lab: str) -> list[str]:
    """Remove every network namespace of the lab `lab`, found by name; return the names."""
    if not NAMESPACES.is_dir():
        return []
    switch = network_namespace(lab)
    names = sorted(file.name for file in NAMESPACES.iterdir() if f"{file.name}.".startswith(f"{switch}."))
    for name in names:
        _remove_links(name)
        ip("netns", "delete", name)
    return names


def _remove_links(namespace: str) -> None:
    """A process that stays in the namespace keeps it alive, but shall not keep its wires."""
    shown = ip("-n", namespace, "-json", "link", "show", check=False)
    for link in json.loads(shown.stdout or "[]"):
        if link["ifname"] != "lo":
            ip("-n", namespace, "link", "delete", link["ifname"], check=False)
