# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""What the witness last said that this host should do and may serve; on disk, so that its outage changes nothing."""

import logging
import threading
from pathlib import Path

from zfs_sync.api.structure import structure, unstructure
from zfs_sync.api.work import Settings, Work, WorkEdge
from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.engine import state

LOG = logging.getLogger(__name__)
DEFAULTS = Settings(heartbeat_seconds=30, lease_seconds=120, progress_seconds=5)


class WorkCache:
    """The work of this host, shared by the threads of the agent."""

    def __init__(self, folder: Path, system: str) -> None:
        """Reads what an earlier run was told; for another system's name, or unreadable, it counts as nothing."""
        self._path = folder / "work.json"
        self._configured = system
        self._changed = threading.Condition()
        self._work = self._read(system)
        self._version = 0
        self.etag: str | None = None
        """Of what this process was told; None until then, so that the first answer is the whole."""

    @property
    def work(self) -> Work | None:
        """The work; None before the witness was ever heard."""
        return self._work

    @property
    def system(self) -> str:
        """What this host is called: the witness knows when it was renamed before its configuration does."""
        return self._work.system if self._work else self._configured

    @property
    def settings(self) -> Settings:
        """How often to speak."""
        return self._work.settings if self._work else DEFAULTS

    @property
    def version(self) -> int:
        """Grows with every change."""
        return self._version

    def edge(self, edge_id: str) -> WorkEdge | None:
        """An edge in force that touches this host."""
        edges = self._work.edges if self._work else ()
        return next((edge for edge in edges if edge.id == edge_id), None)

    def replace(self, work: Work, etag: str) -> None:
        """Take what the witness says now; on disk before anyone acts on it."""
        state.write(self._path, unstructure(work))
        with self._changed:
            self._work, self.etag = work, etag or None
            self._version += 1
            self._changed.notify_all()

    def poke(self) -> None:
        """Wake who waits for work, for a reason of their own."""
        with self._changed:
            self._changed.notify_all()

    def wait(self, version: int, seconds: float) -> int:
        """Wait for a change after ``version``, a poke, or so long; the version now."""
        with self._changed:
            if self._version == version:
                self._changed.wait(seconds)
            return self._version

    def _read(self, system: str) -> Work | None:
        try:
            record = state.read(self._path)
            work = structure(Work, record) if record is not None else None
        except ZfsSyncError as error:
            LOG.warning("what was cached of the witness's work cannot be used: %s", error)
            return None
        return work if work is None or system in (work.system, *work.formerly) else None
