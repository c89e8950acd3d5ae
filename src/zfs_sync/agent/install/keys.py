# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The ssh key that this host shows its peers, and the id of this installation."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from zfs_sync.agent.files import read_text
from zfs_sync.agent.identity import ensure_seed, seed_path
from zfs_sync.agent.install.account import run
from zfs_sync.agent.install.resource import SECRET, Change

HOST_KEYS = Path("/etc/ssh")


@dataclass(frozen=True, slots=True)
class SshKey:
    """A private ed25519 key without passphrase, and its public half beside it."""

    path: Path
    comment: str

    def change(self) -> Change | None:
        """Whether there is none."""
        if self.path.is_file() and public_key(self.path):
            return None
        return Change(f"make ssh key {self.path}", str(self.path), None, SECRET)

    def make(self) -> None:
        """Make the key; a private key that has lost its public half gets it back."""
        if self.path.is_file():
            public = run(["ssh-keygen", "-y", "-f", str(self.path)])
            self.path.with_name(f"{self.path.name}.pub").write_text(public)
            return
        before = os.umask(0o077)
        try:
            run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", self.comment, "-f", str(self.path)])
        finally:
            os.umask(before)


@dataclass(frozen=True, slots=True)
class Installation:
    """The seed of the installation id."""

    state: Path

    def change(self) -> Change | None:
        """Whether there is none."""
        if (read_text(seed_path(self.state)) or "").strip():
            return None
        return Change("make an installation id", str(seed_path(self.state)), None, SECRET)

    def make(self) -> None:
        """Write a new one."""
        ensure_seed(self.state)


def public_key(private: Path) -> str | None:
    """The public half, type and key only; None where there is none."""
    words = (read_text(private.with_name(f"{private.name}.pub")) or "").split()
    return " ".join(words[:2]) if len(words) >= 2 else None


def host_keys(folder: Path = HOST_KEYS) -> Sequence[str]:
    """This machine's ssh host keys, type and key only."""
    found = (read_text(path) or "" for path in sorted(folder.glob("ssh_host_*_key.pub")))
    return [" ".join(text.split()[:2]) for text in found if len(text.split()) >= 2]
