# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Never losing the incremental base: holds on both sides, moved forward once the other side has proved that it arrived.

On the target, the newest common snapshot is held as ``zfs-sync:<group>``. On the source, what is being sent and its
base are held as ``zfs-sync:<group>:<to_system>``, until a later request names a newer base, which proves the arrival.
Which holds are ours is kept in a file per dataset and tag, written before the hold is taken: asking ZFS would mean
opening every snapshot, and zfs-fuse cannot tell. A hold taken twice or given back twice is well.
"""

import threading
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from zfs_sync.core.graph import DatasetView
from zfs_sync.engine import state
from zfs_sync.zfs.host import Zfs

Edges = Mapping[str, Collection[int]]


def target_tag(group: str) -> str:
    """The tag of holds on a target."""
    return f"zfs-sync:{group}"


def source_tag(group: str, to_system: str) -> str:
    """The tag of holds on a source: one per target system, so that a slow target does not lose its base."""
    return f"zfs-sync:{group}:{to_system}"


class Holds:
    """The holds of this host."""

    def __init__(self, zfs: Zfs, folder: Path) -> None:
        """``folder`` is the agent's state directory."""
        self._zfs = zfs
        self._folder = folder / "holds"
        self._lock = threading.Lock()

    def keep(self, edge: str, tag: str, dataset: DatasetView, guids: Collection[int]) -> None:
        """Hold exactly these snapshots of ``dataset`` for ``edge``: the new ones first, then the others are given back.

        Does nothing where the platform has no holds. Raises E_SOURCE_GONE for a snapshot that is no more,
        E_PERMISSION without the right to hold.
        """
        if not self._zfs.capabilities.holds:
            return
        with self._lock:
            path = self._folder / f"{state.file_key(dataset.path, tag)}.json"
            edges = _edges(state.read(path))
            mine = edges.get(edge, ())
            _write(path, tag, dataset.path, {**edges, edge: [*mine, *guids]})
            for label in _labels(dataset, guids):
                self._zfs.hold(tag, dataset.path, label)
            left = {**edges, edge: guids}
            self._give_back(tag, dataset, mine, left)
            _write(path, tag, dataset.path, left)

    def only(self, edges: Collection[str]) -> None:
        """Give back the holds of every edge but these: of members and groups taken out of the fleet."""
        with self._lock:
            for record in list(state.read_all(self._folder)):
                self._drop(record, edges)

    def _drop(self, record: state.Record, in_force: Collection[str]) -> None:
        tag, path = str(record["tag"]), str(record["dataset"])
        edges = _edges(record)
        left = {edge: guids for edge, guids in edges.items() if edge in in_force}
        if len(left) == len(edges):
            return
        found = self._zfs.dataset(path)
        if found is not None:
            self._give_back(tag, found.view(), [guid for guids in edges.values() for guid in guids], left)
        file = self._folder / f"{state.file_key(path, tag)}.json"
        if left:
            _write(file, tag, path, left)
        else:
            state.forget(file)

    def _give_back(self, tag: str, dataset: DatasetView, held: Iterable[int], left: Edges) -> None:
        """Release what no edge needs any more; two edges to one system share the tag."""
        needed = {guid for guids in left.values() for guid in guids}
        for label in _labels(dataset, [guid for guid in held if guid not in needed]):
            self._zfs.release(tag, dataset.path, label)


def _labels(dataset: DatasetView, guids: Collection[int]) -> list[str]:
    found = (dataset.find(guid) for guid in dict.fromkeys(guids))
    return [snapshot.name for snapshot in found if snapshot is not None]


def _edges(record: state.Record | None) -> dict[str, Collection[int]]:
    edges = record["edges"] if record else {}
    if not isinstance(edges, dict):
        raise TypeError("a record of holds has no edges")
    return {edge: [int(guid) for guid in guids] for edge, guids in edges.items()}


def _write(path: Path, tag: str, dataset: str, edges: Edges) -> None:
    written = {edge: [str(guid) for guid in dict.fromkeys(guids)] for edge, guids in edges.items()}
    state.write(path, {"dataset": dataset, "tag": tag, "edges": written})
