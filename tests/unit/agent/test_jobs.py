# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Which jobs run when: a few at a time, none twice, and none that was just declined."""

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.agent.conftest import DEADLINE_SECONDS, FED, ManualClock, until, work_of
from zfs_sync.agent.jobs import DECLINED_SECONDS, JobRunner
from zfs_sync.agent.known_hosts import KnownHosts
from zfs_sync.agent.outbox import Outbox
from zfs_sync.agent.running import Running
from zfs_sync.agent.work_cache import WorkCache
from zfs_sync.api.work import Claim, Finish, Peer, WaitingJob
from zfs_sync.core.errors import ZfsSyncError


class Claims:
    """A witness that gives every job out, or none."""

    def __init__(self) -> None:
        self.refusal: ZfsSyncError | None = None
        self.unfinished: ZfsSyncError | None = None
        self.asked: list[str] = []
        self.finished: list[str] = []
        self.results: list[Finish] = []
        self.answer = threading.Event()
        self.answer.set()

    def claim(self, job: str, _: str) -> Claim:
        self.asked.append(job)
        self.answer.wait()
        if self.refusal:
            raise self.refusal
        return Claim(id=job, epoch=1, lease_seconds=30, edge=FED, relative="", steps=[])

    def finish(self, job: str, finish: Finish) -> None:
        if error := self.unfinished or self.refusal:
            raise error
        self.finished.append(job)
        self.results.append(finish)

    def close(self) -> None:
        pass


class Work:
    """A worker whose jobs last until they are let go."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.go_on = threading.Event()
        self.active: dict[str, Running] = {}

    def run(self, claim: Claim) -> None:
        self.ran.append(claim.id)
        running = self.active[claim.id] = Running(claim)
        while not self.go_on.is_set() and not running.cancelled.wait(0.01):
            pass
        del self.active[claim.id]


@pytest.fixture
def claims() -> Claims:
    return Claims()


@pytest.fixture
def worker() -> Work:
    return Work()


@pytest.fixture
def cache(tmp_path: Path) -> WorkCache:
    return WorkCache(tmp_path, "nas2")


@pytest.fixture
def outbox(tmp_path: Path) -> Outbox:
    return Outbox(tmp_path)


@pytest.fixture
def runner(
    claims: Claims, worker: Work, cache: WorkCache, outbox: Outbox, tmp_path: Path, clock: ManualClock
) -> JobRunner:
    (tmp_path / "known_hosts").write_text("nas1 ssh-ed25519 A\n")
    return JobRunner(
        claims,  # type: ignore[arg-type]
        cache,
        worker,  # type: ignore[arg-type]
        outbox,
        known_hosts=KnownHosts(tmp_path / "known_hosts", clock),
        installation="one",
        parallel=2,
        clock=clock,
    )


def list_jobs(cache: WorkCache, *jobs: str, edge: str = FED.id) -> None:
    waiting = tuple(WaitingJob(id=job, edge=edge, relative="", state="queued") for job in jobs)
    cache.replace(work_of("nas2", FED, jobs=waiting), "")


def test_a_few_run_at_a_time_and_each_once(runner: JobRunner, cache: WorkCache, worker: Work) -> None:
    assert runner.start_ready() == 0, "the witness was never heard"
    list_jobs(cache, "a", "b", "c")
    assert runner.start_ready() == 2
    assert runner.start_ready() == 0
    until(lambda: len(worker.ran) == 2)
    assert sorted(runner.running()) == ["a", "b"]
    assert runner.busy
    worker.go_on.set()
    until(lambda: not runner.busy)
    assert runner.start_ready() == 1
    until(lambda: not runner.busy)
    assert sorted(worker.ran) == ["a", "b", "c"]


def test_a_pipeline_ends_with_its_edge_and_not_with_news_of_another(runner: JobRunner, cache: WorkCache) -> None:
    claim = Claim(id="a", epoch=1, lease_seconds=30, edge=FED, relative="", steps=[])
    running = runner._worker.active["a"] = Running(claim)
    runner.end_withdrawn()
    assert not running.cancelled.is_set(), "the witness was never heard"
    for edges, ended in (((FED,), False), ((FED, replace(FED, id="other:nas2:x")), False), ((), True)):
        cache.replace(work_of("nas2", *edges), "")
        runner.end_withdrawn()
        assert running.cancelled.is_set() is ended


PEER = Peer(system="nas1", host="nas1", user="zfs-sync", port=22)


def test_a_rename_ends_no_pipeline(runner: JobRunner, cache: WorkCache) -> None:
    claim = Claim(id="a", epoch=1, lease_seconds=30, edge=FED, relative="", steps=[])
    running = runner._worker.active["a"] = Running(claim)
    renamed = replace(PEER, system="nas9", formerly=["nas1"])
    cache.replace(work_of("nas2", replace(FED, id="pictures:nas2:x", group="pictures", peer=renamed)), "")
    runner.end_withdrawn()
    assert not running.cancelled.is_set()


def test_a_pipeline_ends_when_its_edge_leads_from_elsewhere(runner: JobRunner, cache: WorkCache) -> None:
    claim = Claim(id="a", epoch=1, lease_seconds=30, edge=FED, relative="", steps=[])
    running = runner._worker.active["a"] = Running(claim)
    cache.replace(work_of("nas2", replace(FED, from_system="nas3", peer=replace(PEER, system="nas3"))), "")
    runner.end_withdrawn()
    assert running.cancelled.is_set()


def test_a_job_that_ended_here_is_not_taken_again_from_an_old_list(
    runner: JobRunner, cache: WorkCache, worker: Work
) -> None:
    worker.go_on.set()
    list_jobs(cache, "a")
    runner.start_ready()
    until(lambda: not runner.busy)
    assert runner.start_ready() == 0
    list_jobs(cache, "a")
    assert runner.start_ready() == 1, "the witness says it anew"
    until(lambda: not runner.busy)


def test_a_job_that_was_declined_rests_a_while(
    runner: JobRunner, cache: WorkCache, claims: Claims, clock: ManualClock
) -> None:
    claims.refusal = ZfsSyncError("E_JOB_NOT_CLAIMABLE", "taken")
    list_jobs(cache, "a")
    runner.start_ready()
    until(lambda: not runner.busy)
    assert runner.start_ready() == 0
    clock.now += DECLINED_SECONDS[1]
    assert runner.start_ready() == 1
    until(lambda: not runner.busy)
    assert claims.asked == ["a", "a"]
    assert runner.start_ready() == 0
    list_jobs(cache, "a")
    assert runner.start_ready() == 1, "the witness lists it anew: there may be room now"
    until(lambda: not runner.busy)


def test_what_is_over_is_forgotten(runner: JobRunner, cache: WorkCache, worker: Work, clock: ManualClock) -> None:
    """An agent that runs for years does a great many jobs."""
    worker.go_on.set()
    for number in range(50):
        list_jobs(cache, f"job-{number}")
        runner.start_ready()
        until(lambda: not runner.busy)
    list_jobs(cache)
    clock.now += DECLINED_SECONDS[1]
    runner.start_ready()
    assert (runner._settled, runner._declined) == ({}, {})


def test_a_job_whose_result_waits_is_in_hand_and_not_taken(runner: JobRunner, cache: WorkCache, outbox: Outbox) -> None:
    outbox.put("a", Finish(epoch=1, result="succeeded"))
    list_jobs(cache, "a")
    assert runner.running() == ["a"]
    assert runner.start_ready() == 0


def test_a_job_waits_for_its_peers_host_keys(runner: JobRunner, cache: WorkCache, worker: Work, tmp_path: Path) -> None:
    known = (tmp_path / "known_hosts").read_text()
    (tmp_path / "known_hosts").unlink()
    worker.go_on.set()
    list_jobs(cache, "a")
    assert runner.start_ready() == 0
    list_jobs(cache, "b", edge="of which nothing is known")
    assert runner.start_ready() == 1
    (tmp_path / "known_hosts").write_text(known)
    list_jobs(cache, "a")
    until(lambda: not runner.busy)
    assert runner.start_ready() == 1
    until(lambda: not runner.busy)


def test_results_are_handed_over_and_a_failure_is_not_repeated_at_once(
    runner: JobRunner, claims: Claims, outbox: Outbox, clock: ManualClock
) -> None:
    runner.deliver()
    claims.refusal = ZfsSyncError("E_WITNESS_UNREACHABLE", "away")
    outbox.put("a", Finish(epoch=1, result="succeeded"))
    runner._delivery._uniform = lambda _, high: high  # type: ignore[assignment]
    runner.deliver()
    claims.refusal = None
    runner.deliver()
    assert claims.finished == []
    clock.now += 1.0
    runner.deliver()
    assert (claims.finished, outbox.empty) == (["a"], True)


def test_only_one_hands_over_at_a_time(runner: JobRunner, claims: Claims, outbox: Outbox) -> None:
    outbox.put("a", Finish(epoch=1, result="succeeded"))
    with runner._delivering:
        runner.deliver()
    assert claims.finished == []


def test_stopping_ends_every_pipeline_and_waits_for_it(runner: JobRunner, cache: WorkCache, worker: Work) -> None:
    list_jobs(cache, "a", "b")
    runner.start_ready()
    until(lambda: len(worker.active) == 2)
    runner.stop(30.0)
    assert worker.active == {}


def test_a_claim_that_arrives_while_the_agent_stops_is_given_back(
    runner: JobRunner, cache: WorkCache, worker: Work, claims: Claims
) -> None:
    claims.answer.clear()
    list_jobs(cache, "a", "b", "c")
    runner.start_ready()
    until(lambda: len(claims.asked) == 2)
    stopping = threading.Thread(target=runner.stop, args=(30.0,))
    stopping.start()
    until(runner._stopping.is_set)
    assert runner.start_ready() == 0, "nothing more is taken"
    claims.answer.set()
    stopping.join(DEADLINE_SECONDS)
    assert (sorted(claims.finished), worker.ran, runner.running()) == (["a", "b"], [], [])
    assert {(each.result, each.error.code) for each in claims.results if each.error} == {("failed", "E_INTERRUPTED")}


def test_what_is_given_back_while_the_witness_is_away_is_given_back_later(
    runner: JobRunner, cache: WorkCache, claims: Claims, outbox: Outbox
) -> None:
    claims.answer.clear()
    list_jobs(cache, "a")
    runner.start_ready()
    until(lambda: claims.asked == ["a"])
    runner.stop(0.0)
    claims.unfinished = ZfsSyncError("E_WITNESS_UNREACHABLE", "away")
    claims.answer.set()
    until(lambda: not runner.busy)
    assert outbox.jobs() == ["a"]


def test_a_pipeline_that_begins_while_the_agent_stops_is_ended(
    runner: JobRunner, cache: WorkCache, worker: Work
) -> None:
    """Between the claim and the pipeline's start lies a moment in which a stop finds nothing to end."""
    entered, begin, run = threading.Event(), threading.Event(), worker.run

    def late(claim: Claim) -> None:
        entered.set()
        begin.wait()
        run(claim)

    worker.run = late  # type: ignore[method-assign]
    list_jobs(cache, "a")
    runner.start_ready()
    until(entered.is_set)
    stopping = threading.Thread(target=runner.stop, args=(30.0,))
    stopping.start()
    until(runner._stopping.is_set)
    begin.set()
    stopping.join(DEADLINE_SECONDS)
    assert (worker.ran, runner.busy, stopping.is_alive()) == (["a"], False, False)
