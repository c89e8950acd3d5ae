# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Trusting one peer more, where ``trust set`` would have to be told of all: what a person with a shell does.

The files come out as ``trust set`` would write them for the same peers, so either finds nothing to change after the
other.
"""

from collections.abc import Callable, Sequence
from typing import Any

from zfs_sync.agent.config import AgentConfig
from zfs_sync.agent.files import read_text
from zfs_sync.agent.install.layout import Layout
from zfs_sync.agent.known_hosts import host_pattern
from zfs_sync.agent.trust import (
    HEADER,
    TrustedPeer,
    authorized_keys,
    check_public_key,
    known_hosts,
    trusted_keys,
    write_trust,
)
from zfs_sync.core.errors import Fault, ZfsSyncError, pointer


def add_trust(peers: Sequence[TrustedPeer], config: AgentConfig, layout: Layout, *, check: bool) -> dict[str, Any]:
    """Trust these peers too; what is not said of one stays. Raises E_VALIDATION for a key that another peer has."""
    trusted = trusted_keys(layout)
    _refuse_shared_keys(peers, trusted)
    given = {peer.name for peer in peers if peer.public_key}
    hosts = {host_pattern(peer.host, peer.port) for peer in peers if peer.host and peer.host_keys}
    allowed = _merged(read_text(layout.authorized_keys), authorized_keys(peers, layout), given, _last_word)
    known = _merged(read_text(config.known_hosts_path), known_hosts(peers), hosts, str)
    answer = write_trust(allowed, known, config, layout, check=check)
    return {**answer, "peers": sorted({*trusted, *given})}


def _merged(old: str | None, new: str, replaced: set[str], order: Callable[[str], str]) -> str:
    """The lines of both; those of old that begin or end with a word that is replaced are left out."""
    kept = [line for line in _lines(old or "") if not replaced & {_first_word(line), _last_word(line)}]
    return HEADER + "".join(f"{line}\n" for line in sorted({*kept, *_lines(new)}, key=order))


def _lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def _first_word(line: str) -> str:
    return line.partition(" ")[0]


def _last_word(line: str) -> str:
    return line.rpartition(" ")[2]


def _refuse_shared_keys(peers: Sequence[TrustedPeer], trusted: dict[str, str]) -> None:
    """One key for two names would leave open which of them asks."""
    faults = [
        Fault(pointer("peers", index, "public_key"), f"peer {name} has this key already: which one asks?")
        for index, peer in enumerate(peers)
        for name, key in trusted.items()
        if peer.public_key and name != peer.name and check_public_key(peer.public_key) == key
    ]
    if faults:
        raise ZfsSyncError("E_VALIDATION", "These peers cannot be trusted as they are.", faults=faults)
