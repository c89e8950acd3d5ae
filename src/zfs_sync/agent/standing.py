# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Whether the witness takes this host's key: asked with the key, because a file alone proves nothing.

A witness that was lost and built anew knows none of the keys that its agents still have, and a revoked key looks like
any other on disk. A witness that cannot be reached says neither, and is no reason to enrol again.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, Literal

from zfs_sync.agent.config import AgentConfig
from zfs_sync.agent.enrolment import client_for
from zfs_sync.agent.identity import KeyFiles, installation_id
from zfs_sync.core.errors import ZfsSyncError

REFUSALS = frozenset(
    {
        "E_AGENT_CLONED",
        "E_FORBIDDEN",
        "E_INSTALL",
        "E_KEY_MALFORMED",
        "E_SYSTEM_NOT_FOUND",
        "E_UNAUTHENTICATED",
    }
)
"""What says that the key is of no use any more; any other trouble may pass."""
ASK_SECONDS = 8.0


@dataclass(frozen=True, slots=True)
class Standing:
    """What the witness makes of this host's key."""

    state: Literal["none", "enrolled", "pending", "refused", "unknown"]
    """none: there is no key. pending: it waits for approval. unknown: the witness could not be asked."""
    reason: ZfsSyncError | None = None
    """Why it is refused or unknown."""

    @property
    def enrolled(self) -> bool:
        """Whether there is a key that was not refused."""
        return self.state in ("enrolled", "pending", "unknown")

    def answer(self) -> dict[str, Any]:
        """The part of the installer's answer."""
        reason = self.reason
        words = {"code": reason.code, "message": reason.message, "hint": reason.hint} if reason else {}
        return {"state": self.state, "code": None, "message": None, "hint": None, **words}


def standing(config: AgentConfig, *, ca: str | None = None) -> Standing:
    """Ask the witness. ``ca`` is the certificate (PEM) of its CA, where that is not in its file yet."""
    if not KeyFiles(config).enrolled:
        return Standing("none")
    try:
        with _ca_file(ca, config.ca_path) as path:
            state = _ask(config, path)
    except ZfsSyncError as error:
        return Standing("refused" if error.code in REFUSALS else "unknown", error)
    return Standing(state)


def _ask(config: AgentConfig, ca_file: Path | None) -> Literal["enrolled", "pending"]:
    files = KeyFiles(config)
    client = client_for(config, lambda: files.own_token().text, ca_file=ca_file, timeout_seconds=ASK_SECONDS)
    try:
        return client.enrolment(config.system, installation_id(config.state)).state
    finally:
        client.close()


@contextmanager
def _ca_file(ca: str | None, installed: Path | None) -> Iterator[Path | None]:
    if ca is None:
        yield installed
        return
    with NamedTemporaryFile("w", prefix="zfs-sync-ca-", suffix=".pem") as file:
        file.write(ca)
        file.flush()
        yield Path(file.name)
