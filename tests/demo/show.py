"""The demo's steps, each said before it is done and checked after. What is not as it should be ends it."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import time
from collections.abc import Callable

from tests.demo.stage import ROOT, Stage, ansible_environment, build_collection, set_up
from tests.lab.errors import LabError
from tests.lab.lab import Lab

REPLICAS = (
    ("nas1", "tank/photos", "nas2", "backup/photos"),
    ("nas1", "tank/photos/2026", "nas2", "backup/photos/2026"),
    ("nas1", "tank/photos", "vault", "safe/photos"),
    ("nas1", "tank/vm images", "nas2", "backup/vm images"),
    ("nas1", "tank/vm images", "vault", "safe/vm images"),
    ("nas1", "tank/projects", "nas1", "spool/projects"),
)
ARRIVAL_SECONDS = 90
_CHANGED = re.compile(r"^(\S+)\s+:.*\bchanged=(\d+)", re.MULTILINE)
_FAILED = re.compile(r"\b(?:failed|unreachable)=([1-9]\d*)")


class SurprisedError(Exception):
    """Something in the demo is not as it should be."""


def show(name: str) -> int:
    """Set the stage in the lab ``name`` and run every step; the exit status."""
    began = time.monotonic()
    try:
        title("Building the collection that ships, and booting three hosts")
        build_collection()
        Show(set_up(name)).run()
    except (SurprisedError, LabError, subprocess.CalledProcessError) as error:
        print(f"\nThe demo stopped: {error}", file=sys.stderr)
        return 1
    print(f"\nDone in {time.monotonic() - began:.0f} s.")
    return 0


def status(name: str) -> int:
    """Say who is in sync in the fleet of the lab ``name``, who is behind, and why; the exit status."""
    try:
        Show(Stage(Lab.open(name))).status()
    except (SurprisedError, LabError) as error:
        print(f"No status: {error}", file=sys.stderr)
        return 1
    return 0


def title(text: str) -> None:
    """Say what comes next."""
    print(f"\n\033[1m=== {text}\033[0m" if sys.stdout.isatty() else f"\n=== {text}", flush=True)


class Show:
    """The steps on a stage."""

    def __init__(self, stage: Stage) -> None:
        self.stage, self.lab = stage, stage.lab

    def run(self) -> None:
        """Everything, in order."""
        deployed = self.stage.deployed()
        title("What would change: --check --diff")
        self._playbook("zfs_sync.fleet.site", "--check", "--diff")
        title("Applying examples/fleet.yml")
        changed = self._playbook("zfs_sync.fleet.site")
        if deployed and any(changed.values()):
            raise SurprisedError(f"the fleet was in sync, and yet the first apply changed something: {changed}")
        self.stage.mark_deployed()
        title("Syncing now, and comparing every file byte by byte")
        self._playbook("zfs_sync.fleet.sync_now")
        self._compare()
        title("The same playbook again: nothing changes")
        if any((changed := self._playbook("zfs_sync.fleet.site")).values()):
            raise SurprisedError(f"the second run changed something: {changed}")
        self._new_snapshot()
        self._written_target()
        self._power_cut()
        self._summary()

    def _playbook(self, name: str, *options: str) -> dict[str, int]:
        """Run a playbook of the collection with its output shown; how many changes each host had."""
        command = [*self.lab.network.inside(), *self.stage.playbook(name, *options)]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=ansible_environment(), cwd=ROOT
        )
        lines = []
        for line in process.stdout or ():
            print(f"  {line}", end="", flush=True)
            lines.append(line)
        if process.wait() or _FAILED.search("".join(lines)):
            raise SurprisedError(f"{name} failed")
        return {host: int(count) for host, count in _CHANGED.findall("".join(lines))}

    def _compare(self) -> None:
        for source, from_dataset, target, to_dataset in REPLICAS:
            sums = [self._checksums(*each) for each in ((source, from_dataset), (target, to_dataset))]
            if sums[0] != sums[1] or not sums[0]:
                raise SurprisedError(f"{target}:{to_dataset} is not {source}:{from_dataset}")
            print(f"  {source}:{from_dataset} = {target}:{to_dataset} ({len(sums[0].splitlines())} files)")

    def _checksums(self, host: str, dataset: str) -> str:
        """The checksums of a dataset's files. Targets are not mounted; this one is for as long as it takes.

        What is above it is mounted first: a mount point below a file system that is not mounted would be made in
        another one, and be in the way there.
        """
        parts = dataset.split("/")
        chain = ["/".join(parts[:length]) for length in range(2, len(parts) + 1)]
        mounts = "".join(f"mount {shlex.quote(each)}\n" for each in chain)
        script = f"""
        set -e
        mounted=()
        mount() {{
          [ "$(zfs get -H -o value mounted "$1")" = yes ] && return
          zfs mount "$1"
          mounted=("$1" "${{mounted[@]}}")
        }}
        {mounts}
        cd "$(zfs get -H -o value mountpoint {shlex.quote(dataset)})"
        find . -xdev -type f -exec sha256sum {{}} + | sort -k2
        cd /
        for each in "${{mounted[@]}}"; do zfs unmount "$each"; done
        """
        return str(self.lab.hosts[host].ssh(["bash", "-c", script]).stdout)

    def _new_snapshot(self) -> None:
        label = f"by-itself-{int(time.time())}"
        title(f"A new snapshot on nas1, tank/photos@{label}: it arrives by itself")
        self.lab.hosts["nas1"].ssh(f"date >/tank/photos/today.txt; zfs snapshot -r tank/photos@{label}")
        for host, dataset in (("nas2", "backup/photos"), ("vault", "safe/photos")):
            self._wait(
                lambda host=host, dataset=dataset: self._has(host, dataset, label), f"{dataset}@{label} on {host}"
            )

    def _written_target(self) -> None:
        title("Somebody makes a target writable and writes to it: refused, reported, mended")
        target = self.lab.hosts["nas2"]
        label = f"after-the-write-{int(time.time())}"
        target.ssh(
            "set -e; zfs set readonly=off backup/photos; zfs mount backup/photos; echo oops >/backup/photos/oops"
        )
        target.ssh("set -e; zfs unmount backup/photos; zfs set readonly=on backup/photos")
        self.lab.hosts["nas1"].ssh(f"zfs snapshot tank/photos@{label}")
        self._wait(lambda: "E_TARGET_MODIFIED" in self._status(), "the refusal")
        hint = re.search(r"zfs rollback [^\n]*", self._status())
        if hint is None:
            raise SurprisedError("the error does not say how to mend it")
        command = hint.group(0).strip().rstrip(".\"'").strip()
        print(f"  The error says: {command}")
        target.ssh(command)
        self._playbook("zfs_sync.fleet.sync_now")
        if not self._has("nas2", "backup/photos", label):
            raise SurprisedError("the mended target did not catch up")

    def _power_cut(self) -> None:
        title("vault loses power, snapshots go on, power comes back: it catches up")
        vault = self.lab.hosts["vault"]
        vault.power_cut()
        label = f"in-the-dark-{int(time.time())}"
        self.lab.hosts["nas1"].ssh(f"zfs snapshot 'tank/vm images@{label}'")
        self._wait(lambda: self._has("nas2", "backup/vm images", label), "the other target goes on meanwhile")
        vault.power_on()
        self._wait(lambda: self._has("vault", "safe/vm images", label), "vault has caught up")

    def _has(self, host: str, dataset: str, label: str) -> bool:
        done = self.lab.hosts[host].ssh(f"zfs list -H -t snapshot '{dataset}@{label}'", check=False)
        return done.returncode == 0

    def _status(self) -> str:
        command = self.stage.playbook("zfs_sync.fleet.status")
        return self.lab.run(command, cwd=ROOT, environment=ansible_environment()).stdout

    def _wait(self, condition: Callable[[], bool], what: str) -> None:
        began = time.monotonic()
        while not condition():
            if time.monotonic() - began > ARRIVAL_SECONDS:
                raise SurprisedError(f"{what}: not within {ARRIVAL_SECONDS} s")
            time.sleep(0.5)
        print(f"  {what}: after {time.monotonic() - began:.1f} s", flush=True)

    def status(self) -> None:
        """The witness's view of the fleet."""
        if not self.stage.deployed():
            raise SurprisedError("this clone's build is not what its hosts run: make demo")
        self._playbook("zfs_sync.fleet.status")

    def _summary(self) -> None:
        title("The fleet as the witness sees it")
        self.status()
        print(
            f"""
  Look around:   make lab-ssh LAB={self.lab.name} HOST=nas2     then: zfs list -t all, zfs-sync-agent doctor
  The fleet:     make demo-status
  The witness:   https://nas1:8462, in the lab's own network; its API is described at /docs
  Tear down:     make demo-down"""
        )
