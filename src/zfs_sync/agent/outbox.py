# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Results of jobs until the witness has taken them: none is lost to an outage or a restart."""

import logging
from contextlib import suppress
from pathlib import Path

from zfs_sync.api.structure import structure, unstructure
from zfs_sync.api.work import Finish
from zfs_sync.client.witness import WitnessClient
from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.engine import state

LOG = logging.getLogger(__name__)
FINAL = frozenset({"E_LEASE_LOST", "E_JOB_NOT_FOUND", "E_JOB_NOT_YOURS", "E_VALIDATION", "E_BODY_TOO_LARGE"})
"""Refusals of one result that asking again would not change."""
ITS_OWN = frozenset({"E_INTERNAL"})
"""Failures of one result that say nothing about another one."""


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
        return [job for job, _ in self._results()]

    @property
    def empty(self) -> bool:
        """Whether nothing waits."""
        return next(self._folder.glob("*.json"), None) is None

    def deliver(self, client: WitnessClient) -> None:
        """Hand over everything that waits.

        A result that is refused for good is dropped, and its job's lease decides. One over which the witness itself
        fails waits, and holds up no other: results are of different jobs and have no order. When the witness cannot be
        reached, or does not hear this agent at all, nothing more is tried. Raises the first failure.
        """
        failures = []
        for job, kept in self._results():
            try:
                self._deliver(client, job, kept)
            except ZfsSyncError as error:
                failures.append(error)
                if error.code not in ITS_OWN:
                    break
        if failures:
            raise failures[0]

    def _deliver(self, client: WitnessClient, job: str, kept: object) -> None:
        try:
            client.finish(job, structure(Finish, kept))
        except ZfsSyncError as error:
            if error.code not in FINAL:
                raise
            LOG.warning("a result is dropped: %s (%s)", error, kept, extra={"job": job, "code": error.code})
        state.forget(self._path(job))

    def _results(self) -> list[tuple[str, object]]:
        """Every job with its result as it was kept. What a damaged disk left of one is put aside: its lease decides."""
        found = []
        for path in sorted(self._folder.glob("*.json")):
            try:
                record = state.read(path)
            except ZfsSyncError as error:
                self._put_aside(path, error.message)
                continue
            if record is None:
                continue
            if (job := record.get("job")) and isinstance(job, str) and path == self._path(job):
                found.append((job, record.get("finish")))
            else:
                self._put_aside(path, f"{path} names no job of its own.")
        return found

    def _put_aside(self, path: Path, why: str) -> None:
        LOG.error("a result is put aside: %s", why)
        with suppress(FileNotFoundError):
            path.replace(path.with_suffix(".bad"))

    def _path(self, job: str) -> Path:
        return self._folder / f"{state.file_key(job)}.json"
