# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Which jobs this host runs when: those that the witness lists and nobody here runs yet, a few at a time."""

import logging
import random
import threading
import time
from collections.abc import Callable

from zfs_sync.agent.known_hosts import KnownHosts
from zfs_sync.agent.outbox import Outbox
from zfs_sync.agent.running import about
from zfs_sync.agent.work_cache import WorkCache
from zfs_sync.agent.worker import Worker
from zfs_sync.api.work import Claim, Finish, JobError, WaitingJob
from zfs_sync.client.backoff import Backoff
from zfs_sync.client.witness import WitnessClient
from zfs_sync.core.errors import ZfsSyncError

LOG = logging.getLogger(__name__)
TICK_SECONDS = 2.0
DECLINED_SECONDS = (2.0, 10.0)
STOPPING_SECONDS = 0.1


class JobRunner:
    """Hands jobs to threads and results to the witness."""

    def __init__(
        self,
        client: WitnessClient,
        cache: WorkCache,
        worker: Worker,
        outbox: Outbox,
        *,
        known_hosts: KnownHosts,
        installation: str,
        parallel: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client, self._cache, self._worker, self._outbox = client, cache, worker, outbox
        self._known_hosts = known_hosts
        self._installation, self._parallel, self._clock = installation, parallel, clock
        self._lock = threading.Lock()
        self._taken: dict[str, threading.Thread] = {}
        self._settled: dict[str, int] = {}
        """Jobs that ended here, with the version of the work that still listed them."""
        self._declined: dict[str, tuple[float, int]] = {}
        """Jobs that the witness did not give out: until when they rest, unless it speaks of them anew."""
        self._delivery = Backoff()
        self._deliver_at = 0.0
        self._delivering = threading.Lock()
        self._stopping = threading.Event()

    def running(self) -> list[str]:
        """The jobs that this host has in hand: claimed, running, or with a result that is not delivered."""
        with self._lock:
            taken = list(self._taken)
        return list(dict.fromkeys([*taken, *self._outbox.jobs()]))

    @property
    def busy(self) -> bool:
        """Whether a job is in the hands of a thread."""
        with self._lock:
            return bool(self._taken)

    def start_ready(self) -> int:
        """Start what waits, as far as there is room; how many."""
        started = 0
        self._forget_old()
        for job in self._cache.work.jobs if self._cache.work else ():
            with self._lock:
                if self._stopping.is_set() or len(self._taken) >= self._parallel:
                    break
                if not self._ready(job):
                    continue
                thread = threading.Thread(target=self._take, args=(job,), name=f"job-{job.id[:8]}", daemon=True)
                self._taken[job.id] = thread
            thread.start()
            started += 1
        return started

    def deliver(self) -> None:
        """Hand results over, unless the witness just failed to take one."""
        if self._outbox.empty or self._clock() < self._deliver_at or not self._delivering.acquire(blocking=False):
            return
        try:
            self._outbox.deliver(self._client)
            self._delivery.reset()
        except ZfsSyncError as error:
            self._deliver_at = self._clock() + self._delivery.next_seconds()
            LOG.warning("results wait for the witness: %s", error, extra={"code": error.code})
        finally:
            self._delivering.release()

    def end_withdrawn(self) -> None:
        """End the pipelines of edges that the witness names no more, or names otherwise: their access ends at once.

        Nothing before this process has heard from the witness itself: a cache may be old, and who never was told of
        an edge was not told of its end.
        """
        if self._cache.version == 0 or self._cache.work is None:
            return
        for running in list(self._worker.active.values()):
            if not running.cancelled.is_set() and not running.in_force(self._cache.work.edges):
                LOG.warning("the edge is withdrawn, the transfer is ended", extra=running.about)
                running.cancelled.set()

    def stop(self, seconds: float) -> None:
        """Take nothing more, end every pipeline, also one that begins only now, and wait for them."""
        deadline = self._clock() + seconds
        with self._lock:
            self._stopping.set()
            threads = list(self._taken.values())
        for thread in threads:
            while thread.is_alive() and (left := deadline - self._clock()) > 0:
                for running in list(self._worker.active.values()):
                    running.cancelled.set()
                thread.join(min(left, STOPPING_SECONDS))

    def _forget_old(self) -> None:
        """What ended or was declined is remembered only as long as it counts."""
        version, now = self._cache.version, self._clock()
        with self._lock:
            self._settled = {job: at for job, at in self._settled.items() if at >= version}
            self._declined = {
                job: (until, at) for job, (until, at) in self._declined.items() if until > now and at >= version
            }

    def _ready(self, job: WaitingJob) -> bool:
        settled = self._settled.get(job.id)
        return (
            job.id not in self._taken
            and (settled is None or settled < self._cache.version)
            and job.id not in self._declined
            and not self._outbox.holds(job.id)
            and self._peer_ready(job)
        )

    def _peer_ready(self, job: WaitingJob) -> bool:
        edge = self._cache.edge(job.edge)
        return edge is None or edge.peer is None or self._known_hosts.ready_for(edge.peer)

    def _take(self, job: WaitingJob) -> None:
        try:
            self._work(job)
        finally:
            with self._lock:
                del self._taken[job.id]
            self._cache.poke()
        self.deliver()

    def _work(self, job: WaitingJob) -> None:
        version = self._cache.version
        try:
            claim = self._client.claim(job.id, self._installation)
        except ZfsSyncError as error:
            LOG.info("job not taken: %s", error, extra={"job": job.id, "edge": job.edge, "code": error.code})
            with self._lock:
                until = self._clock() + random.uniform(*DECLINED_SECONDS)  # noqa: S311
                self._declined[job.id] = (until, version)
            return
        finally:
            self._client.close()
        if self._stopping.is_set():
            self._give_back(claim)
            return
        self._worker.run(claim)
        with self._lock:
            self._settled[job.id] = self._cache.version

    def _give_back(self, claim: Claim) -> None:
        """End a job that was given out while the agent stops: nobody would run it until the next start."""
        LOG.info("job given back: the agent stops", extra=about(claim))
        entry = ZfsSyncError("E_INTERRUPTED", "The agent was stopped before the transfer began.")
        words = JobError(code=entry.code, message=entry.message, hint=entry.hint)
        self._outbox.put(claim.id, Finish(epoch=claim.epoch, result="failed", error=words))
