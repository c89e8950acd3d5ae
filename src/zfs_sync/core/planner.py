# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""What has to happen between one source dataset and one target dataset.

The witness judges from reports; the agent judges again from the pools in front of it, with the same function, before a
byte moves. A verdict carries the GUIDs that prove it and a sentence for people.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from zfs_sync.core.graph import DatasetView, Snapshot, newest_common

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
    BLOCKED_BY_PARENT = "BLOCKED_BY_PARENT"
    FEATURE_GAP = "FEATURE_GAP"


ACTIONABLE = frozenset({Outcome.INITIAL, Outcome.BEHIND})
"""The outcomes for which a job exists."""

CONFLICTS = frozenset({Outcome.DIVERGED, Outcome.NO_COMMON_BASE})
"""The outcomes of two histories that contradict each other: nothing goes on until a person has decided."""

ERROR_CODES: Mapping[Outcome, str] = {
    Outcome.TARGET_AHEAD: "E_TARGET_AHEAD",
    Outcome.DIVERGED: "E_DIVERGED",
    Outcome.NO_COMMON_BASE: "E_NO_COMMON_BASE",
    Outcome.TARGET_UNMANAGED: "E_TARGET_UNMANAGED",
    Outcome.BLOCKED_BY_PARENT: "E_PARENT_MISSING",
    Outcome.FEATURE_GAP: "E_ENCRYPTED_SOURCE",
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


def judge(
    group: str,
    source: DatasetView | None,
    target: DatasetView | None,
    *,
    source_reported: bool = True,
    target_reported: bool = True,
    parent_ready: bool = True,
) -> Verdict:
    """Compare one dataset on the two ends of an edge of ``group``.

    ``source`` and ``target`` are None where the dataset does not exist. ``parent_ready`` says whether the dataset above
    the target exists there (the root's own parent counts as ready: only the host can tell).
    """
    if not source_reported or not target_reported:
        return _unreported(source_reported, target_reported)
    if source is None:
        return Verdict(Outcome.UNREPORTED, "The source has reported no dataset of this name.")
    if source.encrypted:
        return Verdict(
            Outcome.FEATURE_GAP,
            f"{source.path} is encrypted, and raw sending is not available here: it is not sent in clear.",
            source_head=source.head,
        )
    if target is None:
        return _absent_target(source, parent_ready=parent_ready)
    if target.marker != group:
        return _unmanaged(group, source, target)
    return _compare(source, target)


def _unreported(source_reported: bool, target_reported: bool) -> Verdict:
    missing = [side for side, there in (("source", source_reported), ("target", target_reported)) if not there]
    return Verdict(Outcome.UNREPORTED, f"No report yet from the {' and the '.join(missing)}.")


def _absent_target(source: DatasetView, *, parent_ready: bool) -> Verdict:
    if source.head is None:
        return Verdict(Outcome.IN_SYNC, "The source has no snapshots yet: there is nothing to send.")
    outcome, message = Outcome.INITIAL, f"First sync: {_count(len(source.snapshots))} to send."
    if not parent_ready:
        outcome = Outcome.BLOCKED_BY_PARENT
        message = "The dataset above it does not exist on the target yet: it is received first."
    return Verdict(
        outcome,
        message,
        source_head=source.head,
        lag_snapshots=len(source.snapshots),
        oldest_missing=source.oldest,
        evidence={"source_head": _proof(source.head)},
    )


def _unmanaged(group: str, source: DatasetView, target: DatasetView) -> Verdict:
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
        source_head=source.head,
        target_head=target.head,
        base=base,
        lag_snapshots=len(source.after(base.guid) if base else source.snapshots),
        evidence={"target_guid": str(target.guid), "target_head": _proof(target.head), "base": _proof(base)},
    )


def _compare(source: DatasetView, target: DatasetView) -> Verdict:
    base = newest_common(source, target)
    missing = source.after(base.guid) if base else source.snapshots
    extra = target.after(base.guid) if base else target.snapshots
    outcome, message = _outcome(target, base, missing, extra)
    return Verdict(
        outcome,
        message,
        source_head=source.head,
        target_head=target.head,
        base=base,
        lag_snapshots=len(missing),
        oldest_missing=missing[0] if missing else None,
        evidence={
            "base": _proof(base),
            "source_head": _proof(source.head),
            "target_head": _proof(target.head),
            "only_on_target": [_proof(each) for each in extra[:EVIDENCE_SNAPSHOTS]],
            "only_on_source": [_proof(each) for each in missing[:EVIDENCE_SNAPSHOTS]],
        },
    )


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


def transfer_steps(verdict: Verdict, source: DatasetView) -> tuple[TransferStep, ...]:
    """The streams that bring the target up to the source's head; none where the outcome asks for none."""
    head = source.head
    if head is None or verdict.outcome not in ACTIONABLE:
        return ()
    if verdict.outcome is Outcome.BEHIND:
        return (TransferStep(verdict.base, head),)
    oldest = source.snapshots[0]
    first = TransferStep(None, oldest)
    return (first,) if oldest.guid == head.guid else (first, TransferStep(oldest, head))


def _proof(snapshot: Snapshot | None) -> dict[str, str] | None:
    return {"guid": str(snapshot.guid), "name": snapshot.name} if snapshot else None


def _count(number: int) -> str:
    return f"{number} snapshot" if number == 1 else f"{number} snapshots"
