# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The holds of ours on this host: shown, and given back when edges go or the agent does."""

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from zfs_sync.agent.config import AgentConfig
from zfs_sync.agent.install.resource import Change
from zfs_sync.agent.storage import Storage
from zfs_sync.agent.work_cache import WorkCache
from zfs_sync.api.work import Work, WorkEdge
from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.core.names import is_inside, relative
from zfs_sync.engine.continuity import Carries, Heirs, Held, Holds
from zfs_sync.zfs import commands
from zfs_sync.zfs.host import Zfs
from zfs_sync.zfs.runner import LocalRunner, demand

LOG = logging.getLogger(__name__)


class Releases:
    """Gives back the holds of edges that the witness does not name any more."""

    def __init__(self, cache: WorkCache, storage: Storage) -> None:
        self._cache, self._storage = cache, storage
        self._settled: frozenset[object] | None = None
        """The edges, and what they carry, by which holds were given back last."""

    def run(self) -> None:
        """Nothing before this process has heard from the witness itself: the cache may be old."""
        if self._cache.version == 0 or self._cache.work is None:
            return
        work = self._cache.work
        state = frozenset([*named(work), *((edge.id, edge.recursive, edge.selection.rule) for edge in work.edges)])
        if state == self._settled:
            return
        try:
            settled = self._storage.engine().holds.only(named(work), heirs_in(work), carried_in(work))
        except ZfsSyncError as error:
            LOG.warning("holds of edges that are gone could not be given back: %s", error, extra={"code": error.code})
            return
        self._settled = state if settled else None


def heirs_in(work: Work) -> Heirs:
    """Which edges go on where one that is gone left off: those of the same group that touch the dataset."""

    def heirs(gone: str, dataset: str) -> list[str]:
        group = gone.partition(":")[0]
        return [
            edge.id
            for edge in work.edges
            if group in (edge.group, *edge.formerly) and _touches(edge, work.system, dataset)
        ]

    return heirs


def carried_in(work: Work) -> Carries:
    """What the edges replicate. One that is not told of in full, or a dataset outside of its roots, is left alone."""
    known = {edge.id: edge for edge in work.edges}

    def carries(edge_id: str, dataset: str) -> bool:
        edge = known.get(edge_id)
        if edge is None:
            return True
        roots = [root for name, root in _ends(edge) if name == work.system and is_inside(dataset, root)]
        return not roots or any(_covers(edge, relative(dataset, root)) for root in roots)

    return carries


def _covers(edge: WorkEdge, below: str) -> bool:
    return (edge.recursive or not below) and edge.selection.rule.covers(below)


def _ends(edge: WorkEdge) -> tuple[tuple[str, str], ...]:
    return ((edge.from_system, edge.from_root), (edge.to_system, edge.to_root))


def _touches(edge: WorkEdge, system: str, dataset: str) -> bool:
    return any(name == system and is_inside(dataset, root) for name, root in _ends(edge))


@dataclass(frozen=True, slots=True)
class Listing:
    """The holds of this host, and the edges that the witness last named."""

    holds: tuple[Held, ...]
    edges: frozenset[str] | None
    """None before the witness was ever heard."""

    def in_force(self, held: Held) -> bool | None:
        """Whether an edge in force needs it; None where that is not known."""
        return None if self.edges is None else not self.edges.isdisjoint(held.edges)

    def document(self) -> dict[str, Any]:
        """What ``--json`` prints."""
        return {
            "holds": [{**asdict(each), "guid": str(each.guid), "in_force": self.in_force(each)} for each in self.holds]
        }

    def lines(self) -> Sequence[str]:
        """What people read: what is held, by which tag, and for whom."""
        return [
            f"{each.dataset}@{each.snapshot or f'(GUID {each.guid}, not there now)'}  {each.tag}"
            f"  for {', '.join(each.edges)}{'  (not in the fleet any more)' if self.in_force(each) is False else ''}"
            for each in self.holds
        ]


def listing(config: AgentConfig, zfs: Zfs | None = None) -> Listing:
    """Read it. Raises E_ZFS_MISSING or what zpool said while ZFS does not answer."""
    work = WorkCache(config.state, config.system).work
    recorded = any((config.state / "holds").glob("*.json"))
    holds = (Holds(zfs, config.state) if zfs else _holds(config)).listed() if recorded else ()
    return Listing(holds, named(work) if work else None)


def named(work: Work) -> frozenset[str]:
    """The edges that are in the fleet. One that rests is among them: its base must be there when it goes on."""
    return frozenset(edge.id for edge in work.edges) | frozenset(work.withheld)


def _holds(config: AgentConfig) -> Holds:
    """Without ``Storage``, which also mends what an agent left: that is for the agent alone."""
    runner = LocalRunner()
    demand(runner.run(commands.list_pools()), "the pools")
    return Holds(Zfs(runner), config.state)


@dataclass(frozen=True, slots=True)
class NoHolds:
    """No snapshot of this host is held by us. The agent must not run, or its next job holds again."""

    config: AgentConfig

    def change(self) -> Change | None:
        """Which are to be given back."""
        found = listing(self.config)
        held = replace(found, holds=tuple(each for each in found.holds if each.snapshot))
        if not held.holds:
            return None
        count = f"{len(held.holds)} hold{'s' if len(held.holds) > 1 else ''}"
        return Change(f"give back {count} on snapshots", "holds", "".join(f"{line}\n" for line in held.lines()), None)

    def make(self) -> None:
        """Give all of them back."""
        _holds(self.config).only(())
