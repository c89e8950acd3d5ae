# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Many faults in a random order, while snapshots go on being made. ``ZFS_SYNC_SEED`` repeats an order."""

import os
import random
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.integration.agent.conftest import bare
from tests.integration.agent.evidence import Receives, check_jobs
from tests.integration.agent.fleet import Fleet, wait_for
from tests.integration.agent.random_faults import HOSTS, KINDS, POOLS, ask_again, heal, mend, prepare
from tests.lab.fixtures import LabFactory

pytestmark = [pytest.mark.lab, pytest.mark.timeout(1500)]

MEGABYTES = 2
SHORT = (0, 0, 1, 8)
"""Seconds that faults last: too short for a lease of 6 s to run out, and too long."""
LONG = (0, 0, 0, 2, 2, 2, 8, 8, 8, 60)
TOGETHER = (1, 2, 2, 3)
"""How many come at the same time."""
ROOTS = {name: f"{POOLS[name]}/data" for name in HOSTS}


@pytest.fixture(scope="module")
def fleet(lab_factory: LabFactory, package: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """h1 feeds h2, and h2 feeds h3."""
    with bare(lab_factory, package, tmp_path_factory, POOLS, fake_clock=True) as fleet:
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
        fleet.witness.in_sync(4, seconds=300)
        prepare(fleet)
        yield fleet


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


@pytest.mark.parametrize(
    ("faults", "lasting"),
    [
        pytest.param(40, SHORT, id="40"),
        pytest.param(300, LONG, id="300", marks=[pytest.mark.long, pytest.mark.timeout(9_000)]),
    ],
)
def test_any_order_of_faults_ends_in_sync_with_nothing_lost(
    fleet: Fleet, chance: random.Random, faults: int, lasting: Sequence[float]
) -> None:
    before = len(fleet.guids("h1", ROOTS["h1"]))
    with ExitStack() as stack:
        watched = [stack.enter_context(Receives(fleet.host(name))) for name in HOSTS[1:]]
        rounds = suffer(fleet, chance, faults, lasting)
        heal(fleet)
        try:
            wait_for(lambda: alike(fleet), "all hosts have the same", 300)
        finally:
            show(fleet)
        fleet.witness.in_sync(4, seconds=300)
    for receives in watched:
        receives.check()
    moved = check_jobs(fleet.witness.database)
    for name in HOSTS[1:]:
        for below in ("", "/below"):
            have = len(fleet.guids(name, ROOTS[name] + below))
            assert have == before + rounds
            assert moved[f"{name}:{ROOTS[name]}{below}"] <= have
        assert fleet.host(name).ssh(["zfs", "list", "-H", "-o", "name"]).stdout.split()[1:] == [
            ROOTS[name],
            f"{ROOTS[name]}/below",
            f"{POOLS[name]}/filler",
        ]
        assert contents(fleet, name) == contents(fleet, "h1")


def suffer(fleet: Fleet, chance: random.Random, faults: int, lasting: Sequence[float]) -> int:
    """Make a snapshot and let faults come while it travels, until there were so many; how many snapshots."""
    rounds = 0
    while faults > 0:
        mend(fleet)
        write(fleet, len(fleet.guids("h1", ROOTS["h1"])), chance)
        wait_for(lambda: in_hand(fleet), "there is work", 180)
        for fault in chance.sample(KINDS, min(faults, chance.choice(TOGETHER))):
            print(f"{rounds}: {fault(fleet, chance)}", flush=True)
            faults -= 1
        time.sleep(chance.choice(lasting))
        rounds += 1
    return rounds


def in_hand(fleet: Fleet) -> bool:
    """Whether a job runs, or has run since the last snapshot: small ones end between two looks."""
    ask_again(fleet)
    running = (
        fleet.witness.call("GET", "/jobs?state=running")["items"]
        + fleet.witness.call("GET", "/jobs?state=lost")["items"]
    )
    return bool(running) or set(fleet.witness.outcomes("g").values()) == {"IN_SYNC"}


def show(fleet: Fleet) -> None:
    """What to look at where it does not end well."""
    shown = fleet.witness.call("GET", "/status?group=g")
    for each in shown["items"]:
        print(f"{each['edge']}/{each['relative']}: {each['outcome']} {each['job']} {each['error']}")
    for each in shown["systems"]:
        print(f"{each['name']}: online {each['online']}, {each['warnings']}")


def alike(fleet: Fleet) -> bool:
    ask_again(fleet)
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
