# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The words of each command: no shell, no force, and no operand that could be taken for an option."""

import inspect

import pytest

from zfs_sync.zfs import commands

HOSTILE = [
    "-rf",
    "tank/../x",
    "tank/x; touch y",
    "tank/a\nb",
    "tank//x",
    "/tank",
    "",
    "tank/x@y",
    "tank/x#y",
    "tank/%recv",
]


def test_a_stream_of_one_snapshot_and_of_all_after_a_base() -> None:
    assert commands.send("tank/a b", None, "-x") == ("zfs", "send", "tank/a b@-x")
    assert commands.send("tank/-x", "a", "b") == ("zfs", "send", "-I", "tank/-x@a", "tank/-x@b")
    assert commands.send("tank", "a", "c", alone=True) == ("zfs", "send", "-i", "tank@a", "tank@c")
    assert commands.estimate("tank", "a", "b") == ("zfs", "send", "-nvP", "-I", "tank@a", "tank@b")


def test_a_snapshot_is_not_sent_from_itself() -> None:
    with pytest.raises(ValueError, match="from itself"):
        commands.send("tank", "a", "a")


def test_a_receive_never_forces() -> None:
    assert commands.receive("tank/x", unmounted=False) == ("zfs", "receive", "tank/x")
    properties = {"readonly": "on", "zfs-sync:group": "g"}
    argv = commands.receive("tank/x", unmounted=True, properties=properties)
    assert argv == ("zfs", "receive", "-u", "-o", "readonly=on", "-o", "zfs-sync:group=g", "tank/x")


def test_depth_and_types_of_a_question() -> None:
    assert commands.get(["type"], ["tank"]) == ("zfs", "get", "-Hp", "-o", "name,property,source,value", "type", "tank")
    assert commands.get(["type"], ["tank"], depth=None)[3] == "-r"
    assert commands.get(["type"], ["tank"], depth=1, types=("filesystem",))[3:8] == (
        "-r",
        "-d",
        "1",
        "-t",
        "filesystem",
    )
    assert commands.list_snapshots(["tank"], depth=1)[5:7] == ("-d", "1")


@pytest.mark.parametrize("dataset", HOSTILE)
def test_a_name_that_zfs_does_not_allow_never_becomes_a_command(dataset: str) -> None:
    builders = (
        lambda: commands.send(dataset, None, "a"),
        lambda: commands.receive(dataset, unmounted=True),
        lambda: commands.set_property(dataset, "readonly", "on"),
        lambda: commands.unmount(dataset),
        lambda: commands.hold("t", dataset, "a"),
        lambda: commands.release("t", dataset, "a"),
    )
    for build in builders:
        with pytest.raises(ValueError, match=r"\S"):
            build()


@pytest.mark.parametrize("label", ["", "a@b", "a/b", "a\n", "$(x)", "a;b", "%x"])
def test_a_label_that_zfs_does_not_allow_never_becomes_a_command(label: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        commands.hold("t", "tank", label)


def test_nothing_that_destroys_can_be_built() -> None:
    words = {word.strip("\"'") for word in inspect.getsource(commands).replace("(", " ").replace(",", " ").split()}
    assert not {'"-F"', "-F", '"destroy"', "destroy", "rollback"} & {word for word in words if not word.startswith("`")}
