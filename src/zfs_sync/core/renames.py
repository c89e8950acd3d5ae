# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""A dataset that is gone from its place and is at another one: it was renamed, and its history is not sent anew.

A dataset's own GUID stays with it through ``zfs rename``; what was learned of it while it was in its place tells later
where it went. Nothing is renamed from here: the verdict says what is where, and ``advice`` what a person can do.
"""

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from zfs_sync.core.edges import Edge
from zfs_sync.core.names import is_inside, join, parent, relative
from zfs_sync.core.planner import Outcome, Verdict

RENAMED = frozenset({Outcome.SOURCE_RENAMED, Outcome.TARGET_RENAMED})


@dataclass(frozen=True, slots=True)
class Rename:
    """A dataset that was at one path and is at another."""

    guid: int
    was: str
    now: str

    def whole(self, exists: Callable[[str], bool]) -> "Rename":
        """The rename that moved it: of the topmost dataset above that is gone from its place and kept the rest."""
        was, now = self.was, self.now
        while was.rpartition("/")[2] == now.rpartition("/")[2]:
            above, over = parent(was), parent(now)
            if above is None or over is None or exists(above):
                break
            was, now = above, over
        return Rename(self.guid, was, now)


def source_renamed(rename: Rename, whole: Rename) -> Verdict:
    """The verdict on a dataset of the source, at the path where it was and at the one where it is."""
    return _verdict(Outcome.SOURCE_RENAMED, rename, whole, "the copies do not follow by themselves")


def target_renamed(rename: Rename, whole: Rename) -> Verdict:
    """The verdict on a target that is elsewhere on its host: nothing is received in its old place."""
    return _verdict(Outcome.TARGET_RENAMED, rename, whole, "nothing is sent anew to where it was")


def _verdict(outcome: Outcome, rename: Rename, whole: Rename, consequence: str) -> Verdict:
    return Verdict(
        outcome,
        f"{rename.was} is {rename.now} now (its GUID is {rename.guid}): {consequence}.",
        evidence={
            "dataset_guid": str(rename.guid),
            "was": rename.was,
            "now": rename.now,
            "renamed": {"was": whole.was, "now": whole.now},
        },
    )


def advice(outcome: Outcome, edge: Edge, evidence: Mapping[str, object]) -> str:
    """What a person can do about a verdict of here, with the commands."""
    renamed = evidence["renamed"]
    if not isinstance(renamed, Mapping):
        raise TypeError("the evidence names no rename")
    was, now = str(renamed["was"]), str(renamed["now"])
    if outcome is Outcome.SOURCE_RENAMED:
        return _advice_on_source(edge, was, now)
    back = f"zfs rename {shlex.quote(now)} {shlex.quote(was)}"
    anew = f"to receive it anew, run there: zfs inherit zfs-sync:group {shlex.quote(str(evidence['now']))}"
    if is_inside(edge.to_root, was):
        declared = relative(edge.to_root, was)
        place = join(now, declared)
        return f"Declare dataset {place} for {edge.to_system}, or run on {edge.to_system}: {back}; {anew}"
    return f"Run on {edge.to_system}: {back}; {anew}"


def _advice_on_source(edge: Edge, was: str, now: str) -> str:
    back = f"zfs rename {shlex.quote(now)} {shlex.quote(was)}"
    if is_inside(edge.from_root, was):
        place = join(now, relative(edge.from_root, was))
        return f"Declare dataset {place} for {edge.from_system}, or run on {edge.from_system}: {back}"
    copy = shlex.quote(join(edge.to_root, relative(was, edge.from_root)))
    let_go = f"to keep the copy as it is and let it go, run there: zfs inherit -r zfs-sync:group {copy}"
    if not is_inside(now, edge.from_root):
        return f"It is outside of the group. Run on {edge.from_system}: {back}; or on {edge.to_system}, {let_go}"
    follow = f"zfs rename {copy} {shlex.quote(join(edge.to_root, relative(now, edge.from_root)))}"
    return f"To let the copy follow, run on {edge.to_system}: {follow}; {let_go}"
