# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""After a group was renamed: its targets here get its new name as their mark, before the old one means another group.

Only a mark that is there and names the group as it was called is replaced; nothing is marked that was not.
"""

import logging
from collections.abc import Iterator

from zfs_sync.agent.allow import AllowList
from zfs_sync.agent.storage import Storage
from zfs_sync.agent.work_cache import WorkCache
from zfs_sync.api.work import WorkEdge
from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.zfs.listing import Dataset

LOG = logging.getLogger(__name__)
_Renamed = frozenset[tuple[str, str, tuple[str, ...]]]


class Remarks:
    """Looks when the witness names other groups than before."""

    def __init__(self, cache: WorkCache, storage: Storage, allow: AllowList) -> None:
        self._cache, self._storage, self._allow = cache, storage, allow
        self._done: _Renamed = frozenset()

    def run(self) -> None:
        """Mark anew what has to be; what is received into at the moment is marked by that receive, or the next time."""
        edges = [edge for edge in (self._cache.work.edges if self._cache.work else ()) if _may_be_marked(edge)]
        renamed = frozenset((edge.id, edge.group, tuple(edge.formerly)) for edge in edges)
        if self._cache.version == 0 or renamed <= self._done:
            return
        try:
            for edge in edges:
                for dataset in list(self._stale(edge)):
                    self._storage.engine().receiver.targets.remark(dataset, edge.group)
                    LOG.info("marked anew: %s is a target of %s", dataset.path, edge.group, extra={"edge": edge.id})
        except ZfsSyncError as error:
            LOG.warning("targets of a renamed group keep its old mark: %s", error, extra={"code": error.code})
            return
        self._done = renamed

    def _stale(self, edge: WorkEdge) -> Iterator[Dataset]:
        for dataset in self._storage.engine().zfs.datasets([edge.to_root], recursive=edge.recursive):
            if dataset.marker in edge.formerly and self._allow.allows("receive", dataset.path):
                yield dataset


def _may_be_marked(edge: WorkEdge) -> bool:
    return bool(edge.formerly) and edge.role in ("to", "local")
