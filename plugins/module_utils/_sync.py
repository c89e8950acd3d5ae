# -*- coding: utf-8 -*-
# Copyright: (c) 2026, The ZFS Sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running a sync group and waiting for it. Private to this collection: no stable interface.

What moved is told by the jobs, not by comparing heads before and after, so that data which arrived by itself in the
meantime is not claimed. Waiting looks at edges, since a tree or a chain takes several jobs, each making the next.
"""

from __future__ import annotations

import time

from ansible_collections.zfs_sync.fleet.plugins.module_utils._client import segment

# What goes on to another outcome when a job, a report or the parent's job is through.
UNDERWAY = ("INITIAL", "BEHIND", "BLOCKED_BY_PARENT", "UNREPORTED")
# How long nothing may be queued for a dataset that is behind, or a host be offline, before waiting is given up.
GRACE_SECONDS = 30.0
FIRST_PAUSE_SECONDS = 0.25
LONGEST_PAUSE_SECONDS = 3.0


def read_status(client, group=None):
    """Every edge of the group, or of the fleet, with its systems."""
    return whole_status(client, {"group": group} if group else {})


def whole_status(client, query):
    """The status with the items of all its pages."""
    status = page = client.get("/api/v1/status", query)
    while page.get("next"):
        page = client.get("/api/v1/status", dict(query, after=page["next"]))
        status["items"] += page["items"]
    return status


def ask(client, group, targets, check):
    """Have the witness run the group now, or say what would run."""
    body = {"targets": targets or None, "check": check}
    return client.post("/api/v1/sync-groups/%s/sync" % segment(group), body, repeatable=check)


def would_move(edges):
    """Whether a run now would move data."""
    return any(each["outcome"] in ("INITIAL", "BEHIND") or _tried_again(each) for each in edges)


def _tried_again(edge):
    """Whether an attempt found the target written to, and only another one can tell that it was mended."""
    return edge["outcome"] == "TARGET_DIRTY" and bool((edge["error"] or {}).get("at"))


def newest_job(client, group):
    """The id of the group's newest job, so that later ones can be told from it; None where there is none."""
    items = client.get("/api/v1/jobs", {"group": group, "limit": 1})["items"]
    return items[0]["id"] if items else None


class Run:
    """One run of a group, from the witness's answer until every dataset is in sync or is known not to get there."""

    def __init__(self, client, group, targets, marker, started_jobs, clock=time.monotonic, sleep=time.sleep):
        self._client = client
        self._group = group
        self._targets = targets
        self._marker = marker
        self._started_jobs = set(started_jobs)
        self._clock = clock
        self._sleep = sleep
        self._idle_since = {}
        self._asked = set()
        self.edges = []
        self.jobs = []
        self.waiting = []
        self.refused = []

    def wait(self, timeout):
        """Look until nothing is under way or ``timeout`` seconds are over; whether it ended in time."""
        deadline, pause = self._clock() + timeout, FIRST_PAUSE_SECONDS
        while True:
            self._look()
            if not self.waiting:
                return True
            if self._clock() >= deadline:
                return False
            self._go_on()
            self._sleep(min(pause, max(0.0, deadline - self._clock())))
            pause = min(pause * 1.5, LONGEST_PAUSE_SECONDS)

    def moved(self):
        """What arrived: totals, and the jobs that brought it."""
        jobs = [each for each in self.jobs if each["moved_snapshots"]]
        return {
            "snapshots": sum(each["moved_snapshots"] for each in jobs),
            "bytes": sum(each["moved_bytes"] for each in jobs),
            "jobs": [
                {key: each[key] for key in ("id", "edge", "relative", "moved_snapshots", "moved_bytes")}
                for each in jobs
            ],
        }

    def _look(self):
        status = read_status(self._client, self._group)
        self.edges = [each for each in status["items"] if not self._targets or each["to_system"] in self._targets]
        self.jobs = self._jobs_of_this_run()
        failed = {(each["edge"], each["relative"]) for each in self.jobs if each["state"] in ("failed", "cancelled")}
        offline = {each["name"] for each in status["systems"] if not each["online"]}
        unfinished = [each for each in self.edges if not self._in_sync(each) and not self._elsewhere(each)]
        ended = [each for each in unfinished if self._ended(each, failed, offline)]
        ended_keys = {(each["edge"], each["relative"]) for each in ended}
        self.waiting = [each for each in unfinished if not _ended_above(each, ended_keys)]
        self.refused = [each for each in unfinished if _ended_above(each, ended_keys)]

    def _go_on(self):
        """Ask again for what could not be queued at first, since what comes before it had not arrived: the next part of
        a chain, or of a tree. In a group that runs by itself the witness has queued it already.
        """
        idle = {
            (each["edge"], each["relative"], each["outcome"], (each["source_head"] or {}).get("guid"))
            for each in self.waiting
            if each["job"] is None and each["outcome"] in ("INITIAL", "BEHIND")
        }
        if idle - self._asked:
            self._asked |= idle
            self._started_jobs |= set(ask(self._client, self._group, self._targets, check=False)["jobs"])

    def _in_sync(self, edge):
        if edge["outcome"] != "IN_SYNC" or edge["job"] is not None:
            return False
        return all(
            feeder["target_head"] == edge["source_head"] and self._in_sync(feeder) for feeder in self._feeders(edge)
        )

    def _elsewhere(self, edge):
        """Whether this edge of peers has nothing to do: neither of its ends has the dataset, which another peer has."""
        return (
            edge.get("peers")
            and edge["outcome"] == "UNREPORTED"
            and any(each["outcome"] != "UNREPORTED" for each in self._same_dataset(edge))
        )

    def _same_dataset(self, edge):
        """All edges of this dataset of the group."""
        return [each for each in self.edges if each["relative"] == edge["relative"]]

    def _fed(self, edge):
        """Whether a job brings something to the same dataset, along this edge or, among peers, another one."""
        place = (edge["to_system"], edge["to_root"])
        return any(
            each["job"] is not None and each["job"]["state"] == "running"
            for each in self._same_dataset(edge)
            if (each["to_system"], each["to_root"]) == place
        )

    def _feeders(self, edge):
        """The edge that brings to this edge's feeder what it passes on: at most one, since edges form no circle. Peers
        do, and each of their edges is looked at for itself.
        """
        if edge.get("peers"):
            return []
        return [
            each
            for each in self.edges
            if (each["to_system"], each["to_root"], each["relative"])
            == (edge["from_system"], edge["from_root"], edge["relative"])
        ]

    def _ended(self, edge, failed, offline):
        """Whether waiting for this dataset is in vain."""
        key = (edge["edge"], edge["relative"])
        tried = edge["outcome"] == "TARGET_DIRTY" and edge["job"] is not None
        if not tried and edge["outcome"] not in (*UNDERWAY, "IN_SYNC"):
            return True
        if key in failed:
            return True
        running = self._fed(edge)
        stands = not running and bool(edge["job"] is None or {edge["from_system"], edge["to_system"]} & offline)
        if not stands or edge["outcome"] in ("BLOCKED_BY_PARENT", "IN_SYNC"):
            self._idle_since.pop(key, None)
            return any(self._ended(feeder, failed, offline) for feeder in self._feeders(edge))
        return self._clock() - self._idle_since.setdefault(key, self._clock()) > GRACE_SECONDS

    def _jobs_of_this_run(self):
        """The jobs that ran or were queued when it began, and those made since."""
        found = []
        for job in self._client.pages("/api/v1/jobs", {"group": self._group}):
            if job["id"] == self._marker:
                break
            found.append(job)
        known = {each["id"] for each in found}
        found += [self._client.get("/api/v1/jobs/" + segment(each)) for each in sorted(self._started_jobs - known)]
        return [each for each in found if not self._targets or each["to_system"] in self._targets]


def _ended_above(edge, ended_keys):
    """Whether the dataset itself or one above it, which must come first, has ended out of sync."""
    relative = edge["relative"]
    above = [""] + [relative[:index] for index, letter in enumerate(relative) if letter == "/"] + [relative]
    return any((edge["edge"], each) in ended_keys for each in above)


def explain(edges):
    """One line for each edge that is not in sync: which, why, and what to do."""
    return "\n".join(_line(each) for each in edges)


def _line(edge):
    dataset = edge["to_root"] + ("/" + edge["relative"] if edge["relative"] else "")
    error = edge["error"] or {}
    why = "%s: %s" % (error["code"], error["message"]) if error else edge["message"]
    parts = ["%s on %s is %s: %s" % (dataset, edge["to_system"], edge["outcome"], why)]
    return " ".join(parts + ([error["hint"]] if error.get("hint") else []))
