# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""One job from claim to result."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from zfs_sync.agent.allow import AllowList
from zfs_sync.agent.errands import Errand, PushErrand, errand
from zfs_sync.agent.outbox import Outbox
from zfs_sync.agent.pulse import Pulse
from zfs_sync.agent.running import Running
from zfs_sync.agent.storage import Engine, Storage
from zfs_sync.agent.work_cache import WorkCache
from zfs_sync.api.work import Claim, Finish, JobError
from zfs_sync.client.witness import WitnessClient
from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.core.numbers import u64_text
from zfs_sync.engine.receiving import Moved
from zfs_sync.engine.ssh import SshFiles

LOG = logging.getLogger(__name__)
LONGEST_TEXT = 4_000


@dataclass(frozen=True, slots=True)
class Worker:
    """Runs claims. A job that ends because the agent stops has no result: the next start takes it up again."""

    client: WitnessClient
    storage: Storage
    allow: AllowList
    files: SshFiles
    cache: WorkCache
    outbox: Outbox
    arrived: Callable[[], None]
    """Called after a job and before its result: reports what is there now, so that the planner need not guess."""
    stopping: Callable[[], bool]
    active: dict[str, Running] = field(default_factory=dict)
    """The jobs whose pipelines run, by id."""
    failed: set[str] = field(default_factory=set)
    """The datasets whose last job here did not succeed."""

    def run(self, claim: Claim) -> None:
        """Run it, and put its result into the outbox."""
        running = Running(claim)
        self.active[claim.id] = running
        about = running.about
        LOG.info("job claimed: %s of %s", claim.relative or "the root", claim.edge.id, extra=about)
        try:
            finish = self._finish(claim, running)
        finally:
            del self.active[claim.id]
        self._note(claim, finish)
        if finish.result == "succeeded":
            LOG.info("job done: %d snapshots, %d bytes", finish.moved_snapshots, finish.moved_bytes, extra=about)
        elif finish.error:
            code = {**about, "code": finish.error.code}
            LOG.warning("job %s: %s", finish.result, finish.error.message, extra=code)
        if not running.lease_lost and not (self.stopping() and finish.result == "cancelled"):
            self.arrived()
            self.outbox.put(claim.id, finish)

    def _note(self, claim: Claim, finish: Finish) -> None:
        place = f"{claim.edge.id}/{claim.relative}"
        if finish.result == "succeeded":
            self.failed.discard(place)
        else:
            self.failed.add(place)

    def _finish(self, claim: Claim, running: Running) -> Finish:
        with Pulse(self.client, running, self.cache.settings.progress_seconds):
            try:
                moved = self._move(claim, running)
            except ZfsSyncError as error:
                return _failed(running, error)
            except OSError as error:
                reason = f"{error.filename or 'This host'}: {error.strerror or error}."
                return _failed(running, ZfsSyncError("E_INTERNAL", reason))
        return _succeeded(claim, moved)

    def _move(self, claim: Claim, running: Running) -> Moved:
        engine = self.storage.engine()
        found = errand(claim, engine, self.cache.system, self.allow, self.files)
        moved = (
            self._pushed(found, engine, running)
            if isinstance(found, PushErrand)
            else self._received(found, engine, running)
        )
        for warning in moved.warnings:
            LOG.warning("%s", warning, extra=running.about)
        return moved

    def _received(self, found: Errand, engine: Engine, running: Running) -> Moved:
        return engine.receiver.run(
            found.job,
            found.feeder,
            allow=lambda dataset: self.allow.require("receive", dataset),
            on_progress=running.note,
            cancelled=running.cancelled,
        )

    def _pushed(self, found: PushErrand, engine: Engine, running: Running) -> Moved:
        return engine.pusher.run(
            found.push,
            found.target,
            allow=lambda dataset: self.allow.require("send", dataset),
            on_progress=running.note,
            cancelled=running.cancelled,
        )


def _succeeded(claim: Claim, moved: Moved) -> Finish:
    head = u64_text(moved.head_guid) if moved.head_guid is not None else None
    return Finish(
        epoch=claim.epoch,
        result="succeeded",
        moved_snapshots=moved.snapshots,
        moved_bytes=moved.bytes,
        target_head_guid=head,
    )


def _failed(running: Running, error: ZfsSyncError) -> Finish:
    result: Literal["cancelled", "failed"] = "cancelled" if running.cancelled.is_set() else "failed"
    words = JobError(code=error.code, message=error.message[:LONGEST_TEXT], hint=error.hint[:LONGEST_TEXT])
    return Finish(epoch=running.epoch, result=result, moved_bytes=running.reached.bytes_done, error=words)
