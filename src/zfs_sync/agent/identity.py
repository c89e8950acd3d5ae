# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Who this agent is: its installation id and its keys, as files that only root reads.

The installation id is made from a seed, written once at install, and the machine id. So a clone with the same files but
another machine id is another installation, and the witness refuses the key that it brought along (E_AGENT_CLONED).
"""

import hashlib
import secrets
from collections.abc import Iterable
from pathlib import Path

from zfs_sync.agent.config import AgentConfig
from zfs_sync.agent.files import read_text, remove, write_atomically
from zfs_sync.core import tokens
from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.core.tokens import Token

MACHINE_ID_FILES = (Path("/etc/machine-id"), Path("/var/lib/dbus/machine-id"), Path("/etc/hostid"))
PRIVATE = 0o600


def seed_path(state: Path) -> Path:
    """Where the seed of the installation id lies."""
    return state / "installation"


def ensure_seed(state: Path) -> bool:
    """Write the seed where there is none; whether it had to be written."""
    path = seed_path(state)
    if (read_text(path) or "").strip():
        return False
    write_atomically(path, f"{secrets.token_hex(16)}\n".encode(), PRIVATE)
    return True


def installation_id(state: Path, machine_ids: Iterable[Path] = MACHINE_ID_FILES) -> str:
    """This installation's id. Raises E_INSTALL where there is no seed."""
    seed = (read_text(seed_path(state)) or "").strip()
    if not seed:
        raise ZfsSyncError("E_INSTALL", f"This host has no installation id in {seed_path(state)}.")
    machine = next((text.strip() for path in machine_ids if (text := read_text(path)) and text.strip()), "")
    return hashlib.sha256(f"{seed}\n{machine}".encode()).hexdigest()[:32]


class KeyFiles:
    """The agent's own key, the one that it proposes while it enrols, and the enrol key."""

    def __init__(self, config: AgentConfig) -> None:
        self.own = config.key_path
        self.pending = self.own.with_name(f"{self.own.name}.pending")
        self.enrol = config.enrol_key_path

    @property
    def enrolled(self) -> bool:
        """Whether the witness has accepted a key of this agent."""
        return bool((read_text(self.own) or "").strip())

    def own_token(self) -> Token:
        """The agent's key. Raises E_UNAUTHENTICATED where there is none, E_KEY_MALFORMED for a broken one."""
        token = _read(self.own)
        if token is None:
            raise ZfsSyncError(
                "E_UNAUTHENTICATED",
                f"This host is not enrolled: there is no key in {self.own}.",
                hint=f"Make an enrol key for it, put it into {self.enrol}, and the agent enrols by itself.",
            )
        return token

    def enrol_token(self) -> Token | None:
        """The enrol key; None where there is none. Raises E_KEY_MALFORMED for a broken one."""
        return _read(self.enrol)

    def propose(self) -> Token:
        """The key to enrol with: on disk before the witness hears of it, so that a crash repeats the same words."""
        token = _read(self.pending)
        if token is None:
            token = tokens.mint("agent", secrets.token_bytes)
            write_atomically(self.pending, f"{token.text}\n".encode(), PRIVATE)
        return token

    def proposed_token(self) -> Token | None:
        """The key that is proposed and not accepted yet."""
        return _read(self.pending)

    def forget_proposed(self) -> None:
        """Nobody will accept it."""
        remove(self.pending)

    def accept(self) -> None:
        """The witness took the proposed key: it is ours, and the enrol key is used up."""
        self.pending.replace(self.own)
        remove(self.enrol)


def _read(path: Path) -> Token | None:
    text = (read_text(path) or "").strip()
    if not text:
        return None
    try:
        return tokens.parse(text)
    except ZfsSyncError as error:
        raise ZfsSyncError("E_KEY_MALFORMED", f"The key in {path} is not complete or was mistyped.") from error
