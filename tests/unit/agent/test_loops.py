# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""What goes on for ever: outages are borne with jitter and said once, and every loop ends when it is told to."""

import logging
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.agent.conftest import DEADLINE_SECONDS, FEEDS, until, work_of
from tests.unit.agent.fleet import Pair
from zfs_sync.agent.holds import Releases
from zfs_sync.agent.loops import Attempts, HeartbeatLoop, JobLoop, ScanLoop, WorkLoop
from zfs_sync.agent.work_cache import WorkCache
from zfs_sync.client.backoff import Backoff
from zfs_sync.core.errors import ZfsSyncError


@pytest.fixture
def stop() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


class Stop(threading.Event):
    """A stop that keeps how long it was waited for, and does not wait."""

    def __init__(self) -> None:
        super().__init__()
        self.waited: list[float | None] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.waited.append(timeout)
        return self.is_set()


def run(loop: object, stop: threading.Event) -> threading.Thread:
    thread = threading.Thread(target=loop.run)  # type: ignore[attr-defined]
    thread.start()
    return thread


def fail(code: str = "E_WITNESS_UNREACHABLE") -> None:
    raise ZfsSyncError(code, "no")


def test_failures_wait_longer_each_time_and_a_success_begins_anew() -> None:
    stop = Stop()
    attempts = Attempts("x", stop, Backoff(least_seconds=1.0, uniform=lambda _, high: high))
    for _ in range(3):
        assert not attempts.run(fail)
    assert attempts.run(lambda: None)
    assert not attempts.run(fail)
    assert stop.waited == [1.0, 2.0, 4.0, 1.0]


def test_an_outage_is_said_when_it_begins_changes_and_ends(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="zfs_sync")
    attempts = Attempts("reporting", Stop(), Backoff())
    for action in (fail, fail, lambda: fail("E_FORBIDDEN"), lambda: None, lambda: None):
        attempts.run(action)
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING", "INFO"]
    assert caplog.records[-1].getMessage() == "reporting works again"


def test_a_defect_is_not_borne() -> None:
    with pytest.raises(ZeroDivisionError):
        Attempts("x", Stop(), Backoff()).run(lambda: 1 // 0)


class Reporter:
    def __init__(self) -> None:
        self.scans = 0
        self.wanted = False

    def scan(self) -> bool:
        self.scans += 1
        return True

    def heartbeat(self) -> bool:
        return self.wanted


def test_a_scan_can_be_asked_for_and_waited_for(stop: threading.Event) -> None:
    reporter = Reporter()
    loop = ScanLoop(reporter, stop, 3600.0)  # type: ignore[arg-type]
    thread = run(loop, stop)
    until(lambda: reporter.scans == 1)
    loop.now(DEADLINE_SECONDS)
    assert reporter.scans >= 2
    loop.soon()
    until(lambda: reporter.scans >= 3)
    stop.set()
    loop.soon()
    thread.join(DEADLINE_SECONDS)
    assert not thread.is_alive()


def test_who_waits_for_a_scan_does_not_wait_for_ever(stop: threading.Event) -> None:
    ScanLoop(Reporter(), stop, 3600.0).now(0.01)  # type: ignore[arg-type]


def test_scans_come_by_themselves(stop: threading.Event) -> None:
    reporter = Reporter()
    thread = run(ScanLoop(reporter, stop, 0.01), stop)  # type: ignore[arg-type]
    until(lambda: reporter.scans > 2)
    stop.set()
    thread.join(DEADLINE_SECONDS)


def test_a_heartbeat_that_asks_for_a_report_gets_one(tmp_path: Path, stop: threading.Event) -> None:
    reporter = Reporter()
    scan = ScanLoop(reporter, stop, 3600.0)  # type: ignore[arg-type]
    beat = HeartbeatLoop(reporter, WorkCache(tmp_path, "nas1"), scan, stop)  # type: ignore[arg-type]
    beat._beat()
    assert scan._asked == 0
    reporter.wanted = True
    beat._beat()
    assert scan._asked == 1


def test_heartbeats_come_twice_in_the_longest_silence(tmp_path: Path) -> None:
    cache = WorkCache(tmp_path, "nas1")
    cache.replace(work_of("nas1"), "")  # 30 s

    class Three(Stop):
        def wait(self, timeout: float | None = None) -> bool:
            super().wait(timeout)
            return len(self.waited) == 3

    stop = Three()
    HeartbeatLoop(Reporter(), cache, ScanLoop(Reporter(), stop, 1.0), stop).run()  # type: ignore[arg-type]
    assert stop.waited == [15.0, 15.0, 15.0]


def test_work_is_asked_of_a_real_witness_and_kept(pair: Pair, tmp_path: Path, stop: threading.Event) -> None:
    cache = WorkCache(tmp_path, pair.target)
    loop = WorkLoop(pair.client, cache, pair.target, stop)
    thread = run(loop, stop)
    until(lambda: cache.version == 1)
    assert cache.work is not None
    assert [job.id for job in cache.work.jobs] == [pair.job]
    stop.set()
    pair.fleet.call("DELETE", f"/sync-groups/g-{pair.target}")  # which wakes the long poll
    thread.join(DEADLINE_SECONDS)
    assert not thread.is_alive()
    assert cache.work.edges == []
    etag, version = cache.etag, cache.version
    loop.ask(0)
    assert (cache.etag, cache.version) == (etag, version), "nothing new is nothing to write"


class Holds:
    def __init__(self) -> None:
        self.kept: list[frozenset[str]] = []
        self.refusal: ZfsSyncError | None = None

    def engine(self) -> "Holds":
        return self

    @property
    def holds(self) -> "Holds":
        return self

    def only(self, edges: frozenset[str], _heirs: object, _carries: object) -> bool:
        if self.refusal:
            raise self.refusal
        self.kept.append(edges)
        return True


class Runner:
    def __init__(self) -> None:
        self.turns = 0

    def deliver(self) -> None:
        self.turns += 1

    def end_withdrawn(self) -> None:
        pass

    def start_ready(self) -> None:
        pass


def test_holds_are_given_back_for_edges_that_the_witness_itself_took_away(
    tmp_path: Path, stop: threading.Event
) -> None:
    WorkCache(tmp_path, "nas1").replace(work_of("nas1"), "")
    cache, holds, runner = WorkCache(tmp_path, "nas1"), Holds(), Runner()
    loop = JobLoop(runner, cache, stop, Releases(cache, holds))  # type: ignore[arg-type]
    thread = run(loop, stop)
    until(lambda: runner.turns >= 1)
    cache.poke()
    until(lambda: runner.turns >= 2)
    assert holds.kept == [], "an old cache is not the witness's word"
    for number, work in enumerate((work_of("nas1", FEEDS), work_of("nas1", FEEDS), work_of("nas1")), 3):
        cache.replace(work, "")
        until(lambda number=number: runner.turns >= number)  # type: ignore[misc]
    stop.set()
    cache.poke()
    thread.join(DEADLINE_SECONDS)
    assert holds.kept == [frozenset({FEEDS.id}), frozenset()]


def test_holds_that_cannot_be_given_back_now_are_given_back_later(tmp_path: Path) -> None:
    cache, holds = WorkCache(tmp_path, "nas1"), Holds()
    cache.replace(work_of("nas1"), "")
    releases = Releases(cache, holds)  # type: ignore[arg-type]
    holds.refusal = ZfsSyncError("E_ZFS_MISSING", "no daemon")
    releases.run()
    holds.refusal = None
    releases.run()
    releases.run()
    assert holds.kept == [frozenset()]


def test_holds_of_an_edge_that_rests_stay(tmp_path: Path) -> None:
    cache, holds = WorkCache(tmp_path, "nas1"), Holds()
    cache.replace(replace(work_of("nas1"), withheld=[FEEDS.id]), "")
    Releases(cache, holds).run()  # type: ignore[arg-type]
    assert holds.kept == [frozenset({FEEDS.id})]
