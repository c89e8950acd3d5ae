# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""OpenSSH to the gate of a peer.

The remote side is a forced command, so no command is sent: the request is the first line of standard input. Questions
share one connection per peer; streams never share it, so that a stream neither waits behind nor slows an answer.
No configuration file of the user or the system is read, and only host keys that the administrator gave are accepted.
"""

import re
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path

from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.core.jump import DEFAULT_PORT, Jump
from zfs_sync.engine import wire
from zfs_sync.engine.processes import Listener, ProcessSource, end, pipe
from zfs_sync.engine.wire import GateRequest
from zfs_sync.zfs.listing import Dataset

CONNECT_SECONDS = 10
ANSWER_SECONDS = 120.0
ANSWER_BYTES = wire.SOURCE_BYTES
SSH_FAILED = 255
CIPHERS = "^aes256-gcm@openssh.com,aes128-gcm@openssh.com"

_FINGERPRINT = re.compile(r"(SHA256:[A-Za-z0-9+/=]{20,})")
_OFFERED = re.compile(r"Server host key: \S+ (SHA256:\S+)")
_HOST_KEY = re.compile(r"host key verification failed|host key is known|host identification has changed", re.IGNORECASE)
_NAMED = re.compile(r"host key (?:is known for|for) (\S+) (?:and you|has changed)", re.IGNORECASE)
_LOST = re.compile(r"closed by remote host|client_loop|timeout, server|broken pipe|connection reset", re.IGNORECASE)
_UNREACHABLE = re.compile(
    r"refused|timed out|no route|could not resolve|network is unreachable|kex_exchange|connection closed"
    r"|banner exchange",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class SshPeer:
    """How a peer is reached; checked by ``core.names`` where it came from."""

    system: str
    host: str
    user: str
    port: int
    jump: Jump | None = None
    """A host on the way to it."""


@dataclass(frozen=True, slots=True)
class SshFiles:
    """The agent's own key and known hosts, and a private directory for the shared connections' sockets."""

    key: Path
    known_hosts: Path
    control: Path
    program: str = "ssh"


def arguments(peer: SshPeer, files: SshFiles, *, shared: bool, verbose: bool = False) -> list[str]:
    """The ssh command line; ``shared`` connections stay open for the next question."""
    options = _options(files) | {
        "LogLevel": "DEBUG1" if verbose else "ERROR",
        "ControlMaster": "auto" if shared else "no",
        "ControlPath": f'"{files.control}/%C"' if shared else "none",
        "ControlPersist": "60" if shared else "no",
    }
    listed = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
    target = ["-l", peer.user, "-p", str(peer.port), "--", peer.host]
    return [files.program, *_way(peer, files), "-T", "-x", "-a", *listed, *target]


def _way(peer: SshPeer, files: SshFiles) -> list[str]:
    """No configuration file; for a jump host one of ours, since the ssh that reaches it takes options from there only.

    So the host on the way is held to the same host keys as the peer, and hears the same key.
    """
    if peer.jump is None:
        return ["-F", "none"]
    path = files.control / "jump.conf"
    text = "".join(f"{name} {value}\n" for name, value in _options(files).items())
    _written(path, text)
    return ["-F", str(path), "-J", str(peer.jump)]


def _written(path: Path, text: str) -> None:
    """Have the text in the file, whole at any moment: other threads connect with it."""
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return
    draft = path.with_name(f"{path.name}.{threading.get_ident()}")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)


def _options(files: SshFiles) -> dict[str, str]:
    """What holds for every connection."""
    return {
        "BatchMode": "yes",
        "StrictHostKeyChecking": "yes",
        "UserKnownHostsFile": f'"{files.known_hosts}"',
        "GlobalKnownHostsFile": "/dev/null",
        "UpdateHostKeys": "no",
        "IdentitiesOnly": "yes",
        "IdentityAgent": "none",
        "PreferredAuthentications": "publickey",
        "PermitLocalCommand": "no",
        "ClearAllForwardings": "yes",
        "ConnectTimeout": str(CONNECT_SECONDS),
        "ServerAliveInterval": "5",
        "ServerAliveCountMax": "6",
        "Ciphers": CIPHERS,
        "IdentityFile": f'"{files.key}"',
    }


class SshSource(ProcessSource):
    """A stream from a peer's gate."""

    def __init__(self, process: "subprocess.Popen[bytes]", peer: SshPeer, files: SshFiles) -> None:
        super().__init__(process)
        self._listener = Listener(pipe(process.stderr))
        self._peer, self._files = peer, files

    def error(self, status: int | None) -> ZfsSyncError | None:
        """What the gate or ssh said; None where the stream ended well."""
        return None if status == 0 else failure(status, self._listener.text(), self._peer, self._files)


class SshFeeder:
    """The source is a dataset of a peer, behind its gate."""

    def __init__(self, peer: SshPeer, files: SshFiles, *, edge: str, relative: str) -> None:
        self._peer, self._files = peer, files
        self._edge, self._relative = edge, relative

    def dataset(self) -> Dataset | None:
        """The source as it is now; None where it does not exist."""
        return wire.parse_list(self._ask(GateRequest(v=1, op="list", edge=self._edge, relative=self._relative)))

    def estimate(self, base_guid: int | None, to_guid: int, *, alone: bool = False) -> int | None:
        """About how many bytes a stream has."""
        return wire.parse_estimate(self._ask(self._request("estimate", base_guid, to_guid, alone)))

    def send(self, base_guid: int | None, to_guid: int, *, alone: bool = False) -> SshSource:
        """Start a stream on a connection of its own."""
        process = self._start(self._request("send", base_guid, to_guid, alone), shared=False)
        return SshSource(process, self._peer, self._files)

    def _request(self, op: str, base_guid: int | None, to_guid: int, alone: bool) -> GateRequest:
        return GateRequest(
            v=wire.GATE_VERSION,
            op="send" if op == "send" else "estimate",
            edge=self._edge,
            relative=self._relative,
            base_guid=str(base_guid) if base_guid is not None else None,
            to_guid=str(to_guid),
            alone=alone,
        )

    def _start(self, request: GateRequest, *, shared: bool) -> "subprocess.Popen[bytes]":
        process = subprocess.Popen(
            arguments(self._peer, self._files, shared=shared),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            process_group=0,
        )
        try:
            with pipe(process.stdin) as stdin:
                stdin.write(wire.request_line(request))
        except BrokenPipeError:
            pass  # it has ended already, and its last words say why
        return process

    def _ask(self, request: GateRequest) -> bytes:
        process = self._start(request, shared=True)
        said, answer = Listener(pipe(process.stderr)), Listener(pipe(process.stdout), ANSWER_BYTES)
        status = end(process, ANSWER_SECONDS)
        if status != 0:
            raise failure(status, said.text(), self._peer, self._files)
        line = answer.heard()
        if answer.overflow:
            raise ZfsSyncError("E_VALIDATION", f"{self._peer.system} answered more than {ANSWER_BYTES} bytes.")
        return line


def failure(status: int | None, said: str, peer: SshPeer, files: SshFiles) -> ZfsSyncError:
    """The error of an ssh or gate that ended with ``status``: what the gate said comes first."""
    if error := wire.said_error(said, peer.system):
        return error
    said += _on_the_way(status, said, peer, files)
    where = f"{peer.system} ({peer.user}@{peer.host}:{peer.port})"
    detail = wire.printable(" ".join(said.split())[-wire.LONGEST_WORDS :]) or "no word"
    if status == SSH_FAILED and _HOST_KEY.search(said):
        return _host_key_unknown(said, peer, files, where)
    if _LOST.search(said) or status is None or status < 0:
        return ZfsSyncError("E_INTERRUPTED", f"The connection to {where} was lost: {detail}.")
    if status == SSH_FAILED and _UNREACHABLE.search(said):
        return ZfsSyncError("E_PEER_UNREACHABLE", f"{where} cannot be reached: {detail}.")
    return ZfsSyncError("E_SSH", f"ssh to {where} ended with status {status}: {detail}.")


def _on_the_way(status: int | None, said: str, peer: SshPeer, files: SshFiles) -> str:
    """What the ssh to a jump host has to say of a failure: a connection that is shared keeps that to itself.

    Asked once more; where it works by now, the gate hears an empty request and does nothing.
    """
    if peer.jump is None or status != SSH_FAILED or _HOST_KEY.search(said):
        return ""
    heard = _quietly(arguments(peer, files, shared=False))
    return heard if _HOST_KEY.search(heard) else ""


def _host_key_unknown(said: str, peer: SshPeer, files: SshFiles, where: str) -> ZfsSyncError:
    named = _NAMED.search(said)
    name = named.group(1) if named else _pattern(peer.host, peer.port)
    if peer.jump is not None and name == _pattern(peer.jump.host, peer.jump.port):
        where = f"{peer.jump}, on the way to {peer.system},"
    offered = _FINGERPRINT.findall(said) or _offered(peer, files)[-1:]
    known = _known(name, files)
    return ZfsSyncError(
        "E_HOST_KEY_UNKNOWN",
        f"The host key of {where} is not the one that is trusted here:"
        f" offered {', '.join(offered) or 'unknown'}; trusted {', '.join(known) or 'none'}.",
    )


def _offered(peer: SshPeer, files: SshFiles) -> list[str]:
    """Ask once more, only to hear the fingerprint; it fails before anything of ours is sent."""
    done = _quietly(arguments(peer, files, shared=False, verbose=True))
    return _OFFERED.findall(done)


def _pattern(host: str, port: int) -> str:
    """A host as known_hosts and ssh's own words name it."""
    return host.lower() if port == DEFAULT_PORT else f"[{host.lower()}]:{port}"


def _known(name: str, files: SshFiles) -> list[str]:
    return _FINGERPRINT.findall(_quietly(["ssh-keygen", "-l", "-F", name, "-f", str(files.known_hosts)]))


def _quietly(argv: list[str]) -> str:
    try:
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=2 * CONNECT_SECONDS,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
    except (subprocess.TimeoutExpired, FileNotFoundError):
        return ""
    return done.stdout + done.stderr
