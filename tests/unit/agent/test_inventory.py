# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""From two looks at a host to what has to be said of it."""

from dataclasses import replace

import pytest

from zfs_sync.agent.inventory import Delta, Inventory, chunks, delta
from zfs_sync.api.reports import DatasetReport, SnapshotReport
from zfs_sync.core.graph import Snapshot
from zfs_sync.zfs.listing import Dataset
from zfs_sync.zfs.parsing import Pool

MIB = 1 << 20
A, B, C = (Snapshot(guid, guid, name) for guid, name in ((1, "a"), (2, "b"), (3, "c")))
PHOTOS = Dataset("tank/photos", 9, "filesystem", 100 * MIB, 50 * MIB, None, None, None, (A, B))


def seen(*datasets: Dataset, **creations: int) -> Inventory:
    known = {int(guid.removeprefix("g")): when for guid, when in creations.items()}
    return Inventory((Pool("tank", 7, "ONLINE"),), {each.path: each for each in datasets}, known)


def change(now: Dataset) -> Delta | None:
    return delta(seen(PHOTOS), seen(now, g3=55))


def test_nothing_new_is_nothing_to_say() -> None:
    assert change(PHOTOS) == Delta((), ())
    assert change(replace(PHOTOS, snapshots_changed=17)) == Delta((), ())


def test_only_what_came_and_went_is_said() -> None:
    found = change(replace(PHOTOS, snapshots=(B, C)))
    assert found is not None
    (part,) = found.datasets
    assert ([(each.guid, each.creation) for each in part.add], part.remove) == ([("3", 55)], ["1"])


@pytest.mark.parametrize(
    ("now", "said"),
    [
        pytest.param(replace(PHOTOS, used=109 * MIB), False, id="a little more"),
        pytest.param(replace(PHOTOS, used=111 * MIB), True, id="much more"),
        pytest.param(replace(PHOTOS, used=89 * MIB), True, id="much less"),
        pytest.param(replace(PHOTOS, referenced=60 * MIB), True, id="it refers to more"),
        pytest.param(replace(PHOTOS, used=None), True, id="not known any more"),
        pytest.param(replace(PHOTOS, marker="photos"), True, id="marked"),
        pytest.param(replace(PHOTOS, encryption_root="tank"), True, id="encrypted"),
    ],
)
def test_sizes_matter_when_they_change_much_and_everything_else_always(now: Dataset, said: bool) -> None:
    found = change(now)
    assert found is not None
    assert bool(found.datasets) is said
    if said:
        assert (found.datasets[0].add, found.datasets[0].remove) == ([], [])


@pytest.mark.parametrize(
    "now",
    [replace(PHOTOS, guid=10), replace(PHOTOS, snapshots=(A, replace(B, name="renamed")))],
    ids=["anew", "renamed"],
)
def test_what_a_delta_cannot_say_needs_a_full_report(now: Dataset) -> None:
    assert change(now) is None


def test_datasets_come_and_go() -> None:
    found = delta(seen(PHOTOS), seen(replace(PHOTOS, path="tank/new")))
    assert found is not None
    assert ([each.path for each in found.datasets], found.gone) == (["tank/new"], ("tank/photos",))


def dataset(path: str, add: int, remove: int = 0) -> DatasetReport:
    made = [SnapshotReport(guid=str(guid), createtxg=str(guid), name=f"s{guid}") for guid in range(1, add + 1)]
    return DatasetReport(
        path=path, guid="9", type="filesystem", add=made, remove=[str(n) for n in range(1, remove + 1)]
    )


def shape(*datasets: DatasetReport) -> list[list[tuple[str, int, int]]]:
    return [[(each.path, len(each.add), len(each.remove)) for each in chunk] for chunk in chunks(datasets, 10)]


def test_a_report_is_split_into_parts_of_about_so_many_snapshots() -> None:
    assert shape() == [[]], "a host with nothing on it has something to say, too"
    assert shape(dataset("a", 4), dataset("b", 4)) == [[("a", 4, 0), ("b", 4, 0)]]
    assert shape(dataset("a", 4), dataset("b", 5)) == [[("a", 4, 0)], [("b", 5, 0)]]
    assert shape(dataset("a", 25)) == [[("a", 10, 0)], [("a", 10, 0)], [("a", 5, 0)]]


def test_what_went_is_said_once_when_a_dataset_is_split() -> None:
    assert shape(dataset("a", 12, 3)) == [[("a", 10, 3)], [("a", 2, 0)]]


def test_no_snapshot_is_lost_when_a_dataset_is_split() -> None:
    said = [each.guid for chunk in chunks([dataset("a", 37)], 10) for part in chunk for each in part.add]
    assert said == [str(guid) for guid in range(1, 38)]
