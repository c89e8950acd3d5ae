# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""On two lab hosts: what the agent and its gate cost, and how long a snapshot takes to the target.

Beside the agent and the gate stands the bare start of the host's own Python, beside the way of a snapshot
``zfs send -i | ssh | zfs receive`` as root.
"""

import json
import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.bench.measured import Goal, Measured
from tests.bench.run import Run
from tests.bench.starting import pss_mib
from tests.bench.timing import Way, medians
from tests.integration.agent.fleet import Fleet, Witness, build_package
from tests.lab.cleanup import remove_abandoned
from tests.lab.host import Host
from tests.lab.lab import Lab

GATE_SECONDS = 0.05
TRAVEL_RATIO = 2.0
SIZE = "8G"
CPU = """
import json, resource, subprocess, sys
for _ in range(int(sys.argv[1])):
    subprocess.run(sys.argv[2:], stdin=subprocess.DEVNULL, capture_output=True)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps((used.ru_utime + used.ru_stime) / int(sys.argv[1])))
"""
IDLE = "import time; time.sleep(600)"
ARRIVAL = "while ! zfs list -H -o name {snapshot} >/dev/null 2>&1; do sleep 0.02; done"


def measure(run: Run) -> list[Measured]:
    """Everything on one pair of hosts, h1 with the data and h2 with its copy."""
    with _fleet(run) as fleet:
        small, large = 1, run.size(128, quick=2)
        return [
            *_agent(fleet, run),
            _gate(fleet.host("h1"), run),
            _travel(fleet, run, "travel-small", small),
            _travel(fleet, run, "travel-large", large),
        ]


@contextmanager
def _fleet(run: Run) -> Iterator[Fleet]:
    remove_abandoned()
    folder = run.folder / "hosts"
    folder.mkdir(parents=True)
    with Lab.create(f"bench{os.getpid()}", ("h1", "h2"), owner_pid=os.getpid()) as lab:
        try:
            witness = Witness(lab, folder)
            witness.init()
            witness.start()
            fleet = Fleet(lab, witness, build_package(folder / "zfs-sync-agent.pyz"))
            _replicate(fleet)
            yield fleet
            witness.kill()
        finally:
            lab.down()


def _replicate(fleet: Fleet) -> None:
    source, target = fleet.host("h1"), fleet.host("h2")
    source.create_pool("tank", SIZE)
    target.create_pool("backup", SIZE)
    source.ssh("ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id_ed25519")
    target.ssh("cat >> /root/.ssh/authorized_keys", input=source.ssh("cat /root/.ssh/id_ed25519.pub").stdout.encode())
    source.ssh("zfs create tank/data && zfs create tank/plain && zfs snapshot -r tank@s0")
    source.ssh("zfs send tank/plain@s0 | ssh -o StrictHostKeyChecking=accept-new h2 zfs receive backup/plain")
    members = [
        {"system": "h1", "dataset": "tank/data", "role": "source"},
        {"system": "h2", "dataset": "backup/data", "role": "target"},
    ]
    fleet.configure("h1", [{"dataset": "tank/data", "operations": ["send"]}])
    fleet.configure("h2", [{"dataset": "backup/data", "operations": ["receive"]}])
    fleet.witness.apply({"version": 1, "systems": {"h1": {}, "h2": {}}, "sync_groups": {"g": {"members": members}}})
    for name in ("h1", "h2"):
        fleet.install(name)
    fleet.trust("h1", "h2")
    fleet.witness.in_sync(1)


def _agent(fleet: Fleet, run: Run) -> list[Measured]:
    host = fleet.host("h1")
    bare, ours = medians(
        Way(lambda: host.ssh("systemd-run --wait --quiet python3 -c pass")),
        Way(lambda: host.ssh("systemctl restart zfs-sync-agent")),
        rounds=run.rounds,
    )
    fleet.witness.in_sync(1)
    idle = int(host.ssh(f"setsid python3 -c {json.dumps(IDLE)} >/dev/null 2>&1 & echo $!").stdout)
    baseline = pss_mib(host.ssh(f"sleep 1; cat /proc/{idle}/smaps_rollup; kill {idle}").stdout)
    what = "the host's Python that does nothing"
    return [
        Measured("agent-start", "systemctl restart zfs-sync-agent, until it is ready", what, "s", ours, bare),
        Measured("agent-memory", "the agent's PSS, at rest", what, "MiB", fleet.pss_mib("h1"), baseline),
    ]


def _gate(host: Host, run: Run) -> Measured:
    def cpu(*command: str) -> float:
        return float(json.loads(host.ssh(["python3", "-c", CPU, "5", *command]).stdout))

    pairs = [(cpu("zfs-sync-agent", "gate", "--peer", "h2"), cpu("python3", "-c", "pass")) for _ in range(run.rounds)]
    ours, baseline = (statistics.median(each[place] for each in pairs) for place in (0, 1))
    what = "zfs-sync-agent gate: a peer's connection is handed to the agent, and its refusal is passed on"
    return Measured("gate", what, "python3 -c pass", "s CPU", ours, baseline, Goal("ours", GATE_SECONDS))


def _travel(fleet: Fleet, run: Run, name: str, mib: int) -> Measured:
    """From the command that makes a snapshot to the moment at which the target lists it."""
    source, target = fleet.host("h1"), fleet.host("h2")
    ours, plain = [], []
    for turn in range(run.rounds):
        label = f"{name}-{turn}"
        for dataset in ("plain", "data"):
            _write(source, f"/tank/{dataset}/{name}", mib)
        plain.append(_seconds(lambda label=label: _by_hand(source, label)))
        fleet.witness.in_sync(1)
        ours.append(_seconds(lambda label=label: _by_itself(source, target, label)))
    return Measured(
        name,
        f"a snapshot of {mib} MiB of new data, made at the source, until the target lists it; looked for each second",
        "zfs send -i | ssh | zfs receive of as much",
        "s",
        statistics.median(ours),
        statistics.median(plain),
        Goal("ratio", TRAVEL_RATIO),
        {"mib": mib},
    )


def _write(host: Host, path: str, mib: int) -> None:
    host.ssh(f"dd if=/dev/urandom of={path} bs=1M count={mib} conv=fsync 2>/dev/null")


def _by_hand(source: Host, label: str) -> None:
    last = "zfs list -H -t snapshot -o name -s createtxg -r tank/plain | tail -n 1"
    new = f"tank/plain@{label}"
    source.ssh(f'base=$({last}); zfs snapshot {new} && zfs send -i "$base" {new} | ssh h2 zfs receive backup/plain')


def _by_itself(source: Host, target: Host, label: str) -> None:
    source.ssh(["zfs", "snapshot", f"tank/data@{label}"])
    target.ssh(ARRIVAL.format(snapshot=f"backup/data@{label}"))


def _seconds(work: Callable[[], None]) -> float:
    before = time.perf_counter()
    work()
    return time.perf_counter() - before
