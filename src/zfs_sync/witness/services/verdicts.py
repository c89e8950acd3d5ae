# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""What is known of the two ends of an edge, and what follows from it for each of its datasets."""

from collections.abc import Mapping
from dataclasses import dataclass

from zfs_sync.core.edges import Edge
from zfs_sync.core.graph import DatasetView
from zfs_sync.core.names import join
from zfs_sync.core.ownership import MARKED, Ownership
from zfs_sync.core.planner import Verdict, judge, root_missing
from zfs_sync.core.room import with_room
from zfs_sync.witness.services.views import parent_ready

Views = Mapping[str, DatasetView]
"""Datasets by their path below a root."""


@dataclass(frozen=True, slots=True)
class Ends:
    """What the two hosts of an edge have reported."""

    sources: Views
    targets: Views
    source_reported: bool = True
    target_reported: bool = True


def verdict_of(edge: Edge, name: str, ends: Ends, ownership: Ownership = MARKED) -> Verdict | None:
    """What is to be said of one dataset; None where there is nothing to say: it is not replicated, or is no more."""
    source = ends.sources.get(name)
    if name and (source is None or not edge.covers(name)):
        return None
    if not edge.covers(name):
        return _left_out_root(edge, ends)
    verdict = judge(
        edge.group,
        source,
        ends.targets.get(name),
        source_reported=ends.source_reported,
        target_reported=ends.target_reported,
        parent_ready=parent_ready(
            name, edge.group, ends.targets, root_is_ours=edge.selection.include_root, ownership=ownership
        ),
        selection=edge.selection,
        ownership=ownership,
    )
    return with_room(verdict, source, join(edge.to_root, name), edge.selection)


def _left_out_root(edge: Edge, ends: Ends) -> Verdict | None:
    """A root that is not replicated itself is spoken of only while what lies below it cannot be."""
    reported = ends.source_reported and ends.target_reported
    if reported and "" in ends.sources:
        return None if "" in ends.targets else root_missing(edge.to_root)
    return judge(edge.group, None, None, source_reported=ends.source_reported, target_reported=ends.target_reported)
