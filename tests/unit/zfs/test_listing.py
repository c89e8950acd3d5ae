# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Datasets and snapshots from what zfs-fuse and OpenZFS print, with as few processes as each needs."""

import pytest

from tests.unit.zfs.recordings import FUSE_TREE, Replay, openzfs, zfs_fuse
from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.zfs import commands, listing
from zfs_sync.zfs.host import Zfs
from zfs_sync.zfs.listing import BATCH_NAMES

FUSE_ASKED = ["type", "guid", "used", "referenced", "zfs-sync:group", "createtxg"]
KINDS = ("filesystem", "volume")


def get_23(*roots: str, depth: int | None = None) -> commands.Argv:
    asked = ["type", "guid", "used", "referenced", "zfs-sync:group", "encryptionroot", "written"]
    asked += ["snapshots_changed"]
    return commands.get(asked, list(roots), depth=depth, types=KINDS)


def openzfs_with(properties: str, snapshots: str, *, stderr: str = "", status: int = 0) -> Zfs:
    replay = openzfs("2.3.1-1")
    replay.say(get_23("tank"), stdout=properties, stderr=stderr, status=status)
    replay.say(commands.list_snapshots(["tank"]), stdout=snapshots, stderr=stderr, status=status)
    return Zfs(replay)


TREE_23 = (
    "tank\ttype\t-\tfilesystem\ntank\tguid\t-\t11\ntank\tused\t-\t2000\ntank\treferenced\t-\t1000\n"
    "tank\tzfs-sync:group\t-\t-\ntank\tencryptionroot\t-\t-\ntank\tsnapshots_changed\t-\t1795496173\n"
    "tank/secret\ttype\t-\tvolume\ntank/secret\tguid\t-\t12\ntank/secret\tused\t-\t5\ntank/secret\treferenced\t-\t4\n"
    "tank/secret\tzfs-sync:group\treceived\tphotos\ntank/secret\tencryptionroot\t-\ttank/secret\n"
    "tank/secret\tsnapshots_changed\t-\t-\n"
)
SNAPSHOTS_23 = "tank@b\t21\t9\ntank@a\t20\t10\ntank/secret@a\t22\t10\n"


def test_zfs_fuse_is_asked_once_for_datasets_and_snapshots() -> None:
    replay = zfs_fuse()
    argv = commands.get(FUSE_ASKED, ["tank/none", "tank/photos"], depth=None)
    replay.say(argv, stdout=FUSE_TREE, stderr="cannot open 'tank/none': dataset does not exist\n", status=1)
    zfs = Zfs(replay)
    replay.asked.clear()
    photos, child = zfs.datasets(["tank/photos", "tank/none", "tank/photos/a b"])
    assert replay.asked == [argv]
    assert (photos.path, photos.guid, photos.marker) == ("tank/photos", 4438896165168945854, "photos")
    assert [each.name for each in photos.snapshots] == ["monday", "tuesday"]
    assert (child.path, child.marker, child.encryption_root) == ("tank/photos/a b", None, None)
    assert [(each.guid, each.createtxg) for each in child.snapshots] == [(12887196424746676260, 22)]


def test_openzfs_is_asked_for_datasets_and_for_the_cheap_columns_of_snapshots() -> None:
    zfs = openzfs_with(TREE_23, SNAPSHOTS_23)
    tank, secret = zfs.datasets(["tank"])
    assert [each.name for each in tank.snapshots] == ["b", "a"], "the order is that of the transaction groups"
    assert (tank.snapshots_changed, tank.encryption_root, tank.marker) == (1795496173, None, None)
    assert (secret.kind, secret.encryption_root, secret.snapshots_changed) == ("volume", "tank/secret", None)
    assert secret.marker is None, "a received marker is not the administrator's of this host"
    assert secret.view().encrypted
    assert not tank.view().encrypted


def test_openzfs_21_is_not_asked_for_what_it_does_not_know() -> None:
    replay = openzfs("2.1.11-1")
    asked = ["type", "guid", "used", "referenced", "zfs-sync:group", "encryptionroot", "written"]
    replay.say(commands.get(asked, ["tank"], depth=0, types=KINDS), stdout=TREE_23)
    replay.say(commands.list_snapshots(["tank"], depth=1), stdout=SNAPSHOTS_23)
    found = Zfs(replay).dataset("tank")
    assert found is not None
    assert [each.guid for each in found.snapshots] == [21, 20]


def test_a_receive_under_way_is_no_dataset() -> None:
    zfs = openzfs_with("tank/a/%recv\tguid\t-\t5\ntank/a/%recv\ttype\t-\tfilesystem\n", "tank/a/%recv@x\t1\t2\n")
    assert zfs.datasets(["tank"]) == ()


def test_a_dataset_that_vanishes_while_it_is_listed_is_left_out() -> None:
    gone = "cannot open 'tank': dataset does not exist\n"
    assert openzfs_with("", "tank@b\t21\t9\n", stderr=gone, status=1).datasets(["tank"]) == ()


def test_a_snapshot_that_vanishes_while_zfs_fuse_lists_it_is_left_out() -> None:
    replay = zfs_fuse()
    shortened = FUSE_TREE.replace("tank/photos@monday\tguid\t-\t5602912535703100974", "tank/photos@monday\tguid\t-\t-")
    replay.say(commands.get(FUSE_ASKED, ["tank/photos"], depth=1), stdout=shortened)
    found = Zfs(replay).dataset("tank/photos")
    assert found is not None
    assert [each.name for each in found.snapshots] == ["tuesday"]


def test_any_other_complaint_is_an_error() -> None:
    zfs = openzfs_with(TREE_23, SNAPSHOTS_23, stderr="cannot open 'tank': permission denied\n", status=1)
    with pytest.raises(ZfsSyncError) as caught:
        zfs.datasets(["tank"])
    assert caught.value.code == "E_PERMISSION"
    assert "zfs allow" in caught.value.hint


def test_creation_times_are_asked_in_groups_that_fit_a_command_line() -> None:
    names = [f"tank@{number:06}" for number in range(BATCH_NAMES + 1)]
    replay = Replay()
    for batch in (names[:BATCH_NAMES], names[BATCH_NAMES:]):
        lines = "".join(f"{name}\tcreation\t-\t1795496173\n" for name in batch)
        replay.say(commands.get(["creation"], batch), stdout=lines)
    assert listing.creations(replay, names) == dict.fromkeys(names, 1795496173)
    assert len(replay.asked) == 2


def test_long_names_make_shorter_groups() -> None:
    names = [f"tank/{number:0240}" for number in range(500)]
    groups = list(listing._batches(names))
    assert [name for group in groups for name in group] == names
    assert max(sum(map(len, group)) for group in groups) <= listing.BATCH_BYTES
    assert list(listing._batches([])) == []


def test_the_size_of_a_stream_comes_from_a_dry_run_where_there_is_one() -> None:
    replay = openzfs("2.3.1-1")
    zfs = Zfs(replay)
    replay.say(commands.estimate("tank", None, "a"), stdout="full\ttank@a\t12640\nsize\t12640\n")
    replay.say(commands.estimate("tank", "a", "b"), stderr="cannot open\n", status=1)
    assert zfs.stream_bytes("tank", None, "a") == 12640
    assert zfs.stream_bytes("tank", "a", "b") is None


def test_without_a_dry_run_a_full_stream_is_what_its_snapshot_refers_to() -> None:
    replay = zfs_fuse()
    zfs = Zfs(replay)
    replay.say(commands.get(["referenced"], ["tank@a"]), stdout="tank@a\treferenced\t-\t122880\n")
    gone = "cannot open 'tank@b': dataset does not exist\n"
    replay.say(commands.get(["referenced"], ["tank@b"]), stderr=gone, status=1)
    assert zfs.stream_bytes("tank", None, "a") == 122880
    assert zfs.stream_bytes("tank", None, "b") is None
    assert zfs.stream_bytes("tank", "a", "b") is None


def test_pools_that_do_not_answer_are_an_error() -> None:
    replay = zfs_fuse()
    said = "connect: Connection refused\ninternal error: failed to initialize ZFS library\n"
    replay.say(commands.list_pools(), stderr=said, status=1)
    with pytest.raises(ZfsSyncError) as caught:
        Zfs(replay).pools()
    assert caught.value.code == "E_ZFS_MISSING"
