# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""When waiting for a group ends, and what counts as moved."""

from __future__ import annotations

import pytest
from ansible_collections.zfs_sync.fleet.plugins.module_utils import _sync


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


class Client:
    """Answers with one status after another, the last for ever."""

    def __init__(self, statuses, jobs=()):
        self.statuses = list(statuses)
        self.jobs = list(jobs)
        self.asked = []

    def post(self, path, body, repeatable=False):
        self.asked.append(body)
        return {"edges": [], "jobs": []}

    def get(self, path, query=None):
        if path == "/api/v1/status":
            return self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        return next(each for each in self.jobs if path.endswith("/" + each["id"]))

    def pages(self, path, query=None):
        yield from self.jobs


def head(name):
    return {"guid": name, "name": name}


def edge(outcome, relative="", start=("a", "tank"), end=("b", "pool"), job=None, error=None, heads=("s", "s")):
    return {
        "edge": "g:%s:%s" % end,
        "from_system": start[0],
        "from_root": start[1],
        "to_system": end[0],
        "to_root": end[1],
        "relative": relative,
        "outcome": outcome,
        "message": "so it is",
        "source_head": head(heads[0]),
        "target_head": head(heads[1]),
        "job": job,
        "error": error,
    }


RUNNING = {"id": "j1", "state": "running"}
QUEUED = {"id": "j1", "state": "queued"}


def status(*edges, offline=()):
    systems = [{"name": name, "online": name not in offline} for name in ("a", "b", "c")]
    return {"items": list(edges), "systems": systems}


def job(ident, state="succeeded", moved=1, edge_id="g:b:pool", to_system="b", relative=""):
    return {
        "id": ident,
        "state": state,
        "edge": edge_id,
        "relative": relative,
        "to_system": to_system,
        "moved_snapshots": moved,
        "moved_bytes": moved * 10,
    }


def run(client, targets=(), marker=None, started=()):
    clock = Clock()
    return _sync.Run(client, "g", list(targets), marker, started, clock=clock, sleep=clock.sleep), clock


def test_it_waits_until_all_is_in_sync_and_counts_what_its_jobs_moved():
    statuses = [status(edge("BEHIND", job=QUEUED)), status(edge("BEHIND", job=RUNNING)), status(edge("IN_SYNC"))]
    watched, clock = run(Client(statuses, [job("new", moved=3), job("old"), job("older")]), marker="old")
    assert watched.wait(60)
    assert not watched.refused
    assert watched.moved()["snapshots"] == 3
    assert watched.moved()["bytes"] == 30
    assert clock.now < 1


def test_the_next_part_of_a_chain_is_asked_for_when_it_can_be_brought():
    first = edge("INITIAL", job=RUNNING)
    next_one = {"start": ("b", "pool"), "end": ("c", "safe")}
    statuses = [
        status(first, edge("IN_SYNC", **next_one, heads=("none", "none"))),
        status(edge("IN_SYNC"), edge("INITIAL", **next_one)),
        status(edge("IN_SYNC"), edge("INITIAL", **next_one, job=QUEUED)),
        status(edge("IN_SYNC"), edge("IN_SYNC", **next_one)),
    ]
    client = Client(statuses)
    watched, clock = run(client)
    assert watched.wait(60)
    assert client.asked == [{"targets": None, "check": False}]


def test_what_was_asked_for_in_vain_is_not_asked_for_for_ever():
    client = Client([status(edge("BEHIND"))])
    watched, clock = run(client)
    watched.wait(600)
    assert len(client.asked) == 1


def test_a_job_that_ran_when_it_began_counts():
    client = Client([status(edge("IN_SYNC"))], [job("marker", moved=0), job("running-before", moved=2)])
    watched, clock = run(client, marker="marker", started=["running-before"])
    assert watched.wait(60)
    assert [each["id"] for each in watched.moved()["jobs"]] == ["running-before"]


def test_nothing_to_do_moves_nothing():
    watched, clock = run(Client([status(edge("IN_SYNC"))]))
    assert watched.wait(60)
    assert watched.moved() == {"snapshots": 0, "bytes": 0, "jobs": []}


@pytest.mark.parametrize("outcome", ["DIVERGED", "NO_COMMON_BASE", "TARGET_AHEAD", "TARGET_UNMANAGED", "FEATURE_GAP"])
def test_a_refused_dataset_ends_the_waiting_at_once(outcome):
    watched, clock = run(Client([status(edge(outcome))]))
    assert watched.wait(60)
    assert [each["outcome"] for each in watched.refused] == [outcome]
    assert clock.now == 0


def test_a_failed_job_ends_the_waiting_for_its_dataset_and_what_is_below():
    below = edge("BLOCKED_BY_PARENT", relative="x/y")
    statuses = [status(edge("INITIAL", relative="x", job=QUEUED), below, edge("IN_SYNC", relative="z"))]
    watched, clock = run(Client(statuses, [job("n", state="failed", moved=0, relative="x")]))
    assert watched.wait(60)
    assert [each["relative"] for each in watched.refused] == ["x", "x/y"]


def test_a_chain_is_followed_to_its_end():
    first, second = {"end": ("b", "pool")}, {"start": ("b", "pool"), "end": ("c", "safe")}
    statuses = [
        status(edge("BEHIND", job=RUNNING, heads=("2", "1"), **first), edge("IN_SYNC", heads=("1", "1"), **second)),
        status(edge("IN_SYNC", heads=("2", "2"), **first), edge("IN_SYNC", heads=("1", "1"), **second)),
        status(edge("IN_SYNC", heads=("2", "2"), **first), edge("BEHIND", job=RUNNING, heads=("2", "1"), **second)),
        status(edge("IN_SYNC", heads=("2", "2"), **first), edge("IN_SYNC", heads=("2", "2"), **second)),
    ]
    client = Client(statuses)
    watched, clock = run(client)
    assert watched.wait(60)
    assert len(client.statuses) == 1
    assert not watched.refused


def test_what_a_refused_feeder_should_pass_on_is_not_waited_for():
    feeder = edge("DIVERGED", end=("b", "pool"), heads=("2", "1"))
    fed = edge("IN_SYNC", start=("b", "pool"), end=("c", "safe"), heads=("1", "1"))
    watched, clock = run(Client([status(feeder, fed)]))
    assert watched.wait(60)
    assert clock.now == 0
    assert [each["to_system"] for each in watched.refused] == ["b", "c"]


def test_only_the_wanted_targets_are_waited_for():
    watched, clock = run(Client([status(edge("DIVERGED"), edge("IN_SYNC", end=("c", "safe")))]), targets=["c"])
    assert watched.wait(60)
    assert not watched.refused


@pytest.mark.parametrize(("waiting", "offline"), [(edge("BEHIND"), ()), (edge("BEHIND", job=QUEUED), ("b",))])
def test_what_nobody_takes_up_is_given_up_after_a_grace(waiting, offline):
    watched, clock = run(Client([status(waiting, offline=offline)]))
    assert watched.wait(600)
    assert len(watched.refused) == 1
    assert _sync.GRACE_SECONDS < clock.now < 2 * _sync.GRACE_SECONDS


def test_a_long_transfer_is_waited_for_up_to_the_limit():
    watched, clock = run(Client([status(edge("BEHIND", job=RUNNING))]))
    assert not watched.wait(120)
    assert clock.now == pytest.approx(120)
    assert len(watched.waiting) == 1


def test_an_explanation_names_dataset_reason_and_remedy():
    error = {"code": "E_X", "message": "It is so.", "hint": "Do this."}
    lines = _sync.explain([edge("DIVERGED", relative="x", error=error), edge("BEHIND")]).splitlines()
    assert lines == ["pool/x on b is DIVERGED: E_X: It is so. Do this.", "pool on b is BEHIND: so it is"]


def test_data_would_move_where_a_target_is_behind():
    assert _sync.would_move([edge("IN_SYNC"), edge("INITIAL")])
    assert not _sync.would_move([edge("IN_SYNC"), edge("DIVERGED")])


def test_a_status_of_several_pages_is_read_whole():
    pages = [
        {"items": [1, 2], "next": "p2", "summary": {}, "systems": ["a"]},
        {"items": [3], "next": None, "summary": {}, "systems": []},
    ]
    client = Client(pages)
    asked = []
    get = client.get
    client.get = lambda path, query=None: asked.append(query) or get(path, query)
    status = _sync.whole_status(client, {"group": "g"})
    assert (status["items"], status["systems"]) == ([1, 2, 3], ["a"])
    assert asked == [{"group": "g"}, {"group": "g", "after": "p2"}]


def between_peers(outcome, start, end, **more):
    one = edge(outcome, start=(start, "tank"), end=(end, "tank"), **more)
    return dict(one, edge="g:%s:tank<%s" % (end, start), peers=True)


def test_a_target_that_an_attempt_found_written_to_is_tried_again_and_waited_for():
    told = {"code": "E_TARGET_MODIFIED", "message": "no", "hint": "zfs rollback x", "at": "2026-11-24T08:00:00Z"}
    assert _sync.would_move([edge("TARGET_DIRTY", error=told)])
    assert not _sync.would_move([edge("TARGET_DIRTY", error=dict(told, at=None))])
    mended = [status(edge("TARGET_DIRTY", error=told, job=QUEUED)), status(edge("IN_SYNC"))]
    one, clock = run(Client(mended, [job("j1")]))
    assert one.wait(60)
    assert one.refused == []


def test_a_target_that_is_still_written_to_is_refused():
    told = {"code": "E_TARGET_MODIFIED", "message": "no", "hint": "zfs rollback x", "at": None}
    one, clock = run(Client([status(edge("TARGET_DIRTY", error=told))]))
    assert one.wait(60)
    assert [each["outcome"] for each in one.refused] == ["TARGET_DIRTY"]


def test_peers_are_waited_for_each_by_its_own_edges():
    first = status(
        between_peers("INITIAL", "a", "b", job=RUNNING),
        between_peers("INITIAL", "a", "c", job=RUNNING),
        between_peers("UNREPORTED", "b", "c"),
        between_peers("UNREPORTED", "c", "b"),
        between_peers("IN_SYNC", "b", "a"),
        between_peers("IN_SYNC", "c", "a"),
    )
    names = ("a", "b", "c")
    pairs = [(one, other) for one in names for other in names if one != other]
    last = status(*(between_peers("IN_SYNC", *pair) for pair in pairs))
    one, clock = run(Client([first, first, last]))
    assert one.wait(60)
    assert (one.waiting, one.refused) == ([], [])


def test_peers_that_have_both_gone_on_are_refused():
    apart = status(between_peers("DIVERGED", "a", "b"), between_peers("DIVERGED", "b", "a"))
    one, clock = run(Client([apart]))
    assert one.wait(60)
    assert [each["outcome"] for each in one.refused] == ["DIVERGED", "DIVERGED"]
