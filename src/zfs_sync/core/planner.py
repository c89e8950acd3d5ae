# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""What has to happen between one source dataset and one target dataset.

The witness judges from reports; the agent judges again from the pools in front of it, with the same function, before a
byte moves. A verdict carries the GUIDs that prove it and a sentence for people.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from zfs_sync.core.graph import DatasetView, Snapshot, newest_common
from zfs_sync.core.ownership import MARKED, Ownership
from zfs_sync.core.selection import EVERYTHING, Selection

EVIDENCE_SNAPSHOTS = 5


class Outcome(StrEnum):
    """The state of one dataset on one edge."""

    UNREPORTED = "UNREPORTED"
    INITIAL = "INITIAL"
    IN_SYNC = "IN_SYNC"
    BEHIND = "BEHIND"
    TARGET_AHEAD = "TARGET_AHEAD"
    DIVERGED = "DIVERGED"
    NO_COMMON_BASE = "NO_COMMON_BASE"
    TARGET_UNMANAGED = "TARGET_UNMANAGED"
    TARGET_DIRTY = "TARGET_DIRTY"
    BLOCKED_BY_PARENT = "BLOCKED_BY_PARENT"
    FEATURE_GAP = "FEATURE_GAP"
    SOURCE_RENAMED = "SOURCE_RENAMED"
    TARGET_RENAMED = "TARGET_RENAMED"
    NAME_TOO_LONG = "NAME_TOO_LONG"


ACTIONABLE = frozenset({Outcome.INITIAL, Outcome.BEHIND})
"""The outcomes for which a job exists."""

CONFLICTS = frozenset({Outcome.DIVERGED, Outcome.NO_COMMON_BASE})
"""The outcomes of two histories that contradict each other: nothing goes on until a person has decided."""

ERROR_CODES: Mapping[Outcome, str] = {
    Outcome.TARGET_AHEAD: "E_TARGET_AHEAD",
    Outcome.DIVERGED: "E_DIVERGED",
    Outcome.NO_COMMON_BASE: "E_NO_COMMON_BASE",
    Outcome.TARGET_UNMANAGED: "E_TARGET_UNMANAGED",
    Outcome.TARGET_DIRTY: "E_TARGET_MODIFIED",
    Outcome.BLOCKED_BY_PARENT: "E_PARENT_MISSING",
    Outcome.FEATURE_GAP: "E_ENCRYPTED_SOURCE",
    Outcome.SOURCE_RENAMED: "E_SOURCE_RENAMED",
    Outcome.TARGET_RENAMED: "E_TARGET_RENAMED",
    Outcome.NAME_TOO_LONG: "E_NAME_TOO_LONG",
}
"""The catalogue's code for an outcome that a person has to look at."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """An outcome and its proof."""

    outcome: Outcome
    message: str
    source_head: Snapshot | None = None
    target_head: Snapshot | None = None
    base: Snapshot | None = None
    """The newest snapshot that both sides have, as the source knows it."""
    lag_snapshots: int = 0
    """How many snapshots the target lacks."""
    oldest_missing: Snapshot | None = None
    """The oldest snapshot the target lacks; its age is the replication lag."""
    evidence: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TransferStep:
    """One stream: everything from ``base`` (exclusive) to ``to``; without a base a full send of ``to`` alone."""

    base: Snapshot | None
    to: Snapshot
    alone: bool = False
    """With a base: one increment to ``to``, which leaves out what lies between."""

    def sent(self, source: DatasetView) -> tuple[Snapshot, ...]:
        """The snapshots of ``source`` that the stream brings."""
        if self.base is None or self.alone:
            return (self.to,)
        return tuple(each for each in source.after(self.base.guid) if each.createtxg <= self.to.createtxg)


def judge(
    group: str,
    source: DatasetView | None,
    target: DatasetView | None,
    *,
    source_reported: bool = True,
    target_reported: bool = True,
    parent_ready: bool = True,
    selection: Selection = EVERYTHING,
    ownership: Ownership = MARKED,
) -> Verdict:
    """Compare one dataset on the two ends of an edge of ``group``.

    ``source`` and ``target`` are None where the dataset does not exist. ``parent_ready`` says whether the dataset above
    the target exists there (the root's own parent counts as ready: only the host can tell). Snapshots of the source
    that ``selection`` does not take are never missing, but one that both sides have is a base as good as any, and one
    that only the target has stands in the way of a receive whatever its name. ``ownership`` says which existing targets
    are admitted besides those that carry the group's mark.
    """
    if not source_reported or not target_reported:
        return _unreported(source_reported, target_reported)
    if source is None:
        return _absent_source(target, ownership)
    if source.encrypted:
        return Verdict(
            Outcome.FEATURE_GAP,
            f"{source.path} is encrypted, and raw sending is not available here: it is not sent in clear.",
            source_head=source.head,
        )
    if target is None:
        return _absent_target(source, selection, parent_ready=parent_ready)
    if not ownership.admits(group, target.marker):
        return _unmanaged(group, source, target, selection)
    return _compare(source, target, selection, ownership)


def root_missing(path: str) -> Verdict:
    """A group that replicates only what lies below its roots, and a target where there is nothing to receive it in."""
    return Verdict(
        Outcome.BLOCKED_BY_PARENT,
        f"{path} does not exist: this group replicates what lies below its roots, and makes no root.",
    )


def _unreported(source_reported: bool, target_reported: bool) -> Verdict:
    missing = [side for side, there in (("source", source_reported), ("target", target_reported)) if not there]
    return Verdict(Outcome.UNREPORTED, f"No report yet from the {' and the '.join(missing)}.")


def _absent_source(target: DatasetView | None, ownership: Ownership) -> Verdict:
    if ownership.peers and target is not None:
        return Verdict(Outcome.IN_SYNC, "This peer does not have the dataset: it has nothing to send.")
    return Verdict(Outcome.UNREPORTED, "The source has reported no dataset of this name.")


def _absent_target(source: DatasetView, selection: Selection, *, parent_ready: bool) -> Verdict:
    wanted = selection.of(source.snapshots)
    if not wanted:
        return Verdict(Outcome.IN_SYNC, f"{_lacking(source)}: there is nothing to send.")
    to_send = wanted if selection.intermediate else wanted[-1:]
    outcome, message = Outcome.INITIAL, f"First sync: {_count(len(to_send))} to send."
    if not parent_ready:
        outcome = Outcome.BLOCKED_BY_PARENT
        message = "The dataset above it is not there on the target yet, or is not this group's: it comes first."
    return Verdict(
        outcome,
        message,
        source_head=wanted[-1],
        lag_snapshots=len(to_send),
        oldest_missing=to_send[0],
        evidence={"source_head": _proof(wanted[-1])},
    )


def _lacking(source: DatasetView) -> str:
    return "The group takes none of the source's snapshots" if source.head else "The source has no snapshots yet"


def _unmanaged(group: str, source: DatasetView, target: DatasetView, selection: Selection) -> Verdict:
    base = newest_common(source, target)
    if target.marker:
        why = f"is a target of sync group {target.marker}, not of {group}"
    elif base:
        why = f"shares snapshot {base.name} with the source, but was not received by sync group {group}"
    else:
        why = f"exists and was not received by sync group {group}"
    return Verdict(
        Outcome.TARGET_UNMANAGED,
        f"{target.path} {why}: it is left untouched.",
        source_head=_newest(selection.of(source.snapshots)),
        target_head=target.head,
        base=base,
        lag_snapshots=len(selection.of(source.after(base.guid) if base else source.snapshots)),
        evidence={"target_guid": str(target.guid), "target_head": _proof(target.head), "base": _proof(base)},
    )


def _compare(source: DatasetView, target: DatasetView, selection: Selection, ownership: Ownership) -> Verdict:
    base = newest_common(source, target)
    missing = selection.of(source.after(base.guid) if base else source.snapshots)
    extra = target.after(base.guid) if base else target.snapshots
    source_head = _newest(selection.of(source.snapshots))
    target_head = _newest(extra or selection.of(target.snapshots))
    outcome, message = _outcome(target, base, missing, extra)
    if ownership.peers and outcome is Outcome.TARGET_AHEAD:
        outcome, message = (
            Outcome.IN_SYNC,
            f"{target.path} is {_count(len(extra))} ahead, and is followed by the other.",
        )
    elif _dirty(outcome, target, ownership):
        outcome, message = Outcome.TARGET_DIRTY, written_since(target)
    return Verdict(
        outcome,
        message,
        source_head=source_head,
        target_head=target_head,
        base=base,
        lag_snapshots=len(missing),
        oldest_missing=missing[0] if missing else None,
        evidence={
            "base": _proof(base),
            "source_head": _proof(source_head),
            "target_head": _proof(target_head),
            "only_on_target": [_proof(each) for each in extra[:EVIDENCE_SNAPSHOTS]],
            "only_on_source": [_proof(each) for each in missing[:EVIDENCE_SNAPSHOTS]],
        },
    )


def _dirty(outcome: Outcome, target: DatasetView, ownership: Ownership) -> bool:
    """Whether what was written to the target is in the way. A peer is written to as long as it is not behind."""
    hindered = (Outcome.BEHIND,) if ownership.peers else (Outcome.BEHIND, Outcome.IN_SYNC)
    return outcome in hindered and bool(target.written)


def written_since(target: DatasetView) -> str:
    """What TARGET_DIRTY says of a target."""
    newest = f"its newest snapshot {target.head.name}" if target.head else "it was made"
    return f"{target.path} was written to since {newest}; nothing is received or thrown away."


def _outcome(
    target: DatasetView, base: Snapshot | None, missing: tuple[Snapshot, ...], extra: tuple[Snapshot, ...]
) -> tuple[Outcome, str]:
    if base is None:
        if not missing and not extra:
            return Outcome.IN_SYNC, "Neither side has snapshots: there is nothing to send."
        return Outcome.NO_COMMON_BASE, f"{target.path} has no snapshot in common with the source any more."
    if missing and extra:
        return (
            Outcome.DIVERGED,
            (
                f"{target.path} and the source have both gone on after {base.name}:"
                f" {_count(len(extra))} only here, {_count(len(missing))} only there."
            ),
        )
    if extra:
        return Outcome.TARGET_AHEAD, f"{target.path} has {_count(len(extra))} that the source does not have."
    if missing:
        return Outcome.BEHIND, f"{_count(len(missing))} behind."
    return Outcome.IN_SYNC, f"Both sides are at {base.name}."


def transfer_steps(
    verdict: Verdict, source: DatasetView, selection: Selection = EVERYTHING
) -> tuple[TransferStep, ...]:
    """The streams that bring the target up to the source's head; none where the outcome asks for none."""
    if verdict.outcome not in ACTIONABLE:
        return ()
    wanted = selection.of(source.after(verdict.base.guid) if verdict.base else source.snapshots)
    if not selection.intermediate:
        wanted = wanted[-1:]
    if verdict.base is not None:
        return _increments(verdict.base, wanted, source)
    first, *others = wanted
    return (TransferStep(None, first), *_increments(first, others, source))


def _increments(base: Snapshot, wanted: Sequence[Snapshot], source: DatasetView) -> tuple[TransferStep, ...]:
    """As few streams as bring exactly ``wanted``, oldest first: one for each stretch with nothing else in between.

    Where something else comes before such a stretch, its first snapshot is an increment alone.
    """
    between = source.after(base.guid)
    places = {each.guid: place for place, each in enumerate(between)}
    steps: list[TransferStep] = []
    at, place = base, -1
    for each in wanted:
        follows = places[each.guid] == place + 1
        last = steps[-1] if steps else None
        if follows and last is not None and not last.alone:
            steps[-1] = TransferStep(last.base, each)
        else:
            steps.append(TransferStep(at, each, alone=not follows))
        at, place = each, places[each.guid]
    return tuple(steps)


def _newest(snapshots: Sequence[Snapshot]) -> Snapshot | None:
    return snapshots[-1] if snapshots else None


def _proof(snapshot: Snapshot | None) -> dict[str, str] | None:
    return {"guid": str(snapshot.guid), "name": snapshot.name} if snapshot else None


def _count(number: int) -> str:
    return f"{number} snapshot" if number == 1 else f"{number} snapshots"
