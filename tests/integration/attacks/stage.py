# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""A fleet with one host, h2, that is given over to an attacker after everything was in sync.

====== ========================================= ===========================================================
group  edge                                      what the attacker has to do with it
====== ========================================= ===========================================================
photos h1 tank/photos -> h2 backup/photos        its own, as a target
inbox  h2 backup/out -> h3 safe/inbox            its own, as a source
outbox h2 backup/push -> h3 safe/outbox, pushed  its own, as a source that pushes
diary  h1 tank/diary -> h3 safe/diary            none
====== ========================================= ===========================================================

``tank/secret`` and ``safe/secret`` belong to no group and stand on no allow-list. All three hosts trust each other.
"""

import hashlib
import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from tests.integration.agent.fleet import Fleet
from tests.lab.host import Host

HOSTS = ("h1", "h2", "h3")
STATE = "/var/lib/zfs-sync/agent"
KEY = f"{STATE}/ssh/id_ed25519"
HOSTILE_GATE = Path(__file__).with_name("hostile_gate.py")
SERVED = "/srv/hostile"
EDGES = {"photos": "photos:h2:backup/photos", "inbox": "inbox:h3:safe/inbox", "diary": "diary:h3:safe/diary"}
EDGES["outbox"] = "outbox:h3:safe/outbox"
CANARY = "this must not leave its host"
ALLOW: Mapping[str, Sequence[Mapping[str, Any]]] = {
    "h1": [{"dataset": "tank/photos", "operations": ["send"]}, {"dataset": "tank/diary", "operations": ["send"]}],
    "h2": [
        {"dataset": "backup/photos", "operations": ["receive"]},
        {"dataset": "backup/out", "operations": ["send"]},
        {"dataset": "backup/push", "operations": ["send"]},
    ],
    "h3": [
        {"dataset": "safe/inbox", "operations": ["receive"]},
        {"dataset": "safe/outbox", "operations": ["receive"]},
        {"dataset": "safe/diary", "operations": ["receive"]},
    ],
}
LOOK = r"""
zfs get -rHp -o name,property,value,source \
  guid,mountpoint,readonly,canmount,zfs-sync:group {pool} | sort
find /root /etc /home /usr/local /var/lib/zfs-sync -xdev -not -path '*/agent/*' -printf '%p %y %m %u %s\n' | sort
mount | grep -vE ' on (/{pool}|/run/user)' | sort; test ! -e /tmp/pwned || echo PWNED
"""

OTHER_GATE = """
cd /var/lib/zfs-sync/.ssh
sed 's,command="[^"]*",command="/usr/local/bin/hostile-gate",' authorized_keys >/root/keys
cat /root/keys >authorized_keys
pkill -u zfs-sync || true
"""
"""Sessions that are open already would go on with the gate that they began with."""


def group(source: tuple[str, str], target: tuple[str, str]) -> dict[str, Any]:
    """A sync group of two members."""
    members = [
        {"system": source[0], "dataset": source[1], "role": "source"},
        {"system": target[0], "dataset": target[1], "role": "target"},
    ]
    return {"members": members}


FLEET = {
    "version": 1,
    "systems": {name: {} for name in HOSTS},
    "sync_groups": {
        "photos": group(("h1", "tank/photos"), ("h2", "backup/photos")),
        "inbox": group(("h2", "backup/out"), ("h3", "safe/inbox")),
        "outbox": {**group(("h2", "backup/push"), ("h3", "safe/outbox")), "direction": "push"},
        "diary": group(("h1", "tank/diary"), ("h3", "safe/diary")),
    },
}


def build(fleet: Fleet) -> None:
    """Bring the whole fleet up, and in sync."""
    fleet.host("h1").ssh("for each in photos diary secret; do zfs create tank/$each; done")
    fleet.host("h1").ssh(f"for each in photos diary secret; do echo {shlex.quote(CANARY)} >/tank/$each/canary; done")
    fleet.host("h1").ssh("dd if=/dev/urandom of=/tank/photos/large bs=1M count=24 2>/dev/null")
    fleet.host("h1").ssh("zfs create tank/diary/2026; zfs snapshot -r tank@one")
    fleet.host("h2").ssh(
        "zfs create backup/push; zfs create backup/out; zfs create backup/out/honest; zfs create backup/out/later"
    )
    fleet.host("h2").ssh(
        "echo 1 >/backup/out/honest/file; zfs snapshot -r backup/out@one; zfs snapshot backup/push@one"
    )
    fleet.host("h3").ssh(f"zfs create safe/secret; echo {shlex.quote(CANARY)} >/safe/secret/canary")
    fleet.host("h3").ssh("zfs snapshot safe/secret@one")
    for name in HOSTS:
        fleet.configure(name, ALLOW[name])
    fleet.witness.apply(FLEET)
    for name in HOSTS:
        assert fleet.install(name)["enrolled"], fleet.journal(name)
    fleet.trust(*HOSTS)
    fleet.witness.in_sync(7)


@dataclass(slots=True)
class Attacker:
    """Whoever has h2: root on it, its keys, and an agent that is not ours any more."""

    fleet: Fleet
    token: str = ""
    installation: str = ""
    generation: int = 0
    datasets: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def host(self) -> Host:
        return self.fleet.host("h2")

    def take_over(self) -> None:
        """End the honest agent, take what it had, and have peers find another gate."""
        host = self.host
        host.ssh(["systemctl", "disable", "--now", "--quiet", "zfs-sync-agent"])
        self.token = host.ssh(["cat", f"{STATE}/agent.key"]).stdout.strip()
        seed, machine = (
            host.ssh(["cat", path]).stdout.strip() for path in (f"{STATE}/installation", "/etc/machine-id")
        )
        self.installation = hashlib.sha256(f"{seed}\n{machine}".encode()).hexdigest()[:32]
        host.put(HOSTILE_GATE, "/usr/local/bin/hostile-gate", 0o755)
        host.ssh(f"mkdir -p {SERVED}; chmod 755 {SERVED}")
        host.ssh(OTHER_GATE)

    def call(self, method: str, path: str, body: Any = None, *, token: str | None = None) -> requests.Response:
        """One request with the agent's key, or another one."""
        witness = self.fleet.witness
        with self.fleet.lab.enter():
            return requests.request(
                method,
                f"{witness.url}{path}",
                json=body,
                headers={"Authorization": f"Bearer {self.token if token is None else token}"},
                verify=str(witness.folder / "tls" / "ca.crt"),
                timeout=60,
            )

    def own(self, **body: Any) -> dict[str, Any]:
        """What every word of an agent holds."""
        return {"protocol": 1, "installation": self.installation, "agent_version": "0.1.0", **body}

    def report(self, *names: str) -> requests.Response:
        """Report, in full, these datasets below backup/out as they are, and all that was reported before."""
        for path in ("backup/out", *(f"backup/out/{name}" for name in names)):
            self.datasets[path] = self.described(path)
        self.generation += 1
        body = self.own(
            generation=f"attack-{self.generation}",
            kind="full",
            seq=0,
            last=True,
            host={"platform": "linux", "hostname": "h2"},
            datasets=list(self.datasets.values()),
        )
        return self.call("POST", "/api/v1/systems/h2/reports", body)

    def described(self, path: str) -> dict[str, Any]:
        """A dataset of h2 as reports and gates describe it."""
        said = self.host.ssh(
            ["zfs", "get", "-rHp", "-d", "1", "-o", "name,property,value", "guid,createtxg", path]
        ).stdout
        found: dict[str, dict[str, str]] = {}
        for line in said.splitlines():
            name, key, value = line.split("\t")
            found.setdefault(name, {})[key] = value
        snapshots = [
            {"guid": each["guid"], "createtxg": each["createtxg"], "name": name.partition("@")[2]}
            for name, each in found.items()
            if name.startswith(f"{path}@")
        ]
        return {"path": path, "guid": found[path]["guid"], "type": "filesystem", "add": snapshots}

    def serve(self, name: str, command: str, **answer: Any) -> None:
        """Answer for ``backup/out/NAME``: its list as it is or as given, and as stream what a command prints."""
        folder = shlex.quote(f"{SERVED}/{name}")
        listed = answer.get("dataset") or self.described(f"backup/out/{name}")
        self.host.ssh(f"mkdir -p {folder}")
        self.host.put(json.dumps({"dataset": listed}).encode() + b"\n", f"{SERVED}/{name}/list")
        self.host.ssh(f"{{ {command}; }} >{folder}/stream; chmod -R a+rX {folder}")

    def look(self, *names: str) -> dict[str, list[str]]:
        """Whatever an attack might have changed on these hosts, line by line."""
        pools = {"h1": "tank", "h3": "safe"}
        return {name: self.fleet.host(name).ssh(LOOK.format(pool=pools[name])).stdout.splitlines() for name in names}

    def changes(self, before: dict[str, list[str]]) -> list[str]:
        """What is not as it was then, on the hosts that were looked at."""
        now = self.look(*before)
        return [f"{name}: {line}" for name in before for line in sorted(set(before[name]) ^ set(now[name]))]
