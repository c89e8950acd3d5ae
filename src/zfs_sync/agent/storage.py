# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The ZFS of this host, once it answers.

What ZFS can do is probed by commands that fail in telling ways; while its daemon or module is not there all of them
fail alike and the answer would be wrong. So it is asked for its pools first, and asked again later when it is silent.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from zfs_sync.engine.continuity import Holds
from zfs_sync.engine.fed import Fed
from zfs_sync.engine.pushing import Pusher
from zfs_sync.engine.receiving import Receiver
from zfs_sync.engine.sending import Sender
from zfs_sync.zfs import commands
from zfs_sync.zfs.host import Zfs
from zfs_sync.zfs.runner import Runner, demand


@dataclass(frozen=True, slots=True)
class Engine:
    """Everything that moves data on this host."""

    zfs: Zfs
    holds: Holds
    sender: Sender
    receiver: Receiver

    @property
    def pusher(self) -> Pusher:
        """What hands streams to peers."""
        return Pusher(self.sender, time.monotonic)


class Storage:
    """Makes the engine when it is first needed and ZFS answers."""

    def __init__(self, runner: Runner, folder: Path, clock: Callable[[], float] = time.monotonic) -> None:
        """``folder`` is the agent's state directory."""
        self._runner, self._folder, self._clock = runner, folder, clock
        self._lock = threading.Lock()
        self._engine: Engine | None = None

    def engine(self) -> Engine:
        """The engine. Raises E_ZFS_MISSING or what zpool said while ZFS does not answer."""
        with self._lock:
            if self._engine is None:
                self._engine = self._make()
            return self._engine

    def _make(self) -> Engine:
        demand(self._runner.run(commands.list_pools()), "the pools")
        zfs = Zfs(self._runner)
        holds = Holds(zfs, self._folder)
        engine = Engine(
            zfs, holds, Sender(zfs, holds, Fed(self._folder)), Receiver(zfs, self._folder, holds, self._clock)
        )
        engine.receiver.targets.heal_all()
        return engine
