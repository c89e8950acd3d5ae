# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Holds, properties and streams of one host, as zfs-fuse 0.7 answered in a lab host."""

import subprocess
from collections.abc import Sequence

import pytest

from tests.unit.zfs.recordings import Replay, openzfs, zfs_fuse
from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.zfs import commands
from zfs_sync.zfs.commands import Argv
from zfs_sync.zfs.host import Zfs


@pytest.fixture
def replay() -> Replay:
    return zfs_fuse()


@pytest.fixture
def zfs(replay: Replay) -> Zfs:
    return Zfs(replay)


HELD = "cannot hold 'tank@a': tag already exists on this dataset\n"
NOT_HELD = "cannot release 't' from 'tank@a': no such tag on this dataset\n"
GONE = "cannot release 't' from 'tank@a': dataset does not exist\n"


def test_a_hold_that_is_there_already_is_well(zfs: Zfs, replay: Replay) -> None:
    replay.say(commands.hold("t", "tank", "a"))
    zfs.hold("t", "tank", "a")
    replay.say(commands.hold("t", "tank", "a"), stderr=HELD, status=1)
    zfs.hold("t", "tank", "a")


@pytest.mark.parametrize("said", [NOT_HELD, GONE])
def test_a_release_of_what_is_not_held_is_well(zfs: Zfs, replay: Replay, said: str) -> None:
    replay.say(commands.release("t", "tank", "a"))
    zfs.release("t", "tank", "a")
    replay.say(commands.release("t", "tank", "a"), stderr=said, status=1)
    zfs.release("t", "tank", "a")


def test_any_other_refusal_of_hold_or_release_is_an_error(zfs: Zfs, replay: Replay) -> None:
    replay.say(commands.hold("t", "tank", "a"), stderr="cannot hold: permission denied\n", status=1)
    replay.say(commands.release("t", "tank", "a"), stderr="cannot release: permission denied\n", status=1)
    for change in (zfs.hold, zfs.release):
        with pytest.raises(ZfsSyncError) as caught:
            change("t", "tank", "a")
        assert caught.value.code == "E_PERMISSION"


def test_the_properties_of_a_dataset_that_is_not_there_are_none(zfs: Zfs, replay: Replay) -> None:
    argv = commands.get(["type"], ["tank/none"])
    replay.say(argv, stderr="cannot open 'tank/none': dataset does not exist\n", status=1)
    assert zfs.properties("tank/none", ["type"]) == {}
    replay.say(argv, stderr="cannot open 'tank/none': I/O error\n", status=1)
    with pytest.raises(ZfsSyncError):
        zfs.properties("tank/none", ["type"])


def test_setting_and_unmounting_say_what_failed(zfs: Zfs, replay: Replay) -> None:
    replay.say(commands.set_property("tank", "readonly", "on"), stderr="permission denied\n", status=1)
    replay.say(commands.unmount("tank"), stderr="cannot unmount '/tank': Device busy\n", status=1)
    with pytest.raises(ZfsSyncError) as refused:
        zfs.set_property("tank", "readonly", "on")
    with pytest.raises(ZfsSyncError) as busy:
        zfs.unmount("tank")
    assert (refused.value.code, busy.value.code) == ("E_PERMISSION", "E_BUSY")


class Spawned:
    """Keeps what would be started, and starts nothing."""

    def __init__(self) -> None:
        self.argv: Argv = ()

    def spawn(self, argv: Sequence[str], **_: object) -> "subprocess.Popen[bytes]":
        self.argv = tuple(argv)
        return None  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("platform", "argv"),
    [
        (zfs_fuse(), ("zfs", "receive", "-u", "tank/x")),
        (openzfs("2.3.1-1"), ("zfs", "receive", "-u", "-o", "readonly=on", "tank/x")),
    ],
    ids=["zfs-fuse", "OpenZFS"],
)
def test_a_new_target_gets_its_properties_with_the_receive_where_that_works(platform: Replay, argv: Argv) -> None:
    spawned = Spawned()
    zfs = Zfs(spawned, Zfs(platform).capabilities)  # type: ignore[arg-type]
    zfs.spawn_receive("tank/x", properties={"readonly": "on"}, stderr=subprocess.PIPE, pass_fds=[])
    assert spawned.argv == argv


def test_creation_times_come_by_the_snapshots_full_name(zfs: Zfs, replay: Replay) -> None:
    said = "tank/photos@monday\tcreation\t-\t1795496173\n"
    gone = "cannot open 'tank/photos@none': dataset does not exist\n"
    asked = ["tank/photos@monday", "tank/photos@none"]
    replay.say(commands.get(["creation"], asked), stdout=said, stderr=gone, status=1)
    assert zfs.creations(asked) == {"tank/photos@monday": 1795496173}


def test_a_send_reads_nothing() -> None:
    spawned = Spawned()
    zfs = Zfs(spawned, Zfs(zfs_fuse()).capabilities)  # type: ignore[arg-type]
    zfs.spawn_send("tank/x", "a", "b", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert spawned.argv == ("zfs", "send", "-I", "tank/x@a", "tank/x@b")
