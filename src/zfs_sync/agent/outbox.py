# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Results of jobs until the witness has taken them: none is lost to an outage or a restart."""

import logging
from pathlib import Path

from zfs_sync.api.structure import structure, unstructure
from zfs_sync.api.work import Finish
from zfs_sync.client.witness import WitnessClient
from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.engine import state

LOG = logging.getLogger(__name__)
SETTLED = frozenset({"E_LEASE_LOST", "E_JOB_NOT_FOUND", "E_JOB_NOT_YOURS", "E_VALIDATION"})
"""Refusals that asking again would not change."""


class Outbox:
    """A file per result."""

    def __init__(self, folder: Path) -> None:
        """``folder`` is the agent's state directory."""
        self._folder = folder / "outbox"

    def put(self, job: str, finish: Finish) -> None:
        """Keep a result; on disk when this returns."""
        state.write(self._path(job), {"job": job, "finish": unstructure(finish)})

    def holds(self, job: str) -> bool:
        """Whether a result of this job waits."""
        return self._path(job).is_file()

    def jobs(self) -> list[str]:
        """The jobs whose results wait."""
        return [str(record["job"]) for record in list(state.read_all(self._folder))]

    @property
    def empty(self) -> bool:
        """Whether nothing waits."""
        return next(self._folder.glob("*.json"), None) is None

    def deliver(self, client: WitnessClient) -> None:
        """Hand over everything that waits. Raises when the witness cannot take it now; what is left waits on."""
        for record in list(state.read_all(self._folder)):
            self._deliver(client, str(record["job"]), structure(Finish, record["finish"]))

    def _deliver(self, client: WitnessClient, job: str, finish: Finish) -> None:
        try:
            client.finish(job, finish)
        except ZfsSyncError as error:
            if error.code not in SETTLED:
                raise
            LOG.warning("the witness refused a result: %s", error, extra={"job": job, "code": error.code})
        state.forget(self._path(job))

    def _path(self, job: str) -> Path:
        return self._folder / f"{state.file_key(job)}.json"
