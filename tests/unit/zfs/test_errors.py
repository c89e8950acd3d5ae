# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The exact words of zfs-fuse 0.7 and OpenZFS, and the code of the catalogue that each of them is."""

import pytest

from zfs_sync.zfs.errors import LONGEST_DETAIL, classify, target_modified

NEW = "cannot receive new filesystem stream: "
INCREMENTAL = "cannot receive incremental stream: "
SENTENCES = [
    # zfs-fuse 0.7, recorded
    ("receive", NEW + "destination 'tank/x' exists\nmust specify -F to overwrite it", "E_TARGET_UNMANAGED"),
    (
        "receive",
        "cannot open 'tank/no/such': dataset does not exist\n" + NEW + "dataset does not exist",
        "E_PARENT_MISSING",
    ),
    ("receive", INCREMENTAL + "destination tank/x has been modified\nsince most recent snapshot", "E_TARGET_MODIFIED"),
    ("receive", "cannot receive: failed to read from stream", "E_INTERRUPTED"),
    ("send", "WARNING: could not send tank/photos@none: does not exist", "E_SOURCE_GONE"),
    ("send", "WARNING: could not send tank/x@a:\nincremental source (tank/x@b) is not earlier than it", "E_PLAN_STALE"),
    ("hold", "cannot hold 'tank/photos@none': dataset does not exist", "E_SOURCE_GONE"),
    (
        "list",
        (
            "connect: Connection refused\nPlease make sure that the zfs-fuse daemon is running.\n"
            "internal error: failed to initialize ZFS library"
        ),
        "E_ZFS_MISSING",
    ),
    # OpenZFS 2.1 and 2.3
    ("receive", INCREMENTAL + "most recent snapshot of tank/x does not\nmatch incremental source", "E_PLAN_STALE"),
    (
        "receive",
        NEW + "destination has snapshots (eg. tank/x@a)\nmust destroy them to overwrite it",
        "E_TARGET_UNMANAGED",
    ),
    ("receive", "cannot receive incremental stream: destination tank/x space quota exceeded.", "E_SPACE"),
    ("receive", "cannot receive new filesystem stream: out of space", "E_SPACE"),
    ("receive", "cannot receive incremental stream: dataset is busy", "E_BUSY"),
    ("unmount", "cannot unmount '/tank/x': pool or dataset is busy", "E_BUSY"),
    ("receive", INCREMENTAL + 'destination tank/x contains partially-complete state from "zfs receive -s".', "E_BUSY"),
    ("receive", "cannot receive: invalid stream (bad magic number)", "E_INTERRUPTED"),
    ("receive", "cannot receive new filesystem stream: incomplete stream", "E_INTERRUPTED"),
    ("receive", "cannot receive new filesystem stream: permission denied", "E_PERMISSION"),
    ("send", "cannot send 'tank/x': permission denied", "E_PERMISSION"),
    ("send", "warning: cannot send 'tank/x@a': source key must be loaded", "E_ENCRYPTED_SOURCE"),
    (
        "send",
        "cannot send tank/x@a: encrypted dataset tank/x may not be sent with properties without the raw flag",
        "E_ENCRYPTED_SOURCE",
    ),
    ("send", "cannot open 'tank/x@a': dataset does not exist", "E_SOURCE_GONE"),
    ("send", "warning: cannot send 'tank/x@a': dataset to be sent no longer exists", "E_SOURCE_GONE"),
    ("send", "warning: cannot send 'tank/x@a': signal received", "E_INTERRUPTED"),
    ("send", "warning: cannot send 'tank/x@a': Broken pipe", "E_INTERRUPTED"),
    (
        "list",
        "The ZFS modules are not loaded.\nTry running '/sbin/modprobe zfs' as root to load them.",
        "E_ZFS_MISSING",
    ),
    ("set", "cannot set property for 'tank/x': something quite new", "E_ZFS_FAILED"),
    ("set", "", "E_ZFS_FAILED"),
]


@pytest.mark.parametrize(("verb", "said", "code"), SENTENCES)
def test_what_zfs_says_has_a_code(verb: str, said: str, code: str) -> None:
    error = classify(said + "\n", "tank/x", verb=verb)
    assert error.code == code
    assert "tank/x" in error.message or "ZFS does not run" in error.message
    assert "\n" not in error.message
    assert " ".join(said.split()).rstrip(". ") in error.message


def test_a_command_that_said_nothing_is_said_to_have_said_nothing() -> None:
    assert classify("", "tank/x", verb="set").message == "zfs set failed for tank/x: it said nothing."


@pytest.mark.parametrize(("verb", "granted"), [("send", "send,hold,release"), ("bookmark", "bookmark")])
def test_a_missing_permission_comes_with_the_command_that_grants_it(verb: str, granted: str) -> None:
    error = classify("cannot do it: permission denied", "tank/a b", verb=verb)
    assert error.hint == f"Allow it on that host with: zfs allow -u zfs-sync {granted} 'tank/a b'"


def test_a_partial_receive_comes_with_the_command_that_discards_it() -> None:
    error = classify("destination contains partially-complete state from", "tank/a b", verb="receive")
    assert error.hint.endswith("zfs receive -A 'tank/a b'")


def test_an_endless_complaint_is_cut() -> None:
    message = classify("x" * 5000, "tank/x", verb="set").message
    assert LONGEST_DETAIL < len(message) < LONGEST_DETAIL + 100
    assert message.endswith("....")


def test_a_target_that_was_written_to_comes_with_its_rollback() -> None:
    error = target_modified("tank/a b", "mon day")
    assert (error.code, error.hint) == ("E_TARGET_MODIFIED", "zfs rollback 'tank/a b@mon day'")
