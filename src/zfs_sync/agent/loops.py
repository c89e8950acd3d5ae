# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""What the agent's threads do over and over: look, say that it lives, ask for work, hand out jobs.

Each outage is borne with full jitter, so that many agents do not come back to a witness at the same moment, and is
logged when it begins and when it ends, not every time.
"""

import logging
import threading
from collections.abc import Callable
from typing import Protocol

from zfs_sync.agent.jobs import TICK_SECONDS, JobRunner
from zfs_sync.agent.reporter import Reporter
from zfs_sync.agent.work_cache import WorkCache
from zfs_sync.client.backoff import Backoff
from zfs_sync.client.witness import WitnessClient
from zfs_sync.core.errors import ZfsSyncError

LOG = logging.getLogger(__name__)
WAIT_SECONDS = 30


class Attempts:
    """Runs something until it works, and says how it goes."""

    def __init__(self, name: str, stop: threading.Event, backoff: Backoff) -> None:
        self._name, self._stop, self._backoff = name, stop, backoff
        self._trouble: str | None = None

    def run(self, action: Callable[[], object]) -> bool:
        """Run it once; after a failure, wait before returning. Whether it worked."""
        try:
            action()
        except ZfsSyncError as error:
            if error.code != self._trouble:
                LOG.warning("%s does not work: %s", self._name, error, extra={"code": error.code})
            self._trouble = error.code
            self._stop.wait(self._backoff.next_seconds())
            return False
        if self._trouble:
            LOG.info("%s works again", self._name)
        self._trouble = None
        self._backoff.reset()
        return True


class ScanLoop:
    """Scans every so often, and at once when asked to."""

    def __init__(self, reporter: Reporter, stop: threading.Event, period_seconds: float) -> None:
        self._reporter, self._stop, self._period = reporter, stop, period_seconds
        self._attempts = Attempts("reporting", stop, Backoff(most_seconds=30.0))
        self._changed = threading.Condition()
        self._asked = 0
        self._answered = 0

    def now(self, seconds: float) -> None:
        """Scan and report now; back when that is done or has failed, or after so long."""
        with self._changed:
            self._asked += 1
            mine = self._asked
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._answered >= mine or self._stop.is_set(), seconds)

    def soon(self) -> None:
        """Scan and report, without waiting for it."""
        with self._changed:
            self._asked += 1
            self._changed.notify_all()

    def run(self) -> None:
        """Until stopped."""
        while not self._stop.is_set():
            with self._changed:
                asked = self._asked
            self._attempts.run(self._reporter.scan)
            with self._changed:
                self._answered = asked
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._asked > self._answered or self._stop.is_set(), self._period)


class HeartbeatLoop:
    """Says that this host lives, as often as the witness wants to hear it."""

    def __init__(self, reporter: Reporter, cache: WorkCache, scan: ScanLoop, stop: threading.Event) -> None:
        self._reporter, self._cache, self._scan, self._stop = reporter, cache, scan, stop
        self._attempts = Attempts("the heartbeat", stop, Backoff(most_seconds=30.0))

    def run(self) -> None:
        """Until stopped."""
        while not self._stop.wait(self._cache.settings.heartbeat_seconds / 2):
            self._attempts.run(self._beat)

    def _beat(self) -> None:
        if self._reporter.heartbeat():
            self._scan.soon()


class WorkLoop:
    """Asks for work by long poll, and keeps the answer."""

    def __init__(self, client: WitnessClient, cache: WorkCache, system: str, stop: threading.Event) -> None:
        self._client, self._cache, self._system, self._stop = client, cache, system, stop
        self._attempts = Attempts("asking for work", stop, Backoff(least_seconds=2.0))

    def run(self) -> None:
        """Until stopped."""
        while not self._stop.is_set():
            self._attempts.run(lambda: self.ask(WAIT_SECONDS))

    def ask(self, wait_seconds: int) -> None:
        """Ask once."""
        answer = self._client.work(self._system, etag=self._cache.etag, wait_seconds=wait_seconds)
        if answer is not None:
            self._cache.replace(*answer)


class Chore(Protocol):
    """Something small that follows from what the witness last said."""

    def run(self) -> None:
        """Do what there is to do."""
        ...


class JobLoop:
    """Starts what waits, delivers what is done, and does what else follows from the witness's word."""

    def __init__(self, runner: JobRunner, cache: WorkCache, stop: threading.Event, *chores: Chore) -> None:
        self._runner, self._cache, self._stop, self._chores = runner, cache, stop, chores

    def run(self) -> None:
        """Until stopped."""
        version = self._cache.version
        while not self._stop.is_set():
            self._runner.deliver()
            self._runner.end_withdrawn()
            self._runner.start_ready()
            for chore in self._chores:
                chore.run()
            version = self._cache.wait(version, TICK_SECONDS)
