# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""What zfs-fuse 0.7 is found to be able to do, and what it lists."""

from collections.abc import Callable

import pytest

from tests.integration.zfs.live.conftest import Pair, sh
from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.zfs.host import Zfs


def test_capabilities_are_those_of_zfs_fuse(zfs: Zfs) -> None:
    found = zfs.capabilities
    assert found.zfs_version is None
    assert found.send == {"p", "R"}
    assert found.receive == {"u"}
    assert found.holds
    lacking = (found.parsable_list, found.typed_get, found.bookmarks, found.hold_listing, found.resume)
    assert not any((*lacking, found.delegation, found.encryption, found.written, found.snapshots_changed))


def test_datasets_come_with_whole_guids_and_snapshots_in_order(pair: Pair) -> None:
    sh("zfs", "create", f"{pair.source}/-x y")
    sh("zfs", "snapshot", f"{pair.source}/-x y@-z")
    pair.snapshot("b")
    pair.snapshot("a")
    root, child = pair.zfs.datasets([pair.source, f"{pair.source}/-x y", "alpha/none"])
    assert root.path == pair.source
    assert [each.name for each in root.snapshots] == ["b", "a"]
    assert child.path == f"{pair.source}/-x y"
    assert [each.name for each in child.snapshots] == ["-z"]
    assert min(root.guid, child.guid, *(each.guid for each in root.snapshots)) > 2**32
    assert root.used is not None
    assert root.kind == "filesystem"


def test_one_dataset_is_listed_without_its_children(pair: Pair) -> None:
    sh("zfs", "create", f"{pair.source}/child")
    pair.snapshot("a")
    assert [each.path for each in pair.zfs.datasets([pair.source], recursive=False)] == [pair.source]
    assert pair.zfs.dataset("alpha/none") is None


def test_only_a_local_marker_counts(pair: Pair) -> None:
    sh("zfs", "create", f"{pair.source}/child")
    sh("zfs", "set", "zfs-sync:group=g", pair.source)
    assert [each.marker for each in pair.zfs.datasets([pair.source])] == ["g", None]


def test_creation_times_are_seconds_and_gone_snapshots_are_left_out(pair: Pair) -> None:
    pair.snapshot("a b")
    found = pair.zfs.creations([f"{pair.source}@a b", f"{pair.source}@none"])
    assert list(found) == [f"{pair.source}@a b"]
    assert found[f"{pair.source}@a b"] > 1_700_000_000


def test_pools_are_listed(zfs: Zfs) -> None:
    assert {each.name for each in zfs.pools()} >= {"alpha", "beta"}
    assert {each.health for each in zfs.pools()} == {"ONLINE"}


def test_holding_twice_and_releasing_twice_is_well(pair: Pair) -> None:
    pair.snapshot("a")
    for expected in ("1", "1"):
        pair.zfs.hold("zfs-sync:g", pair.source, "a")
        assert pair.userrefs(pair.source, "a") == expected
    for _ in range(2):
        pair.zfs.release("zfs-sync:g", pair.source, "a")
        assert pair.userrefs(pair.source, "a") == "0"
    pair.zfs.release("zfs-sync:g", pair.source, "none")


def test_a_hold_on_nothing_is_a_source_that_is_gone(pair: Pair) -> None:
    with pytest.raises(ZfsSyncError) as caught:
        pair.zfs.hold("zfs-sync:g", pair.source, "none")
    assert caught.value.code == "E_SOURCE_GONE"


def test_a_full_stream_is_estimated_by_what_its_snapshot_refers_to(make_pair: Callable[[str], Pair]) -> None:
    pair = make_pair("estimate")
    pair.fill("f", 3)
    pair.snapshot("a")
    pair.snapshot("b")
    found = pair.zfs.stream_bytes(pair.source, None, "a")
    assert found is not None
    assert 3 << 20 <= found < 4 << 20
    assert pair.zfs.stream_bytes(pair.source, "a", "b") is None
