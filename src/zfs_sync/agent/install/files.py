# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Files, folders and links with their owners and modes."""

import grp
import os
import pwd
import shutil
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from zfs_sync.agent.files import remove, sync_directory, write_atomically
from zfs_sync.agent.install.resource import SECRET, Change


@dataclass(frozen=True, slots=True)
class Owner:
    """User and group by name; an account that is still to be made owns nothing yet."""

    user: str = "root"
    group: str = "root"

    def owns(self, status: os.stat_result) -> bool:
        """Whether a file of this status belongs to them."""
        return (status.st_uid, status.st_gid) == (_id(self._uid), _id(self._gid))

    def take(self, path: Path) -> None:
        """Give the file to them."""
        os.chown(path, self._uid(), self._gid(), follow_symlinks=False)

    def _uid(self) -> int:
        return pwd.getpwnam(self.user).pw_uid

    def _gid(self) -> int:
        return grp.getgrnam(self.group).gr_gid

    def __str__(self) -> str:
        return f"{self.user}:{self.group}"


def _id(look_up: Callable[[], int]) -> int | None:
    try:
        return look_up()
    except KeyError:
        return None


@dataclass(frozen=True, slots=True)
class File:
    """A file with this content, mode and owner."""

    path: Path
    content: bytes
    mode: int
    owner: Owner
    secret: bool = False

    def change(self) -> Change | None:
        """Compare with what is there."""
        status = _status(self.path)
        if status is None or not stat.S_ISREG(status.st_mode):
            return Change(f"write {self.path}", str(self.path), None, self._shown(self.content))
        before = self.path.read_bytes()
        if before != self.content:
            return Change(f"change {self.path}", str(self.path), self._shown(before), self._shown(self.content))
        return _access_change(self.path, status, self.mode, self.owner)

    def make(self) -> None:
        """Write it beside its place, give it to its owner, and move it in."""
        write_atomically(self.path, self.content, self.mode, chown=self.owner.take)

    def _shown(self, content: bytes) -> str:
        return SECRET if self.secret else content.decode(errors="replace")


@dataclass(frozen=True, slots=True)
class Binary:
    """A file whose content is not worth showing; immutable once it is there."""

    path: Path
    content: bytes
    mode: int
    owner: Owner
    title: str

    def change(self) -> Change | None:
        """Compare with what is there."""
        status = _status(self.path)
        if status is None or self.path.read_bytes() != self.content:
            return Change(f"put {self.title} at {self.path}", str(self.path), None, f"{self.title}\n")
        return _access_change(self.path, status, self.mode, self.owner)

    def make(self) -> None:
        """Write it."""
        write_atomically(self.path, self.content, self.mode, chown=self.owner.take)


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder with this mode and owner."""

    path: Path
    mode: int
    owner: Owner

    def change(self) -> Change | None:
        """Compare with what is there."""
        status = _status(self.path)
        if status is None:
            return Change(f"make folder {self.path}", str(self.path), None, _access(self.mode, str(self.owner)))
        return _access_change(self.path, status, self.mode, self.owner)

    def make(self) -> None:
        """Make it, and what is missing above it."""
        self.path.mkdir(mode=0o755, parents=True, exist_ok=True)
        self.owner.take(self.path)
        self.path.chmod(self.mode)


@dataclass(frozen=True, slots=True)
class Link:
    """A symbolic link, switched atomically."""

    path: Path
    target: str

    def change(self) -> Change | None:
        """Compare with what is there."""
        before = str(self.path.readlink()) if self.path.is_symlink() else None
        if before == self.target:
            return None
        return Change(f"point {self.path} to {self.target}", str(self.path), before, self.target)

    def make(self) -> None:
        """Make the link beside its place and move it in."""
        fresh = self.path.with_name(f".{self.path.name}.new")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(self.target)
        fresh.replace(self.path)
        sync_directory(self.path.parent)


@dataclass(frozen=True, slots=True)
class Absent:
    """Nothing at this path: no file, no link, no folder. What a folder holds goes with it."""

    path: Path

    def change(self) -> Change | None:
        """Whether something is there."""
        if _status(self.path) is None:
            return None
        return Change(f"remove {self.path}", str(self.path), "present", None)

    def make(self) -> None:
        """Remove it."""
        if self.path.is_dir() and not self.path.is_symlink():
            shutil.rmtree(self.path)
        else:
            remove(self.path)


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None


def _access(mode: int, owner: str) -> str:
    return f"mode {mode:04o} {owner}\n"


def _access_change(path: Path, status: os.stat_result, mode: int, owner: Owner) -> Change | None:
    before = stat.S_IMODE(status.st_mode)
    if before == mode and owner.owns(status):
        return None
    shown = _access(before, f"{status.st_uid}:{status.st_gid}")
    return Change(f"set mode and owner of {path}", str(path), shown, _access(mode, str(owner)))
