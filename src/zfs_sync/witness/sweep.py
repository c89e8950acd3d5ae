# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""What the witness does by itself: it notices leases that ran out, and keys that ended, and deletes what is too old.

At its start it gives every running job a whole lease, for it was the witness that was away, and not the agents.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from fastapi.concurrency import run_in_threadpool
from sqlalchemy import Connection

from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.witness.context import Witness
from zfs_sync.witness.db.database import after_commit
from zfs_sync.witness.services import access, clock_back, jobs, retention

BATCHES = 20
"""How often a round deletes: a backlog, after the ages were made shorter, goes over many rounds."""
LISTEN_SECONDS = 2.0


@asynccontextmanager
async def sweeping(witness: Witness) -> AsyncIterator[None]:
    """Sweep again and again for as long as the witness serves."""
    await run_in_threadpool(
        witness.database.write, lambda each: jobs.extend_all(each, witness.settings, witness.clock())
    )
    revocations, sweeper = Revocations(witness), await run_in_threadpool(Sweeper, witness)
    tasks = [
        asyncio.create_task(_forever(witness, max(0.5, witness.settings.lease_seconds / 6), sweeper.run)),
        asyncio.create_task(_forever(witness, LISTEN_SECONDS, revocations.look)),
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def _forever(witness: Witness, period_seconds: float, action: Callable[[], None]) -> None:
    while True:
        await asyncio.sleep(period_seconds)
        try:
            await run_in_threadpool(action)
        except ZfsSyncError as error:  # the disk is full, say: the next round tries again
            witness.log.warning("sweep_failed", code=error.code, detail=error.message)


class Revocations:
    """Wakes the long polls that ``zfs-sync-witness key revoke`` concerns, a process that shares only the database."""

    def __init__(self, witness: Witness) -> None:
        self._witness = witness
        self._seen = witness.clock()

    def look(self) -> None:
        """Wake who lost a key since the last look, and its peers."""
        since, self._seen = self._seen, self._witness.clock()
        woken = self._witness.database.read(lambda connection: access.revoked_since(connection, since))
        self._witness.notifier.wake(woken)


class Sweeper:
    """Sweeps, and follows the clock when it goes back between two rounds, or while the witness was not running."""

    def __init__(self, witness: Witness) -> None:
        self._witness = witness
        self._latest = witness.database.read(clock_back.latest_known)

    def run(self) -> None:
        """One round."""
        witness, now = self._witness, self._witness.clock()
        before = self._latest or now
        step = witness.database.write(lambda each: clock_back.follow(each, before, now))
        if step:
            witness.log.warning("clock_went_back", seconds=round(step.total_seconds()))
        self._latest = now
        sweep(witness)


def sweep(witness: Witness) -> None:
    """One round: leases that ran out make their jobs lost, and some of what is too old goes."""

    def write(connection: Connection) -> None:
        woken = jobs.expire(connection, witness.clock())
        after_commit(connection, lambda: witness.notifier.wake(woken))

    witness.database.write(write)
    for _ in range(BATCHES):
        if not witness.database.write(lambda each: retention.prune(each, witness.settings, witness.clock())):
            return
