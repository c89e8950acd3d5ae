# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Renews the lease of a running job and tells how far it is. An outage of the witness is borne; a lost lease is not."""

import logging
import threading
from typing import Self

from zfs_sync.agent.running import Running
from zfs_sync.client.witness import WitnessClient
from zfs_sync.core.errors import ZfsSyncError

LOG = logging.getLogger(__name__)
LOST = frozenset({"E_LEASE_LOST", "E_JOB_NOT_FOUND", "E_JOB_NOT_YOURS"})


class Pulse:
    """Beats while the job runs: ``with Pulse(...):``."""

    def __init__(self, client: WitnessClient, running: Running, period_seconds: float) -> None:
        self._client, self._running, self._period = client, running, period_seconds
        self._silent = False
        self._thread = threading.Thread(target=self._beat, name=f"pulse-{running.id[:8]}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._running.ended.set()
        self._thread.join()
        self._client.close()

    def _beat(self) -> None:
        try:
            while not self._running.ended.wait(self._period):
                self._once()
        finally:
            self._client.close()

    def _once(self) -> None:
        running = self._running
        about = running.about
        try:
            answer = self._client.progress(running.id, running.reached)
        except ZfsSyncError as error:
            if error.code in LOST:
                LOG.warning("the lease is lost, the transfer is ended: %s", error, extra={**about, "code": error.code})
                running.lose_lease()
            elif not self._silent:
                LOG.warning(
                    "progress cannot be told, the transfer goes on: %s", error, extra={**about, "code": error.code}
                )
            self._silent = True
            return
        self._silent = False
        if answer.cancel and not running.cancelled.is_set():
            LOG.info("the job is cancelled", extra=about)
            running.cancelled.set()
