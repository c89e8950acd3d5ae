# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""What a step means for the pool in front of us, and when it is refused.

The witness planned from reports; here the same judgement is made from what is there now. A step that the target has
taken already is done, one that it has taken in part goes on from where it is, and anything else is refused with the
GUIDs that prove it.
"""

import shlex
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.core.graph import DatasetView, Snapshot
from zfs_sync.core.ownership import MARKED, Ownership
from zfs_sync.core.planner import ERROR_CODES, Outcome, TransferStep, Verdict, judge
from zfs_sync.core.room import with_room
from zfs_sync.core.selection import EVERYTHING, Selection
from zfs_sync.zfs.commands import MARKER
from zfs_sync.zfs.listing import Dataset


@dataclass(frozen=True, slots=True)
class Step:
    """One stream, by GUID: from ``base_guid`` (None for a full one) to ``to_guid``."""

    base_guid: int | None
    to_guid: int
    alone: bool = False
    """Only ``to_guid`` is sent, and not what lies between."""


class Task(Protocol):
    """What is to arrive in a dataset: a job of the receiving host, or a push of the sending one."""

    @property
    def group(self) -> str:
        """The sync group."""
        ...

    @property
    def target(self) -> str:
        """The dataset that is received into."""
        ...

    @property
    def steps(self) -> tuple[Step, ...]:
        """The streams, in order."""
        ...

    @property
    def selection(self) -> Selection:
        """What of the source the edge carries."""
        ...

    @property
    def ownership(self) -> Ownership:
        """What admits the target besides its mark."""
        ...


def planned(
    task: Task, source: Dataset, target: Dataset | None, parent_exists: Callable[[], bool]
) -> list[TransferStep | None]:
    """The stream of each step (None: done already), judged before the first byte. Raises why one is refused."""
    view = target.view() if target else None
    found = []
    for step in task.steps:
        exists = view is not None or parent_exists()
        transfer = decide(
            task.group,
            task.target,
            step,
            source.view(),
            view,
            parent_exists=exists,
            selection=task.selection,
            ownership=task.ownership,
        )
        found.append(transfer)
        view = _arrived(task, source.view(), view, transfer) if transfer else view
    return found


def _arrived(task: Task, source: DatasetView, target: DatasetView | None, step: TransferStep) -> DatasetView:
    """The target as it will be after ``step``: what the next one is judged against."""
    there = {each.guid for each in (*(target.snapshots if target else ()), *step.sent(source))}
    return DatasetView(task.target, 0, tuple(each for each in source.snapshots if each.guid in there), task.group)


def decide(
    group: str,
    path: str,
    step: Step,
    source: DatasetView | None,
    target: DatasetView | None,
    *,
    parent_exists: bool,
    selection: Selection = EVERYTHING,
    ownership: Ownership = MARKED,
) -> TransferStep | None:
    """The stream to send now, None where the target ``path`` has it already. Raises why it is refused."""
    if source is None:
        raise ZfsSyncError("E_SOURCE_GONE", f"The source of {path} does not exist any more.")
    if target is not None and ownership.admits(group, target.marker) and target.has(step.to_guid):
        return None
    judged = judge(group, source, target, parent_ready=parent_exists, selection=selection, ownership=ownership)
    verdict = with_room(judged, source, path, selection)
    if verdict.outcome in (Outcome.INITIAL, Outcome.BEHIND, Outcome.IN_SYNC):
        found = _transfer(step, verdict, _find(source, step.to_guid))
        if found is not None and all(selection.takes(each.name) for each in found.sent(source)):
            return found
    raise refusal(group, path, verdict)


def _transfer(step: Step, verdict: Verdict, to: Snapshot) -> TransferStep | None:
    if step.base_guid is None:
        return TransferStep(None, to) if verdict.outcome is Outcome.INITIAL else None
    if verdict.base is None or verdict.base.createtxg >= to.createtxg:
        return None
    return TransferStep(verdict.base, to, alone=step.alone)


def _find(source: DatasetView, guid: int) -> Snapshot:
    found = source.find(guid)
    if found is None:
        raise ZfsSyncError("E_SOURCE_GONE", f"{source.path} has no snapshot with GUID {guid} any more.")
    return found


def refusal(group: str, path: str, verdict: Verdict) -> ZfsSyncError:
    """Why nothing is received into ``path``, with the evidence, and with the command that a person may choose."""
    code = ERROR_CODES.get(verdict.outcome, "E_PLAN_STALE")
    if code == "E_PLAN_STALE":
        return ZfsSyncError(
            code, f"{path} is not as it was planned for: {verdict.message} {_evidence(verdict)}".strip()
        )
    return ZfsSyncError(code, f"{verdict.message} {_evidence(verdict)}".strip(), hint=_hint(group, path, verdict))


def _evidence(verdict: Verdict) -> str:
    """The GUIDs that prove the outcome, as a sentence."""
    sides = (
        ("common snapshot", verdict.base),
        ("head of the source", verdict.source_head),
        ("head of the target", verdict.target_head),
    )
    known = [f"{side} {each.name} ({each.guid})" for side, each in sides if each is not None]
    return f"Proof: {', '.join(known)}." if known else ""


def _hint(group: str, path: str, verdict: Verdict) -> str | None:
    if verdict.outcome in (Outcome.DIVERGED, Outcome.TARGET_AHEAD) and verdict.base is not None:
        where = shlex.quote(f"{path}@{verdict.base.name}")
        return f"To follow the source and lose what only the target has, run on the target: zfs rollback -r {where}"
    if verdict.outcome is Outcome.TARGET_DIRTY and verdict.target_head is not None:
        return f"zfs rollback {shlex.quote(f'{path}@{verdict.target_head.name}')}"
    if verdict.outcome is Outcome.TARGET_UNMANAGED and verdict.base is not None:
        return f"To hand it over to {group}, run on the target: zfs set {MARKER}={group} {shlex.quote(path)}"
    return None
