# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Who may log in here, and whom this host believes: decided by the host's administrator, never by the witness.

A peer's key may run one command, the gate, with the peer's name in it; a peer's host keys are the only ones that this
host's agent accepts. Every field is checked before it is written, because a line break or an option in a key would
be a line or an option of ``authorized_keys`` (sshd(8), AUTHORIZED_KEYS FILE FORMAT).
"""

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

import yaml
from annotated_types import Len

from zfs_sync.agent.config import AgentConfig
from zfs_sync.agent.files import read_text
from zfs_sync.agent.install import keys
from zfs_sync.agent.install.files import File, Folder
from zfs_sync.agent.install.layout import FOR_PEERS, ROOT, Layout
from zfs_sync.agent.install.resource import Ledger
from zfs_sync.agent.known_hosts import SSH_PORT, host_pattern
from zfs_sync.api.annotations import STRICT, Checked, Example, Host, Port, SystemName
from zfs_sync.api.structure import structure
from zfs_sync.core.errors import Fault, ZfsSyncError, pointer
from zfs_sync.core.names import check_host

KEY_TYPES = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "ssh-rsa",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
)
HEADER = "# Written by zfs-sync-agent trust set; changes are overwritten.\n"

_KEY = re.compile(r"([a-z0-9@.-]+) ([A-Za-z0-9+/]+={0,2})( [^\x00-\x1f\x7f]*)?")


def check_public_key(text: str) -> str:
    """Return type and key of a line of a .pub file, without its comment. Raises ValueError for anything else."""
    match = _KEY.fullmatch(text.strip(" \n"))
    if not match or match.group(1) not in KEY_TYPES:
        raise ValueError(f"{ascii(text)[:60]} is no public key of OpenSSH: write TYPE KEY, as ssh-keygen does")
    kind, body = match.group(1), match.group(2)
    try:
        blob = base64.b64decode(body, validate=True)
    except binascii.Error:
        blob = b""
    whole = base64.b64encode(blob).decode() == body
    if not whole or not blob.startswith(len(kind).to_bytes(4, "big") + kind.encode()):
        raise ValueError(f"{ascii(text)[:60]} is damaged: the key does not hold what its type says")
    return f"{kind} {body}"


PublicKey = Annotated[str, Checked(check_public_key, "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI...")]


def check_forward(text: str) -> str:
    """Accept a host and a port that a peer may be let through to, ``host:port``."""
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdecimal() or not 1 <= int(port) <= 65_535:
        raise ValueError(f"{ascii(text)[:120]} is no host:port, an IPv6 address in brackets")
    check_host(host[1:-1] if host.startswith("[") and host.endswith("]") else host)
    return text


Forward = Annotated[str, Checked(check_forward, "vault.example.org:22")]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedJump:
    """A host on the way to a peer."""

    __pydantic_config__ = STRICT

    host: Host
    """Where its sshd is."""
    port: Port = SSH_PORT
    """The port of its sshd."""
    host_keys: Annotated[list[PublicKey], Len(0, 16), Example(["ssh-ed25519 AAAAC3Nza..."])] = field(
        default_factory=list
    )
    """Its sshd's host keys."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedPeer:
    """A host that shares an edge with this one."""

    __pydantic_config__ = STRICT

    name: SystemName
    """Its name in the fleet; the gate is told that this peer asks."""
    public_key: PublicKey | None = None
    """The key that its agent logs in with; without one it may not log in here."""
    host: Host | None = None
    """Where its sshd is; without it this host's agent does not log in there."""
    port: Port = SSH_PORT
    """The port of its sshd."""
    host_keys: Annotated[list[PublicKey], Len(0, 16), Example(["ssh-ed25519 AAAAC3Nza..."])] = field(
        default_factory=list
    )
    """Its sshd's host keys."""
    jump: TrustedJump | None = None
    """The host on the way to it, where there is one."""
    forwards: Annotated[list[Forward], Len(0, 1_000)] = field(default_factory=list)
    """Where it may go on to from here, this host being on its way: host:port, and nowhere else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustDocument:
    """All peers of this host; one that is not in the list is not trusted any more."""

    __pydantic_config__ = STRICT

    peers: Annotated[list[TrustedPeer], Len(0, 1_000)]
    """The peers."""


def read_document(text: str) -> tuple[TrustedPeer, ...]:
    """The peers in a document (JSON or YAML). Raises E_VALIDATION with all faults."""
    try:
        raw = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ZfsSyncError("E_VALIDATION", "Standard input is neither JSON nor YAML.") from error
    peers = structure(TrustDocument, raw).peers
    faults = _faults(peers)
    if faults:
        raise ZfsSyncError("E_VALIDATION", "These peers cannot be trusted as they are.", faults=faults)
    return tuple(sorted(peers, key=lambda peer: peer.name))


def _faults(peers: Sequence[TrustedPeer]) -> list[Fault]:
    faults, names, seen = [], set(), set()
    for index, peer in enumerate(peers):
        if peer.name in names:
            faults.append(Fault(pointer("peers", index, "name"), f"peer {peer.name} is given twice"))
        if peer.public_key and check_public_key(peer.public_key) in seen:
            faults.append(Fault(pointer("peers", index, "public_key"), "another peer has this key: which one asks?"))
        if peer.forwards and not peer.public_key:
            faults.append(Fault(pointer("peers", index, "forwards"), "who is let through must have a public_key"))
        if peer.host_keys and not peer.host:
            faults.append(Fault(pointer("peers", index, "host"), "host keys are of no use without the host"))
        names.add(peer.name)
        seen |= {check_public_key(peer.public_key)} if peer.public_key else set()
    return faults


def authorized_keys(peers: Sequence[TrustedPeer], layout: Layout) -> str:
    """The file that sshd reads for the peers' account."""
    lines = [
        f'restrict{_through(peer)},command="{layout.command} gate --peer {peer.name}"'
        f" {check_public_key(peer.public_key)} {peer.name}\n"
        for peer in peers
        if peer.public_key
    ]
    return HEADER + "".join(lines)


def _through(peer: TrustedPeer) -> str:
    """The options that let a peer through to other hosts; it opens no port here (1 is not its to open)."""
    if not peer.forwards:
        return ""
    opened = "".join(f',permitopen="{each}"' for each in sorted(peer.forwards))
    return f',port-forwarding,permitlisten="localhost:1"{opened}'


def known_hosts(peers: Sequence[TrustedPeer]) -> str:
    """The file that this host's ssh reads."""
    lines = {
        f"{host_pattern(peer.host, peer.port)} {check_public_key(key)}\n"
        for peer in peers
        if peer.host
        for key in peer.host_keys
    }
    lines |= {
        f"{host_pattern(peer.jump.host, peer.jump.port)} {check_public_key(key)}\n"
        for peer in peers
        if peer.jump
        for key in peer.jump.host_keys
    }
    return HEADER + "".join(sorted(lines))


def set_trust(peers: Sequence[TrustedPeer], config: AgentConfig, layout: Layout, *, check: bool) -> dict[str, Any]:
    """Trust these peers and no others; the answer for front ends."""
    answer = write_trust(authorized_keys(peers, layout), known_hosts(peers), config, layout, check=check)
    return {**answer, "peers": [peer.name for peer in peers]}


def write_trust(allowed: str, known: str, config: AgentConfig, layout: Layout, *, check: bool) -> dict[str, Any]:
    """Put the content of authorized_keys and known_hosts in place; what of it had to change."""
    ledger = Ledger(check)
    ledger.bring(
        [
            Folder(layout.ssh_folder, 0o750, FOR_PEERS),
            File(layout.authorized_keys, allowed.encode(), 0o640, FOR_PEERS),
            File(config.known_hosts_path, known.encode(), 0o600, ROOT),
        ]
    )
    return ledger.answer()


def trusted_keys(layout: Layout) -> dict[str, str]:
    """The peers that may log in here, with the key that each logs in with."""
    lines = (read_text(layout.authorized_keys) or "").splitlines()
    entries = (line.rsplit(" ", 3) for line in lines if line.startswith("restrict,"))
    return {name: f"{kind} {body}" for _, kind, body, name in entries}


def believed_keys(config: AgentConfig) -> dict[str, list[str]]:
    """The host keys that are believed, by host as known_hosts names it."""
    believed: dict[str, list[str]] = {}
    for line in (read_text(config.known_hosts_path) or "").splitlines():
        if line and not line.startswith("#"):
            pattern, _, key = line.partition(" ")
            believed.setdefault(pattern, []).append(key)
    return believed


def show(config: AgentConfig, layout: Layout) -> dict[str, Any]:
    """What other hosts have to know of this one, and whom it trusts."""
    public_keys = trusted_keys(layout)
    return {
        "system": config.system,
        "public_key": keys.public_key(config.identity_path),
        "host_keys": list(keys.host_keys()),
        "peers": list(public_keys),
        "public_keys": public_keys,
        "known_hosts": believed_keys(config),
    }
