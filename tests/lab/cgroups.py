"""One cgroup per host: the handle by which it is found, frozen, limited and ended, whatever became of its starter.

Two layouts of the machine are known. *Unified*: /sys/fs/cgroup is the v2 tree. *Hybrid*: controllers are v1 trees
beside a v2 tree in /sys/fs/cgroup/unified, which has no controllers but can freeze and kill; there a host is entered in
the v2 tree, in systemd's own v1 tree (nspawn wants both) and in the v1 memory tree.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.lab.errors import LabError
from tests.lab.names import PREFIX
from tests.lab.process import wait_until

MOUNT = Path("/sys/fs/cgroup")
_JOINER = Path(__file__).with_name("in_cgroup.sh")


@dataclass(frozen=True, slots=True)
class Trees:
    """The cgroup trees of this machine: `primary` is v2, `others` the v1 trees that a host is entered in as well."""

    primary: Path
    others: tuple[Path, ...] = ()

    @property
    def all(self) -> tuple[Path, ...]:
        return (self.primary, *self.others)

    @property
    def unified(self) -> bool:
        return not self.others


def trees(mount: Path = MOUNT) -> Trees:
    """Return the layout of this machine. Raises LabError when it has no v2 tree at all."""
    if (mount / "cgroup.controllers").exists():
        return Trees(mount)
    if (mount / "unified/cgroup.procs").exists():
        others = (mount / name for name in ("systemd", "memory"))
        return Trees(mount / "unified", tuple(tree for tree in others if (tree / "cgroup.procs").exists()))
    raise LabError(
        f"no cgroup v2 tree in {mount} or {mount}/unified: mount one (mount -t cgroup2 none {mount}/unified)"
    )


@dataclass(frozen=True, slots=True)
class Cgroup:
    """A cgroup of the lab, by the same path in every tree."""

    trees: Trees
    path: str

    @classmethod
    def of(cls, *parts: str) -> Cgroup:
        return cls(trees(), "/".join((PREFIX, *parts)))

    @property
    def primary(self) -> Path:
        return self.trees.primary / self.path

    def create(self) -> None:
        """Make the cgroup, in a v2 tree with the controllers that the machine hands down."""
        for tree in self.trees.all:
            (tree / self.path).mkdir(parents=True, exist_ok=True)
        if self.trees.unified:
            self._hand_down_controllers()

    def _hand_down_controllers(self) -> None:
        parts = Path(self.path).parts
        for depth in range(len(parts)):
            folder = self.trees.primary.joinpath(*parts[:depth])
            for controller in _read(folder / "cgroup.controllers").split():
                if controller in ("cpu", "io", "memory", "pids"):
                    _write_if_allowed(folder / "cgroup.subtree_control", f"+{controller}")

    def empty(self) -> None:
        """Remove the cgroups below, which are without processes, so that a process may join this one again.

        In a v2 tree, a cgroup that hands controllers down takes no processes; nspawn lets the host's do that.
        """
        for child in self.primary.glob("*/"):
            wait_until(partial(_remove_tree, child), f"cgroup {child} to be free")
        for controller in _read(self.primary / "cgroup.subtree_control").split():
            (self.primary / "cgroup.subtree_control").write_text(f"-{controller}")

    def joiner(self) -> list[str]:
        """Return the words that, before an argv, make it run in this cgroup."""
        return ["sh", str(_JOINER), *(str(tree / self.path / "cgroup.procs") for tree in self.trees.all), "--"]

    def processes(self) -> list[int]:
        """Return the ids of all processes in the cgroup and below it."""
        return [pid for folder in _folders(self.primary) for pid in _pids_in(folder)]

    def leader(self) -> int | None:
        """Return the process that is PID 1 of its own namespace: the systemd of a host.

        nspawn has short-lived children besides, so the first child will not do; and as the cgroup is the host's own, an
        id that was reused by a stranger cannot be met here.
        """
        return next((pid for pid in self.processes() if _namespace_pids(pid)[1:] == ["1"]), None)

    @property
    def frozen(self) -> bool:
        return "frozen 1" in _read(self.primary / "cgroup.events").splitlines()

    def freeze(self, frozen: bool) -> None:
        """Stop or continue all processes; returns when the kernel says that they have."""
        (self.primary / "cgroup.freeze").write_text("1" if frozen else "0")
        wait_until(lambda: self.frozen == frozen, f"{self.path} to {'freeze' if frozen else 'thaw'}")

    def limit_memory(self, limit_bytes: int | None) -> None:
        """Limit the memory of all processes together, or lift the limit."""
        file = self._memory_file()
        if limit_bytes is None and self.memory_limit() is None:
            return
        if not file.exists():
            raise LabError(f"no memory controller for {self.path}: this machine hands none down to {MOUNT}")
        try:
            file.write_text(str(limit_bytes) if limit_bytes is not None else ("max" if self.trees.unified else "-1"))
        except OSError as error:
            raise LabError(f"{self.path} cannot be limited to {limit_bytes} bytes: it uses more ({error})") from error

    def memory_limit(self) -> int | None:
        """Return the limit in bytes, or None when there is none."""
        text = _read(self._memory_file()).strip()
        limit = int(text) if text.isdecimal() else None
        return limit if limit is not None and limit < 1 << 60 else None

    def _memory_file(self) -> Path:
        if self.trees.unified:
            return self.primary / "memory.max"
        return MOUNT / "memory" / self.path / "memory.limit_in_bytes"

    def kill(self) -> None:
        """End all processes at once, frozen or not, and wait until they are gone."""
        if not self.primary.exists():
            return
        wait_until(self._kill_round, f"the processes of {self.path} to end")

    def _kill_round(self) -> bool:
        """Kill by id only where the kernel is too old (before 5.14) to kill a cgroup as a whole."""
        processes = self.processes()
        if processes and not _write_if_allowed(self.primary / "cgroup.kill", "1"):
            for pid in processes:
                kill(pid, signal.SIGKILL)
        return not processes

    def remove(self) -> None:
        """Remove the cgroup from every tree. The kernel calls it busy until the last dead process is reaped."""
        for tree in self.trees.all:
            wait_until(partial(_remove_tree, tree / self.path), f"cgroup {tree / self.path} to be free")


def kill(pid: int, number: signal.Signals) -> None:
    """Send a signal to a process that may be gone by now."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _folders(top: Path) -> Iterator[Path]:
    for folder, _, _ in os.walk(top):
        yield Path(folder)


def _remove_tree(top: Path) -> bool:
    for folder, _, _ in os.walk(top, topdown=False):
        try:
            Path(folder).rmdir()
        except FileNotFoundError:
            continue
        except OSError:
            return False
    return True


def _pids_in(folder: Path) -> list[int]:
    return [int(word) for word in _read(folder / "cgroup.procs").split()]


def _namespace_pids(pid: int) -> list[str]:
    for line in _read(Path(f"/proc/{pid}/status")).splitlines():
        if line.startswith("NSpid:"):
            return line.split()[1:]
    return []


def _read(file: Path) -> str:
    """Return what a file of the kernel says; nothing when it went away meanwhile."""
    try:
        return file.read_text()
    except OSError:
        return ""


def _write_if_allowed(file: Path, text: str) -> bool:
    try:
        file.write_text(text)
    except OSError:
        return False
    return True
