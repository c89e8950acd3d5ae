# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""What this host reports: the datasets inside its allow-list, and what changed since the witness last heard of them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from zfs_sync.api.reports import DatasetReport, PoolReport
from zfs_sync.core.numbers import u64_text
from zfs_sync.engine.receiving import Receiver
from zfs_sync.engine.wire import report_of
from zfs_sync.zfs.host import Zfs
from zfs_sync.zfs.listing import Dataset
from zfs_sync.zfs.parsing import Pool

SIZE_CHANGE = 0.1
"""Sizes move all the time and only serve estimates: a smaller change is not worth a report."""


@dataclass(frozen=True, slots=True)
class Inventory:
    """The datasets by path, with when their snapshots were made."""

    pools: tuple[Pool, ...] = ()
    datasets: Mapping[str, Dataset] = field(default_factory=dict)
    creations: Mapping[int, int] = field(default_factory=dict)
    """Seconds since 1970 by the snapshot's GUID."""

    @property
    def size(self) -> int:
        """How many datasets and snapshots there are."""
        return len(self.datasets) + sum(len(each.snapshots) for each in self.datasets.values())

    def report(self, dataset: Dataset) -> DatasetReport:
        """A dataset with all its snapshots."""
        known = {each.name: self.creations[each.guid] for each in dataset.snapshots if each.guid in self.creations}
        return report_of(dataset, known)

    def pool_reports(self) -> list[PoolReport]:
        """The pools."""
        return [PoolReport(name=pool.name, guid=u64_text(pool.guid), health=pool.health) for pool in self.pools]


@dataclass(frozen=True, slots=True)
class Delta:
    """The way from one inventory to the next."""

    datasets: tuple[DatasetReport, ...]
    gone: tuple[str, ...]


def take(zfs: Zfs, receiver: Receiver, roots: Sequence[str], before: Inventory) -> Inventory:
    """Look at everything below ``roots`` now; ``before`` saves asking for creation times again."""
    unfinished = receiver.targets.unfinished()
    found = zfs.datasets(roots) if roots else ()
    datasets = {each.path: each for each in found if each.path not in unfinished}
    guids = {each.guid for dataset in datasets.values() for each in dataset.snapshots}
    creations = {guid: when for guid, when in before.creations.items() if guid in guids}
    creations |= _new_creations(zfs, datasets.values(), creations)
    return Inventory(zfs.pools(), datasets, creations)


def _new_creations(zfs: Zfs, datasets: Iterable[Dataset], known: Mapping[int, int]) -> dict[int, int]:
    unknown = {
        f"{dataset.path}@{each.name}": each.guid
        for dataset in datasets
        for each in dataset.snapshots
        if each.guid not in known
    }
    if not unknown:
        return {}
    return {unknown[name]: when for name, when in zfs.creations(list(unknown)).items() if name in unknown}


def delta(before: Inventory, after: Inventory) -> Delta | None:
    """What changed; None where only a full report can say it (a dataset made anew, or a snapshot renamed)."""
    changed = []
    for path, now in after.datasets.items():
        then = before.datasets.get(path)
        if then is None:
            changed.append(after.report(now))
        elif then.guid != now.guid or _renamed(then, now):
            return None
        elif (part := _part(after, then, now)) is not None:
            changed.append(part)
    return Delta(tuple(changed), tuple(path for path in before.datasets if path not in after.datasets))


def _renamed(then: Dataset, now: Dataset) -> bool:
    names = {each.guid: each.name for each in then.snapshots}
    return any(names.get(each.guid, each.name) != each.name for each in now.snapshots)


def _part(after: Inventory, then: Dataset, now: Dataset) -> DatasetReport | None:
    old, new = {each.guid for each in then.snapshots}, {each.guid for each in now.snapshots}
    same = (then.kind, then.marker, then.encryption_root) == (now.kind, now.marker, now.encryption_root)
    same = same and bool(then.written) == bool(now.written)
    if same and old == new and not _grown(then.used, now.used) and not _grown(then.referenced, now.referenced):
        return None
    added = replace(now, snapshots=tuple(each for each in now.snapshots if each.guid not in old))
    return replace(after.report(added), remove=[u64_text(guid) for guid in sorted(old - new)])


def _grown(then: int | None, now: int | None) -> bool:
    if then is None or now is None:
        return then != now
    return abs(now - then) > SIZE_CHANGE * max(then, 1 << 20)


def chunks(datasets: Iterable[DatasetReport], most_snapshots: int) -> Iterator[list[DatasetReport]]:
    """The datasets in groups of about so many snapshots; one with more is split, its path said again. At least one."""
    chunk: list[DatasetReport] = []
    count = 0
    for dataset in datasets:
        for part in _split(dataset, most_snapshots):
            weight = 1 + len(part.add) + len(part.remove)
            if chunk and count + weight > most_snapshots:
                yield chunk
                chunk, count = [], 0
            chunk.append(part)
            count += weight
    yield chunk


def _split(dataset: DatasetReport, most: int) -> Iterator[DatasetReport]:
    if len(dataset.add) + len(dataset.remove) <= most:
        yield dataset
        return
    yield replace(dataset, add=dataset.add[:most])
    for start in range(most, len(dataset.add), most):
        yield replace(dataset, add=dataset.add[start : start + most], remove=[])
