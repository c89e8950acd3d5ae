# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Whether this host has been given a peer's host keys yet.

An agent usually starts some moments before its administrator's tool brings the keys. A job that needs them waits for
that, a while: then it is tried all the same, so that the witness hears why it does not work.
"""

import time
from collections.abc import Callable
from pathlib import Path

from zfs_sync.agent.files import read_text
from zfs_sync.api.work import Peer
from zfs_sync.core.jump import parse_jump

GRACE_SECONDS = 60.0
SSH_PORT = 22


def host_pattern(host: str, port: int) -> str:
    """The host as known_hosts names it (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT)."""
    return host.lower() if port == SSH_PORT else f"[{host.lower()}]:{port}"


def _hosts_of(peer: Peer) -> set[str]:
    """The peer and the host on the way to it, as known_hosts names them."""
    jump = None if peer.jump is None else parse_jump(peer.jump)
    on_the_way = set() if jump is None else {host_pattern(jump.host, jump.port)}
    return {host_pattern(peer.host, peer.port)} | on_the_way


class KnownHosts:
    """The file, and since when a peer is missed in it."""

    def __init__(
        self, path: Path, clock: Callable[[], float] = time.monotonic, *, grace_seconds: float = GRACE_SECONDS
    ) -> None:
        """``grace_seconds`` is how long a key is waited for; 0 for an agent that does not stay."""
        self._path, self._clock, self._grace = path, clock, grace_seconds
        self._missed: dict[str, float] = {}

    def ready_for(self, peer: Peer) -> bool:
        """Whether to try: a key of this host is known, or has been waited for long enough."""
        name = host_pattern(peer.host, peer.port)
        known = {line.split(" ", 1)[0] for line in (read_text(self._path) or "").splitlines()}
        if _hosts_of(peer) <= known:
            self._missed.pop(name, None)
            return True
        return self._clock() - self._missed.setdefault(name, self._clock()) >= self._grace
