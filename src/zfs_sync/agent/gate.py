# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The forced command of sshd: hands a peer's connection to the running agent and stays out of the way.

It knows nothing of edges, datasets or zfs, and reads nothing that the peer sends: it passes standard input, output and
error as descriptors over the agent's Unix socket, together with the peer's name that the administrator wrote into
``authorized_keys``, and waits for the exit status. So it needs no privilege, imports next to nothing, and no Python
lies on the data path. When it dies (sshd hangs up), the agent sees the socket close and ends what it started.
"""

import json
import os
import socket
import sys

SOCKET = "/run/zfs-sync/gate.sock"
TIMER_SOCKET = "zfs-sync-agent-gate.socket"
NOT_RUNNING = 75  # EX_TEMPFAIL of sysexits.h
USAGE = 64  # EX_USAGE of sysexits.h


def main(argv: list[str]) -> int:
    """Pass descriptors 0, 1 and 2 to the agent for ``--peer NAME``; the exit status that it answers."""
    options = _options(argv)
    if options is None:
        return _refuse("E_VALIDATION", "usage: zfs-sync-agent gate --peer NAME [--socket PATH]", "", USAGE)
    peer, path = options
    try:
        return _hand_over(peer, path)
    except OSError as error:
        return _refuse(
            "E_AGENT_NOT_RUNNING",
            f"The agent of this host cannot be reached at {path}: {error.strerror or error}.",
            f"Start it there with: systemctl start {_unit()}",
            NOT_RUNNING,
        )


def _unit() -> str:
    """What listens here: a socket where a timer runs the agent, else the agent itself."""
    return TIMER_SOCKET if os.path.exists(f"/etc/systemd/system/{TIMER_SOCKET}") else "zfs-sync-agent"  # noqa: PTH110


def _options(argv: list[str]) -> tuple[str, str] | None:
    names = {"--peer": "", "--socket": SOCKET}
    if len(argv) % 2:
        return None
    for name, value in zip(argv[::2], argv[1::2], strict=True):
        if name not in names:
            return None
        names[name] = value
    return (names["--peer"], names["--socket"]) if names["--peer"] else None


def _hand_over(peer: str, path: str) -> int:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as agent:
        agent.connect(path)
        greeting = json.dumps({"peer": peer}).encode() + b"\n"
        socket.send_fds(agent, [greeting], [0, 1, 2])
        _let_go()
        answer = agent.recv(1)
    if not answer:
        raise ConnectionResetError("it ended before it had answered")
    return answer[0]


def _let_go() -> None:
    """Close our standard input and output: the peer must see their end when the agent's child closes them."""
    quiet = os.open(os.devnull, os.O_RDWR)
    os.dup2(quiet, 0)
    os.dup2(quiet, 1)


def _refuse(code: str, message: str, hint: str, status: int) -> int:
    line = json.dumps({"code": code, "message": message, "hint": hint})
    sys.stderr.write(f"zfs-sync-gate: {line}\n")
    return status
