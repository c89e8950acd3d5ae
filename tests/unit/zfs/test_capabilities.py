# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""What each platform is found to be able to do, from what it says to the probes."""

from tests.unit.zfs.recordings import openzfs, zfs_fuse
from zfs_sync.zfs.capabilities import probe


def test_zfs_fuse_can_send_receive_and_hold() -> None:
    found = probe(zfs_fuse())
    assert (found.zfs_version, found.send, found.receive) == (None, {"p", "R"}, {"u"})
    assert found.holds
    assert not any((found.parsable_list, found.typed_get, found.bookmarks, found.hold_listing, found.resume))
    assert not any((found.delegation, found.encryption, found.written, found.snapshots_changed, found.estimates))


def test_openzfs_21_lacks_what_came_later() -> None:
    found = probe(openzfs("2.1.11-1"))
    assert found.zfs_version == "zfs-2.1.11-1"
    assert found.send == {"w", "c", "L", "e", "p", "R", "n", "P"}
    assert found.receive == {"u", "s", "o", "x"}
    assert all((found.parsable_list, found.typed_get, found.bookmarks, found.holds, found.hold_listing))
    assert all((found.resume, found.delegation, found.encryption, found.written, found.estimates))
    assert not found.snapshots_changed


def test_openzfs_23_has_everything() -> None:
    found = probe(openzfs("2.3.1-1"))
    assert "V" in found.send
    assert found.snapshots_changed


def test_no_probe_names_a_dataset_that_may_exist_or_could_change_one() -> None:
    replay = openzfs("2.3.1-1")
    probe(replay)
    changing = {"receive", "hold", "bookmark", "allow"}
    for argv in replay.asked:
        operands = [word for word in argv[2:] if word.startswith("zfs-sync-probe-of-no-pool")]
        assert operands or len(argv) == 2, argv
        assert argv[1] not in {"destroy", "rollback", "set", "create"}, argv
        assert argv[1] not in changing or len(argv) == 2 or operands, argv
