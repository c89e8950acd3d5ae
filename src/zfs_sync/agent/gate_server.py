# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The agent's side of the gate: takes the descriptors of a peer's connection and serves one request on them.

Who connects is root or the peers' account (the socket's mode, and SO_PEERCRED again); which peer it is stands in the
forced command that the administrator wrote. A peer that hangs up, or a gate that dies, ends the send.
"""

import array
import json
import logging
import os
import pwd
import select
import socket
import struct
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

from zfs_sync.agent import gate_receive
from zfs_sync.agent.allow import AllowList
from zfs_sync.agent.gate_request import Granted, grant, read_line, still_granted
from zfs_sync.agent.hang_up import HangUp
from zfs_sync.agent.install.layout import PEER_USER
from zfs_sync.agent.shares import Shares
from zfs_sync.agent.storage import Storage
from zfs_sync.api.work import Work
from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.engine.wire import (
    EstimateAnswer,
    ListAnswer,
    answer_line,
    error_line,
    parse_request,
    report_of,
)

LOG = logging.getLogger(__name__)
BACKLOG = 64
MOST_SERVED = 64
MOST_CONNECTIONS = 2 * MOST_SERVED
"""More than are served: the others are told so at once."""
MOST_RECEIVED = 16
"""Pushes at a time: each of them begins with a description that is held in memory."""
DESCRIPTORS = 3
GREETING_BYTES = 1024
GREETING_SECONDS = 5.0
ANSWER_SECONDS = 60.0
LONGEST_NAME = 80
WELL = 0
FAILED = 1


class GateServer:
    """Listens on the Unix socket, a thread for each connection."""

    def __init__(
        self,
        path: Path,
        storage: Storage,
        work: Callable[[], Work | None],
        allow: AllowList,
        group: str = PEER_USER,
        *,
        arrived: Callable[[], None] = lambda: None,
        listening: socket.socket | None = None,
    ) -> None:
        """``arrived`` is called after a push and before its result: it reports what is there now.

        ``listening`` is the socket where somebody else made it and keeps it.
        """
        self._path, self._storage, self._work, self._allow, self._group = path, storage, work, allow, group
        self._arrived = arrived
        self._room = threading.BoundedSemaphore(MOST_CONNECTIONS)
        self._shares, self._receives = Shares(MOST_SERVED), Shares(MOST_RECEIVED)
        self._stopping = threading.Event()
        self._adopted = listening is not None
        self._socket = listening or socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        self._idle_since: float | None = time.monotonic()
        self._connected = 0
        self._counting = threading.Lock()

    @property
    def idle_seconds(self) -> float:
        """For how long nobody has been connected."""
        with self._counting:
            return time.monotonic() - self._idle_since if self._idle_since is not None else 0.0

    def _count(self, change: int) -> None:
        with self._counting:
            self._connected += change
            self._idle_since = None if self._connected else time.monotonic()

    def open(self) -> None:
        """Listen; root and the peers' account may connect."""
        if self._adopted:
            return
        self._path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        self._path.unlink(missing_ok=True)
        self._socket.bind(str(self._path))
        self._path.chmod(0o660)
        account = _account(self._group)
        if account is not None:
            os.chown(self._path, -1, account.pw_gid)
        self._socket.listen(BACKLOG)

    def serve(self) -> None:
        """Take connections until closed."""
        while not self._stopping.is_set():
            try:
                connection, _ = self._socket.accept()
            except OSError:
                if self._stopping.is_set():
                    return
                raise
            self._room.acquire()
            self._count(1)
            threading.Thread(target=self._connection, args=(connection,), name="gate", daemon=True).start()

    def close(self) -> None:
        """Take no more connections, and end the sends that run."""
        self._stopping.set()
        if self._adopted:  # who keeps it goes on listening: shutting it down would end that too
            return
        with suppress(OSError):  # it never listened
            self._socket.shutdown(socket.SHUT_RDWR)  # wakes who waits in accept(2), which closing does not
        self._socket.close()
        self._path.unlink(missing_ok=True)

    def _connection(self, connection: socket.socket) -> None:
        try:
            with connection, ExitStack() as descriptors:
                connection.settimeout(GREETING_SECONDS)
                greeted = self._greeting(connection, descriptors)
                if greeted is not None:
                    status = self._admit(connection, *greeted)
                    connection.sendall(bytes([status]))
        except OSError as error:
            LOG.info("a gate went away: %s", error)
        finally:
            self._count(-1)
            self._room.release()

    def _greeting(self, connection: socket.socket, descriptors: ExitStack) -> tuple[str, Sequence[int]] | None:
        """The peer's name and its standard descriptors; None for a connection that is no gate."""
        message, received = _receive(connection)
        for descriptor in received:
            descriptors.callback(os.close, descriptor)
        if not self._welcome(connection) or len(received) != DESCRIPTORS:
            return None
        try:
            peer = json.loads(message)["peer"]
        except (ValueError, KeyError, TypeError, RecursionError):
            return None
        return (peer, received) if isinstance(peer, str) else None

    def _welcome(self, connection: socket.socket) -> bool:
        """Whether root, we ourselves, or the peers' account connected."""
        if not hasattr(socket, "SO_PEERCRED"):
            return True  # the socket's mode says it already
        size = struct.calcsize("3i")
        _, uid, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
        account = _account(self._group)
        return uid in (0, os.getuid()) or (account is not None and uid == account.pw_uid)

    def _admit(self, connection: socket.socket, peer: str, descriptors: Sequence[int]) -> int:
        try:
            with self._shares.place(peer):
                return self._attend(connection, peer, descriptors)
        except ZfsSyncError as error:
            LOG.info("no room for a peer: %s", error, extra={"peer": peer[:LONGEST_NAME], "code": error.code})
            _write(descriptors[2], error_line(error))
            return FAILED

    def _attend(self, connection: socket.socket, peer: str, descriptors: Sequence[int]) -> int:
        stdin, stdout, stderr = descriptors
        about = {"peer": peer[:LONGEST_NAME]}
        try:
            request = parse_request(read_line(stdin))
            granted = grant(peer, request, self._work(), self._allow)
            about |= {"group": granted.edge.group, "edge": granted.edge.id, "dataset": granted.dataset}
            LOG.info("%s for %s", request.op, peer, extra=about)
            self._serve(connection, granted, stdin, stdout)
        except ZfsSyncError as error:
            LOG.warning("refused or failed for a peer: %s", error, extra={**about, "code": error.code})
            _write(stderr, error_line(error))
            return FAILED
        return WELL

    def _over(self, granted: Granted) -> Callable[[], bool]:
        """Whether what was granted has to end: asked again whenever the witness has said something new."""
        seen = self._work()
        edge = granted.edge
        peer = edge.from_system if edge.direction == "push" else edge.to_system

        def over() -> bool:
            nonlocal seen
            if self._stopping.is_set():
                return True
            if (now := self._work()) is seen:
                return False
            if not still_granted(peer, granted, now, self._allow):
                about = {"peer": peer, "group": edge.group, "edge": edge.id, "dataset": granted.dataset}
                LOG.warning("the edge is withdrawn, what runs along it is ended", extra=about)
                return True
            seen = now
            return False

        return over

    def _serve(self, connection: socket.socket, granted: Granted, stdin: int, stdout: int) -> None:
        sender = self._storage.engine().sender
        match granted.request.op:
            case "list":
                found = sender.dataset(granted.dataset)
                _answer(stdout, answer_line(ListAnswer(dataset=report_of(found) if found else None)))
            case "estimate":
                _answer(stdout, answer_line(EstimateAnswer(bytes=sender.estimate(granted.stream()))))
            case "send":
                with HangUp([connection.fileno(), stdout], self._over(granted)) as hang_up:
                    sender.serve(granted.stream(), os.dup(stdout), hang_up.happened)
            case "receive":
                self._receive(connection, granted, stdin, stdout)

    def _receive(self, connection: socket.socket, granted: Granted, stdin: int, stdout: int) -> None:
        place = self._receives.place(granted.edge.from_system)
        with place, HangUp([connection.fileno(), stdout], self._over(granted)) as hang_up:
            moved = gate_receive.receive(
                granted,
                self._storage.engine(),
                self._allow,
                stdin,
                answer=lambda line: _answer(stdout, line),
                cancelled=hang_up.happened,
            )
        self._arrived()
        _answer(stdout, gate_receive.done(moved))


def _receive(connection: socket.socket) -> tuple[bytes, Sequence[int]]:
    """The greeting and the descriptors that came with it; none of them leaks into a child."""
    room = socket.CMSG_SPACE(DESCRIPTORS * array.array("i").itemsize)
    flags = getattr(socket, "MSG_CMSG_CLOEXEC", 0)
    message, ancillary, _, _ = connection.recvmsg(GREETING_BYTES, room, flags)
    received = array.array("i")
    for level, kind, data in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            received.frombytes(data[: len(data) - len(data) % received.itemsize])
    return message, list(received)


def _answer(descriptor: int, line: bytes) -> None:
    """All of it, however slowly it is read. Raises E_INTERRUPTED when nobody reads: half of it would be misread."""
    if not _write(descriptor, line):
        raise ZfsSyncError("E_INTERRUPTED", f"The peer has not read the answer within {ANSWER_SECONDS:g} s.")


def _write(descriptor: int, content: bytes) -> bool:
    """Whether all of it was read in time, or nobody is there any more."""
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    rest = memoryview(content)
    while rest:
        if not poll.poll(ANSWER_SECONDS * 1000):
            return False
        try:
            rest = rest[os.write(descriptor, rest[:4096]) :]
        except BlockingIOError:
            continue
        except (BrokenPipeError, ConnectionResetError):
            return True
    return True


def _account(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None
