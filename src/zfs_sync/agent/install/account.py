# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The account that peers log in to: no password, no privilege, and a shell for sshd to run the gate by.

The password is ``*`` and not ``!``: no password matches either, but sshd without PAM takes ``!`` for a locked account
and refuses its keys too.
"""

import grp
import os
import pwd
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from zfs_sync.agent.install.resource import Change
from zfs_sync.core.errors import ZfsSyncError

SHADOW = Path("/etc/shadow")
PROCESSES = Path("/proc")
ENDING_SECONDS = 10.0
NO_PASSWORD = "*"  # noqa: S105  (that is: none)
SHELL = "/bin/sh"


def run(argv: Sequence[str]) -> str:
    """Run a tool of the system; what it printed. Raises E_INSTALL with what it said."""
    try:
        done = subprocess.run(argv, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    except FileNotFoundError as error:
        raise ZfsSyncError("E_INSTALL", f"The command {argv[0]} is not installed on this host.") from error
    if done.returncode:
        said = " ".join(done.stderr.split()) or f"it ended with status {done.returncode}"
        raise ZfsSyncError("E_INSTALL", f"{' '.join(argv[:2])} failed: {said}.")
    return done.stdout


@dataclass(frozen=True, slots=True)
class Account:
    """A system user with a group of the same name."""

    name: str
    home: Path

    def change(self) -> Change | None:
        """Compare with the user database."""
        before, after = self._found(), self._wanted()
        if before == after:
            return None
        verb = "change" if before else "make"
        return Change(f"{verb} user {self.name}", f"user {self.name}", before, after)

    def make(self) -> None:
        """Make or mend group and user."""
        if not _group_exists(self.name):
            run(["groupadd", "--system", self.name])
        wanted = ["--gid", self.name, "--home-dir", str(self.home), "--shell", SHELL, "--password", NO_PASSWORD]
        if self._found() is None:
            run(["useradd", "--system", "--no-create-home", *wanted, self.name])
        else:
            run(["usermod", *["--home" if word == "--home-dir" else word for word in wanted], self.name])

    def _wanted(self) -> str:
        return f"group {self.name}, home {self.home}, shell {SHELL}, no password\n"

    def _found(self) -> str | None:
        try:
            user = pwd.getpwnam(self.name)
            group = grp.getgrgid(user.pw_gid).gr_name
        except KeyError:
            return None
        password = "no password" if _shadow(self.name) == NO_PASSWORD else "another password field"
        return f"group {group}, home {user.pw_dir}, shell {user.pw_shell}, {password}\n"


@dataclass(frozen=True, slots=True)
class NoAccount:
    """No user and no group of this name."""

    name: str

    def change(self) -> Change | None:
        """Whether one of them is there."""
        if not _user_exists(self.name) and not _group_exists(self.name):
            return None
        return Change(f"remove user {self.name}", f"user {self.name}", "present", None)

    def make(self) -> None:
        """Remove them; the home folder is not theirs to remove."""
        if _user_exists(self.name):
            _end_processes(pwd.getpwnam(self.name).pw_uid)
            run(["userdel", self.name])
        if _group_exists(self.name):
            run(["groupdel", self.name])


def _end_processes(uid: int) -> None:
    """End what a user runs, which here are sessions of peers: userdel(8) removes no user that is at work."""
    deadline = time.monotonic() + ENDING_SECONDS
    while (running := _processes_of(uid)) and time.monotonic() < deadline:
        for process in running:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        time.sleep(0.05)


def _processes_of(uid: int) -> list[int]:
    found = []
    for folder in PROCESSES.glob("[0-9]*"):
        with suppress(FileNotFoundError, ProcessLookupError):
            if folder.stat().st_uid == uid:
                found.append(int(folder.name))
    return found


def _user_exists(name: str) -> bool:
    return any(each.pw_name == name for each in pwd.getpwall())


def _group_exists(name: str) -> bool:
    return any(each.gr_name == name for each in grp.getgrall())


def _shadow(name: str) -> str | None:
    for line in SHADOW.read_text().splitlines():
        if line.startswith(f"{name}:"):
            return line.split(":")[1]
    return None
