# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Many faults in a random order, while snapshots go on being made. ``ZFS_SYNC_SEED`` repeats an order."""

import os
import random
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.integration.agent.evidence import Receives, check_jobs
from tests.integration.agent.fleet import Fleet, wait_for

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.timeout(1200)]

FAULTS = 24
MEGABYTES = 6
SLOW = 3_000  # kB/s
LASTING = (0, 0, 2, 8)
"""Seconds that a fault lasts: too short for a lease of 6 s to run out, and too long."""
HOSTS = ("h1", "h2", "h3")
ROOTS = {"h1": "tank/data", "h2": "backup/data", "h3": "safe/data"}

Fault = Callable[[Fleet, random.Random], str]


@pytest.fixture(scope="module")
def fleet(bare_fleet: Fleet) -> Fleet:
    """h1 feeds h2, and h2 feeds h3."""
    fleet = bare_fleet
    fleet.host("h1").ssh("zfs create tank/data && zfs create tank/data/below && zfs snapshot -r tank/data@first")
    members = [
        {"system": "h1", "dataset": ROOTS["h1"], "role": "source"},
        {"system": "h2", "dataset": ROOTS["h2"], "role": "target"},
        {"system": "h3", "dataset": ROOTS["h3"], "role": "target", "from": "h2"},
    ]
    for name in HOSTS:
        fleet.configure(name, [{"dataset": ROOTS[name], "operations": ["send", "receive"]}])
    systems: dict[str, dict[str, str]] = {name: {} for name in HOSTS}
    fleet.witness.apply({"version": 1, "systems": systems, "sync_groups": {"g": {"members": members}}})
    for name in HOSTS:
        assert fleet.install(name)["enrolled"], fleet.journal(name)
    fleet.trust(*HOSTS)
    fleet.witness.in_sync(4)
    return fleet


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


def partition(fleet: Fleet, chance: random.Random) -> str:
    first, second = chance.sample([*HOSTS, "controller"], 2)
    fleet.lab.partition(first, second)
    return f"{first} and {second} cut off from each other"


KINDS: tuple[Fault, ...] = (
    kill_agent, restart_agent, kill_ssh, kill_witness, power_cut, freeze, pull_cable, partition,
)  # fmt: skip


def _running(fleet: Fleet, chance: random.Random) -> str:
    """A host that answers; all do, unless a fault left one off, frozen or without a cable: then all are mended."""
    name = chance.choice(HOSTS)
    if fleet.host(name).state != "running" or fleet.host(name).faults not in ([], ["shaped"]):
        mend(fleet)
    return name


def mend(fleet: Fleet) -> None:
    fleet.lab.heal_all()
    for name in HOSTS:
        fleet.host(name).delay(rate_kilobytes_per_second=SLOW)


def write(fleet: Fleet, count: int, chance: random.Random) -> None:
    """A new file and a new snapshot of the whole tree."""
    dataset = chance.choice(["data", "data/below"])
    source = fleet.host("h1")
    source.ssh(f"dd if=/dev/urandom of=/tank/{dataset}/f{count % 8} bs=1M count={MEGABYTES} 2>/dev/null")
    source.ssh(["zfs", "snapshot", "-r", f"tank/data@s{count}"])


@pytest.fixture
def chance() -> Iterator[random.Random]:
    seed = int(os.environ.get("ZFS_SYNC_SEED") or random.SystemRandom().randrange(1 << 32))
    print(f"ZFS_SYNC_SEED={seed}")
    yield random.Random(seed)
    print(f"ZFS_SYNC_SEED={seed}")


def test_any_order_of_faults_ends_in_sync_with_nothing_lost(fleet: Fleet, chance: random.Random) -> None:
    with ExitStack() as stack:
        watched = [stack.enter_context(Receives(fleet.host(name))) for name in ("h2", "h3")]
        for count in range(FAULTS):
            mend(fleet)
            write(fleet, count, chance)
            wait_for(lambda: in_hand(fleet), "there is work")
            for fault in chance.sample(KINDS, chance.choice([1, 1, 2])):
                print(f"{count}: {fault(fleet, chance)}", flush=True)
            time.sleep(chance.choice(LASTING))
        fleet.lab.heal_all()
        wait_for(lambda: alike(fleet), "all hosts have the same", 300)
        fleet.witness.in_sync(4, seconds=300)
    for receives in watched:
        receives.check()
    moved = check_jobs(fleet.witness.database)
    for name in ("h2", "h3"):
        for below in ("", "/below"):
            have = len(fleet.guids(name, ROOTS[name] + below))
            assert have == FAULTS + 1
            assert moved[f"{name}:{ROOTS[name]}{below}"] <= have
        assert fleet.host(name).ssh(["zfs", "list", "-H", "-o", "name"]).stdout.split()[1:] == [
            ROOTS[name],
            f"{ROOTS[name]}/below",
        ]
        assert contents(fleet, name) == contents(fleet, "h1")


def in_hand(fleet: Fleet) -> bool:
    """Whether a job runs, or has run since the last snapshot: small ones end between two looks."""
    states = [each["state"] for each in fleet.witness.call("GET", "/jobs?limit=20")["items"]]
    return "running" in states or "lost" in states or set(fleet.witness.outcomes("g").values()) == {"IN_SYNC"}


def alike(fleet: Fleet) -> bool:
    return all(
        fleet.guids("h1", f"{ROOTS['h1']}{below}")
        == fleet.guids("h2", f"{ROOTS['h2']}{below}")
        == fleet.guids("h3", f"{ROOTS['h3']}{below}")
        != []
        for below in ("", "/below")
    )


def contents(fleet: Fleet, name: str) -> str:
    """The checksums of every file of the tree."""
    host = fleet.host(name)
    for below in ("", "/below"):
        host.ssh(["zfs", "mount", ROOTS[name] + below], check=False)
    return host.ssh(f"cd /{ROOTS[name]} && find . -type f | sort | xargs sha256sum").stdout
