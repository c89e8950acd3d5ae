# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The ZFS of this host as the engine and the agent use it."""

import subprocess
from collections.abc import Mapping, Sequence

from zfs_sync.zfs import commands, listing, parsing
from zfs_sync.zfs.capabilities import Capabilities, probe
from zfs_sync.zfs.listing import Dataset
from zfs_sync.zfs.parsing import Pool, Property
from zfs_sync.zfs.runner import Runner, demand

HELD_ALREADY = "tag already exists"
NOT_HELD = "no such tag"
GONE = "does not exist"


class Zfs:
    """Reads, and changes what replication has to change, through one runner."""

    def __init__(self, runner: Runner, capabilities: Capabilities | None = None) -> None:
        """Without ``capabilities`` they are probed now. Raises E_ZFS_MISSING where zfs is not installed."""
        self._runner = runner
        self.capabilities = probe(runner) if capabilities is None else capabilities

    def datasets(self, roots: Sequence[str], *, recursive: bool = True) -> tuple[Dataset, ...]:
        """Everything at (and below) ``roots``, by path, with snapshots. A root that does not exist is left out."""
        return listing.datasets(self._runner, self.capabilities, roots, recursive=recursive)

    def dataset(self, path: str) -> Dataset | None:
        """One dataset with its snapshots; None where it does not exist."""
        found = self.datasets([path], recursive=False)
        return found[0] if found else None

    def creations(self, snapshots: Sequence[str]) -> Mapping[str, int]:
        """When these snapshots (full names) were made, in seconds since 1970."""
        return listing.creations(self._runner, snapshots)

    def pools(self) -> tuple[Pool, ...]:
        """The pools that are imported."""
        return parsing.pools(demand(self._runner.run(commands.list_pools()), "the pools").stdout)

    def properties(self, path: str, names: Sequence[str]) -> Mapping[str, Property]:
        """These properties of one dataset; empty where it does not exist."""
        done = self._runner.run(commands.get(names, [path]))
        if not done.ok and parsing.only_absent(done.stderr):
            return {}
        return parsing.by_name(demand(done, path).stdout).get(path, {})

    def stream_bytes(self, path: str, base: str | None, to: str, *, alone: bool = False) -> int | None:
        """About how many bytes a send would make; None where this platform cannot tell.

        Where ``zfs send -n`` is missing, a full stream is about what its snapshot refers to.
        """
        if self.capabilities.estimates:
            done = self._runner.run(commands.estimate(path, base, to, alone=alone))
            return parsing.stream_size(done.stdout + done.stderr) if done.ok else None
        if base is not None:
            return None
        name = commands.snapshot(path, to)
        found = self.properties(name, ["referenced"]).get("referenced")
        return parsing.optional_number(found.value) if found else None

    def spawn_send(
        self, path: str, base: str | None, to: str, *, alone: bool = False, stdout: int, stderr: int
    ) -> "subprocess.Popen[bytes]":
        """Start ``zfs send``."""
        argv = commands.send(path, base, to, alone=alone)
        return self._runner.spawn(argv, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr)

    def spawn_receive(
        self, path: str, *, properties: Mapping[str, str] | None = None, stderr: int, pass_fds: Sequence[int]
    ) -> "subprocess.Popen[bytes]":
        """Start ``zfs receive`` on a pipe; ``properties`` only where ``-o`` works, for a dataset that is new."""
        able = self.capabilities.receive
        argv = commands.receive(path, unmounted="u" in able, properties=properties if "o" in able else None)
        return self._runner.spawn(
            argv, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=stderr, pass_fds=pass_fds
        )

    def set_property(self, path: str, name: str, value: str) -> None:
        """Set one property locally."""
        demand(self._runner.run(commands.set_property(path, name, value)), path)

    def unmount(self, path: str) -> None:
        """Unmount, without force."""
        demand(self._runner.run(commands.unmount(path)), path)

    def hold(self, tag: str, path: str, label: str) -> None:
        """Hold a snapshot; held already is well."""
        done = self._runner.run(commands.hold(tag, path, label))
        if HELD_ALREADY not in done.stderr:
            demand(done, f"{path}@{label}")

    def release(self, tag: str, path: str, label: str) -> None:
        """Take a hold back; not held, or gone altogether, is well."""
        done = self._runner.run(commands.release(tag, path, label))
        if NOT_HELD not in done.stderr and GONE not in done.stderr:
            demand(done, f"{path}@{label}")
