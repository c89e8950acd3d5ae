# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""``serve-gate``: answers peers on a host whose agent is run by a timer, and ends when none has asked for a while.

systemd keeps the socket and starts this with it (sd_listen_fds(3)), so that no peer finds a closed door. It asks the
witness at once and now and then, for an edge that is withdrawn must not be served; while the witness is away, what the
last run was told counts. It runs no jobs, and takes no lock of the agent's: a run by the timer may go on beside it.
"""

import logging
import os
import signal
import socket
import threading
from collections.abc import Mapping
from pathlib import Path

from zfs_sync.agent.config import AgentConfig
from zfs_sync.agent.gate_server import GateServer
from zfs_sync.api.work import Work
from zfs_sync.client.witness import WitnessClient
from zfs_sync.core.errors import ZfsSyncError

LOG = logging.getLogger(__name__)
FIRST_DESCRIPTOR = 3
IDLE_SECONDS = 60.0
ASK_SECONDS = 15.0
TICK_SECONDS = 1.0


class Told:
    """What the witness says that may be served."""

    def __init__(self, client: WitnessClient, system: str, cached: Work | None) -> None:
        """``cached`` is what an earlier run was told, until the witness itself is heard."""
        self._client, self._system = client, system
        self._etag: str | None = None
        self.work = cached

    def ask(self) -> None:
        """Ask; an outage changes nothing."""
        try:
            answer = self._client.work(self._system, etag=self._etag, wait_seconds=0)
        except ZfsSyncError as error:
            LOG.info("the witness was not heard: %s", error, extra={"code": error.code})
            return
        if answer is not None:
            self.work, etag = answer
            self._etag = etag or None


def listening_socket(environment: Mapping[str, str], pid: int) -> socket.socket:
    """The socket that systemd passed. Raises E_CONFIG where it passed none."""
    if environment.get("LISTEN_PID") != str(pid) or environment.get("LISTEN_FDS") != "1":
        raise ZfsSyncError(
            "E_CONFIG",
            "No socket was passed: zfs-sync-agent-gate.socket starts this command.",
            hint="For an agent that is run by a timer: zfs-sync-agent install --timer 5m",
        )
    return socket.socket(fileno=FIRST_DESCRIPTOR)


def serve(server: GateServer, told: Told, stop: threading.Event, idle_seconds: float = IDLE_SECONDS) -> None:
    """Until nobody has been connected for so long, or told to stop."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    threading.Thread(target=server.serve, name="gate", daemon=True).start()
    asked = 0.0
    while not stop.wait(TICK_SECONDS) and server.idle_seconds < idle_seconds:
        asked += TICK_SECONDS
        if asked >= ASK_SECONDS:
            told.ask()
            asked = 0.0
    server.close()


def passed_socket(config: AgentConfig, path: Path) -> socket.socket:
    """The socket that systemd passed to this process, checked against the configuration it was started with."""
    if config.timer is None:
        raise ZfsSyncError("E_CONFIG", f"{path} names no timer: this agent is a service, which serves its gate itself.")
    return listening_socket(os.environ, os.getpid())
