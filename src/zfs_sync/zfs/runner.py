# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Running zfs(8) and zpool(8) by argument list, with predictable output.

The tools are looked for where systems keep them even when the caller's PATH does not say so, and speak the C locale,
because the classifier reads their messages.
"""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.zfs.errors import classify

SYSTEM_DIRECTORIES = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
TIMEOUT_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Completed:
    """What a command said and how it ended."""

    argv: tuple[str, ...]
    returncode: int
    stdout: str
    stderr: str

    @property
    def ok(self) -> bool:
        """Whether it ended with status 0."""
        return self.returncode == 0


class Runner(Protocol):
    """Runs what ``zfs_sync.zfs.commands`` builds; the first word of each list is ``zfs`` or ``zpool``."""

    def run(self, argv: Sequence[str], *, timeout_seconds: float = TIMEOUT_SECONDS) -> Completed:
        """Run to the end with no input. Raises E_ZFS_MISSING without the tool, E_ZFS_FAILED after the timeout."""
        ...

    def spawn(
        self, argv: Sequence[str], *, stdin: int, stdout: int, stderr: int, pass_fds: Sequence[int] = ()
    ) -> "subprocess.Popen[bytes]":
        """Start a sender or receiver on these descriptors (or ``subprocess.PIPE``)."""
        ...


class LocalRunner:
    """Runs the tools of this host."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        """``environment`` is what PATH is taken from; default the process's own."""
        inherited = os.environ if environment is None else environment
        self._path = os.pathsep.join([*filter(None, [inherited.get("PATH")]), *SYSTEM_DIRECTORIES])
        self._environment = {"LC_ALL": "C", "PATH": self._path}

    def run(self, argv: Sequence[str], *, timeout_seconds: float = TIMEOUT_SECONDS) -> Completed:
        """Run to the end with no input. Raises E_ZFS_MISSING without the tool, E_ZFS_FAILED after the timeout."""
        try:
            done = subprocess.run(
                self._resolve(argv),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                env=self._environment,
                timeout=timeout_seconds,
                encoding="utf-8",
                errors="replace",
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise ZfsSyncError(
                "E_ZFS_FAILED", f"{' '.join(argv[:2])} did not end within {timeout_seconds:g} s."
            ) from error
        return Completed(tuple(argv), done.returncode, done.stdout, done.stderr)

    def spawn(
        self, argv: Sequence[str], *, stdin: int, stdout: int, stderr: int, pass_fds: Sequence[int] = ()
    ) -> "subprocess.Popen[bytes]":
        """Start in a process group of its own, so that a terminal's interrupt reaches us and not the pipeline."""
        return subprocess.Popen(
            self._resolve(argv),
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            env=self._environment,
            pass_fds=tuple(pass_fds),
            process_group=0,
        )

    def missing_tools(self) -> list[str]:
        """Which of the tools are not installed on this host."""
        return [name for name in ("zfs", "zpool") if shutil.which(name, path=self._path) is None]

    def _resolve(self, argv: Sequence[str]) -> list[str]:
        program = shutil.which(argv[0], path=self._path)
        if program is None:
            raise ZfsSyncError("E_ZFS_MISSING", f"The command {argv[0]} is not installed on this host.")
        return [program, *argv[1:]]


def demand(done: Completed, dataset: str) -> Completed:
    """``done`` itself, or the classified error of a command about ``dataset`` that failed."""
    if not done.ok:
        raise classify(done.stderr, dataset, verb=done.argv[1])
    return done
