# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Whether what would be received can have its name on the target: ZFS counts the dataset and the snapshot together."""

from dataclasses import replace

from zfs_sync.core.graph import DatasetView
from zfs_sync.core.names import MAX_DATASET_BYTES
from zfs_sync.core.planner import ACTIONABLE, Outcome, Verdict
from zfs_sync.core.selection import EVERYTHING, Selection


def fits(target: str, label: str = "") -> bool:
    """Whether a dataset, or its snapshot with this label, has a name that ZFS allows."""
    return len(f"{target}@{label}" if label else target) <= MAX_DATASET_BYTES


def with_room(verdict: Verdict, source: DatasetView | None, target: str, selection: Selection = EVERYTHING) -> Verdict:
    """The verdict, or NAME_TOO_LONG where a receive into ``target`` would fail on a name."""
    if source is None or verdict.outcome not in ACTIONABLE | {Outcome.BLOCKED_BY_PARENT}:
        return verdict
    wanted = selection.of(source.after(verdict.base.guid) if verdict.base else source.snapshots)
    label = next((each.name for each in wanted if not fits(target, each.name)), None)
    if label is None:
        return verdict
    name = f"{target}@{label}" if fits(target) else target
    message = (
        f"{name} would have {len(name)} bytes, and ZFS allows {MAX_DATASET_BYTES}: nothing is sent of {source.path}."
    )
    return replace(verdict, outcome=Outcome.NAME_TOO_LONG, message=message)
