# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Never losing the incremental base: holds on both sides, moved forward once the other side has proved that it arrived.

On the target, the newest common snapshot is held as ``zfs-sync:<group>``. On the source, what is being sent and its
base are held as ``zfs-sync:<group>:<to_system>``, until a later request names a newer base, which proves the arrival.
Which holds are ours is kept in a file per dataset and tag, written before the hold is taken: asking ZFS would mean
opening every snapshot, and zfs-fuse cannot tell. A hold taken twice or given back twice is well.
"""

import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from zfs_sync.core.graph import DatasetView
from zfs_sync.engine import state
from zfs_sync.zfs.host import Zfs

Edges = Mapping[str, Collection[int]]
Heirs = Callable[[str, str], Collection[str]]
"""The edges in force that go on where an edge that is gone left off, by its id and the dataset."""
Carries = Callable[[str, str], bool]
"""Whether an edge, by its id, still replicates a dataset of this host."""


def target_tag(group: str) -> str:
    """The tag of holds on a target."""
    return f"zfs-sync:{group}"


def source_tag(group: str, to_system: str) -> str:
    """The tag of holds on a source: one per target system, so that a slow target does not lose its base."""
    return f"zfs-sync:{group}:{to_system}"


@dataclass(frozen=True, slots=True)
class Held:
    """A hold of ours, by our own records."""

    dataset: str
    guid: int
    snapshot: str | None
    """The label; None where the snapshot is not there any more, or its pool is not imported."""
    tag: str
    edges: tuple[str, ...]
    """Whose base it is."""


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

    def only(
        self,
        edges: Collection[str],
        heirs: Heirs = lambda _edge, _dataset: (),
        carries: Carries = lambda _edge, _dataset: True,
    ) -> bool:
        """Give back the holds of every edge but these: of members and groups taken out of the fleet.

        And those of datasets that one of these ``carries`` no more: nobody would ever move them on.

        ``heirs`` names the edges that go on with a dataset where another one left off, since roles were changed or
        something was renamed: what was held stays held until one of them holds something there. Returns whether nothing
        waits for that. What lies in a pool that is not imported stays recorded, and is given back by a later call.
        """
        with self._lock:
            records = list(state.read_all(self._folder))
            settled = True
            for record in records:
                waiting = _waiting(record, records, edges, heirs)
                settled = settled and not waiting
                in_force = {each for each in (*edges, *waiting) if carries(each, str(record["dataset"]))}
                self._drop(record, in_force, _datasets(records, str(record["tag"])))
            return settled

    def listed(self) -> tuple[Held, ...]:
        """Every hold. By our own records, since not every platform can list them."""
        with self._lock:
            records = list(state.read_all(self._folder))
            return tuple(
                held for record in records for held in self._held(record, _datasets(records, str(record["tag"])))
            )

    def _held(self, record: state.Record, claimed: Collection[str]) -> Iterator[Held]:
        tag, path, edges = str(record["tag"]), str(record["dataset"]), _edges(record)
        guids = dict.fromkeys(guid for each in edges.values() for guid in each)
        views = self._located(path, guids, claimed) or ()
        for guid in guids:
            where = next(((view, found) for view in views if (found := view.find(guid))), None)
            dataset, label = (where[0].path, where[1].name) if where else (path, None)
            yield Held(dataset, guid, label, tag, tuple(edge for edge, each in edges.items() if guid in each))

    def _drop(self, record: state.Record, in_force: Collection[str], claimed: Collection[str]) -> None:
        tag, path = str(record["tag"]), str(record["dataset"])
        edges = _edges(record)
        left = {edge: guids for edge, guids in edges.items() if edge in in_force}
        if len(left) == len(edges):
            return
        held = [guid for guids in edges.values() for guid in guids]
        views = self._located(path, held, claimed)
        if views is None:
            return
        for view in views:
            self._give_back(tag, view, held, left)
        file = self._folder / f"{state.file_key(path, tag)}.json"
        if left:
            _write(file, tag, path, left)
        else:
            state.forget(file)

    def _located(self, path: str, guids: Collection[int], claimed: Collection[str]) -> tuple[DatasetView, ...] | None:
        """The dataset; where it was renamed, whatever in its pool has the snapshots and no record of its own.

        None where the pool is not imported. A tag that is not on a snapshot is given back in vain, which is well.
        """
        found = self._zfs.dataset(path)
        if found is not None:
            return (found.view(),)
        pool = path.partition("/")[0]
        if all(each.name != pool for each in self._zfs.pools()):
            return None
        views = (each.view() for each in self._zfs.datasets([pool]) if each.path not in claimed)
        return tuple(view for view in views if any(view.has(guid) for guid in guids))

    def _give_back(self, tag: str, dataset: DatasetView, held: Iterable[int], left: Edges) -> None:
        """Release what no edge needs any more; two edges to one system share the tag."""
        needed = {guid for guids in left.values() for guid in guids}
        for label in _labels(dataset, [guid for guid in held if guid not in needed]):
            self._zfs.release(tag, dataset.path, label)


def _waiting(
    record: state.Record, records: Iterable[state.Record], in_force: Collection[str], heirs: Heirs
) -> set[str]:
    """The edges of a record that are gone, and whose heirs hold nothing on the dataset yet."""
    path = str(record["dataset"])
    holding = {edge for each in records if each["dataset"] == path for edge, guids in _edges(each).items() if guids}
    gone = [edge for edge in _edges(record) if edge not in in_force]
    found = {edge: set(heirs(edge, path)) for edge in gone}
    return {edge for edge, after in found.items() if after and not after & holding}


def _datasets(records: Iterable[state.Record], tag: str) -> frozenset[str]:
    """The datasets with a record of this tag."""
    return frozenset(str(record["dataset"]) for record in records if record["tag"] == tag)


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
