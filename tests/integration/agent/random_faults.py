# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Everything that a fleet of h1, h2 and h3 may suffer, and how all of it is mended."""

import random
from collections.abc import Callable

from tests.integration.agent import clocks
from tests.integration.agent.fleet import Fleet
from zfs_sync.witness.services.scheduling import NEEDS_A_PERSON

SLOW = 1_000  # kB/s
HOUR = 3_600
HOSTS = ("h1", "h2", "h3")
POOLS = {"h1": "tank", "h2": "backup", "h3": "safe"}

Fault = Callable[[Fleet, random.Random], str]


def kill_agent(fleet: Fleet, chance: random.Random) -> str:
    name = _running(fleet, chance)
    fleet.host(name).ssh(["systemctl", "kill", "--kill-whom=main", "-s", "KILL", "zfs-sync-agent"], check=False)
    return f"agent of {name} killed"


def restart_agent(fleet: Fleet, chance: random.Random) -> str:
    name = _running(fleet, chance)
    fleet.host(name).ssh(["systemctl", "restart", "zfs-sync-agent"])
    return f"agent of {name} restarted"


def kill_ssh(fleet: Fleet, chance: random.Random) -> str:
    name = _running(fleet, chance)
    fleet.host(name).ssh(["pkill", "-9", "-x", "ssh"], check=False)
    return f"every ssh of {name} killed"


def kill_witness(fleet: Fleet, _: random.Random) -> str:
    fleet.witness.kill()
    fleet.witness.start()
    return "witness killed and started again"


def power_cut(fleet: Fleet, chance: random.Random) -> str:
    name = chance.choice(HOSTS)
    fleet.host(name).power_cut()
    return f"{name} switched off"


def freeze(fleet: Fleet, chance: random.Random) -> str:
    name = _running(fleet, chance)
    fleet.host(name).freeze()
    return f"{name} frozen"


def pull_cable(fleet: Fleet, chance: random.Random) -> str:
    name = chance.choice(HOSTS)
    fleet.host(name).link(up=False)
    return f"cable of {name} pulled"


def lengthen_cable(fleet: Fleet, chance: random.Random) -> str:
    name = chance.choice(HOSTS)
    fleet.host(name).delay(100, jitter_ms=20, loss_percent=1, rate_kilobytes_per_second=SLOW)
    return f"cable of {name} long and bad"


def partition(fleet: Fleet, chance: random.Random) -> str:
    first, second = chance.sample([*HOSTS, "controller"], 2)
    fleet.lab.partition(first, second)
    return f"{first} and {second} cut off from each other"


def fill_pool(fleet: Fleet, chance: random.Random) -> str:
    """A reservation takes all the room there is, without a byte being written."""
    name = _running(fleet, chance, HOSTS[1:])
    host, pool = fleet.host(name), POOLS[name]
    free = int(host.ssh(["zfs", "get", "-Hp", "-o", "value", "available", pool]).stdout)
    host.ssh(["zfs", "set", f"reservation={free}", f"{pool}/filler"], check=False)
    return f"pool of {name} full"


def step_witness(fleet: Fleet, chance: random.Random) -> str:
    seconds = chance.choice([-HOUR, HOUR])
    assert fleet.witness.clock
    clocks.set_witness(fleet.witness.clock, seconds)
    return f"clock of the witness set by {seconds} s"


KINDS: tuple[Fault, ...] = (
    kill_agent, restart_agent, kill_ssh, kill_witness, power_cut, freeze, pull_cable, lengthen_cable, partition,
    fill_pool, step_witness,
)  # fmt: skip


def prepare(fleet: Fleet) -> None:
    """What some of the faults need."""
    for name in HOSTS[1:]:
        fleet.host(name).ssh(["zfs", "create", f"{POOLS[name]}/filler"])


def mend(fleet: Fleet) -> None:
    """Everything well again, and all cables slow."""
    heal(fleet)
    for name in HOSTS:
        fleet.host(name).delay(rate_kilobytes_per_second=SLOW)


def ask_again(fleet: Fleet) -> None:
    """What needs a person, such as room in a pool, is tried again in minutes: whoever mended it asks for it now."""
    for each in fleet.witness.call("GET", "/status?group=g")["items"]:
        if each["error"] and each["error"]["code"] in NEEDS_A_PERSON:
            fleet.witness.call("POST", "/sync-groups/g/sync", {})
            return


def heal(fleet: Fleet) -> None:
    """Undo every fault."""
    fleet.lab.heal_all()
    assert fleet.witness.clock
    clocks.set_witness(fleet.witness.clock, 0)
    for name in HOSTS[1:]:
        fleet.host(name).ssh(["zfs", "set", "reservation=none", f"{POOLS[name]}/filler"])


def _running(fleet: Fleet, chance: random.Random, names: tuple[str, ...] = HOSTS) -> str:
    """A host that answers; all do, unless a fault left one off, frozen or without a cable: then all are mended."""
    name = chance.choice(names)
    if fleet.host(name).state != "running" or fleet.host(name).faults not in ([], ["shaped"]):
        mend(fleet)
    return name
