# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""What real versions of zfs(8) print, and a runner that says it again.

zfs-fuse 0.7 was recorded in a lab host; what OpenZFS 2.1 and 2.3 say is taken from their sources.
"""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field

from zfs_sync.zfs import commands
from zfs_sync.zfs.capabilities import NOWHERE
from zfs_sync.zfs.commands import Argv
from zfs_sync.zfs.runner import TIMEOUT_SECONDS, Completed

POOLS = "tank\t2961497613966863477\tONLINE\n"

FUSE_TREE = (
    "tank/photos\ttype\t-\tfilesystem\n"
    "tank/photos\tguid\t-\t4438896165168945854\n"
    "tank/photos\tused\t-\t331776\n"
    "tank/photos\treferenced\t-\t126976\n"
    "tank/photos\tzfs-sync:group\tlocal\tphotos\n"
    "tank/photos\tcreatetxg\t-\t6\n"
    "tank/photos@monday\ttype\t-\tsnapshot\n"
    "tank/photos@monday\tguid\t-\t5602912535703100974\n"
    "tank/photos@monday\tused\t-\t90112\n"
    "tank/photos@monday\treferenced\t-\t122880\n"
    "tank/photos@monday\tzfs-sync:group\tinherited from tank/photos\tphotos\n"
    "tank/photos@monday\tcreatetxg\t-\t17\n"
    "tank/photos@tuesday\ttype\t-\tsnapshot\n"
    "tank/photos@tuesday\tguid\t-\t1389854051268356003\n"
    "tank/photos@tuesday\tused\t-\t0\n"
    "tank/photos@tuesday\treferenced\t-\t126976\n"
    "tank/photos@tuesday\tzfs-sync:group\tinherited from tank/photos\tphotos\n"
    "tank/photos@tuesday\tcreatetxg\t-\t27\n"
    "tank/photos/a b\ttype\t-\tfilesystem\n"
    "tank/photos/a b\tguid\t-\t7476847040226712195\n"
    "tank/photos/a b\tused\t-\t114688\n"
    "tank/photos/a b\treferenced\t-\t114688\n"
    "tank/photos/a b\tzfs-sync:group\tinherited from tank/photos\tphotos\n"
    "tank/photos/a b\tcreatetxg\t-\t8\n"
    "tank/photos/a b@-x\ttype\t-\tsnapshot\n"
    "tank/photos/a b@-x\tguid\t-\t12887196424746676260\n"
    "tank/photos/a b@-x\tused\t-\t0\n"
    "tank/photos/a b@-x\treferenced\t-\t114688\n"
    "tank/photos/a b@-x\tzfs-sync:group\tinherited from tank/photos\tphotos\n"
    "tank/photos/a b@-x\tcreatetxg\t-\t22\n"
)
"""``zfs get -Hp -r`` of zfs-fuse: two datasets and three snapshots, only one marker of which is local."""

FUSE_USAGE = "usage:\n\tsend [-RDp] [-[iI] snapshot] <snapshot>\n\nFor the property list, run: zfs set|get\n"
FUSE_SEND, FUSE_RECEIVE = "pR", "u"
PROPERTIES_21 = ("receive_resume_token", "encryptionroot", "written")
ABSENT = f"cannot open '{NOWHERE}': dataset does not exist\n"


@dataclass(slots=True)
class Replay:
    """A runner that answers what was recorded, and fails a test that asks for anything else."""

    answers: dict[Argv, Completed] = field(default_factory=dict)
    asked: list[Argv] = field(default_factory=list)

    def say(self, argv: Sequence[str], stdout: str = "", stderr: str = "", status: int = 0) -> None:
        """From now on ``argv`` is answered like this."""
        self.answers[tuple(argv)] = Completed(tuple(argv), status, stdout, stderr)

    def run(self, argv: Sequence[str], *, timeout_seconds: float = TIMEOUT_SECONDS) -> Completed:  # noqa: ARG002
        self.asked.append(tuple(argv))
        return self.answers[tuple(argv)]

    def spawn(self, argv: Sequence[str], **_: object) -> "subprocess.Popen[bytes]":
        raise AssertionError(f"nothing was recorded of the stream of {argv}")


def zfs_fuse() -> Replay:
    """zfs-fuse 0.7.2, as probed in a lab host."""
    replay = Replay()
    for flag in "wcLepRnPV":
        argv = ("zfs", "send", f"-{flag}", f"{NOWHERE}@none")
        known = flag in FUSE_SEND
        replay.say(argv, stderr=ABSENT if known else f"invalid option '{flag}'\n{FUSE_USAGE}", status=1 if known else 2)
    replay.say(
        ("zfs", "receive", "-u", f"{NOWHERE}/none"), stderr="cannot receive: failed to read from stream\n", status=1
    )
    replay.say(("zfs", "receive", "-s", f"{NOWHERE}/none"), stderr="invalid option 's'\n" + FUSE_USAGE, status=2)
    for flag, value in (("o", "readonly=on"), ("x", "mountpoint")):
        argv = ("zfs", "receive", f"-{flag}", value, f"{NOWHERE}/none")
        replay.say(argv, stderr=f"invalid option '{flag}'\n" + FUSE_USAGE, status=2)
    replay.say(("zfs", "list", "-Hp", "-o", "name", NOWHERE), stderr="invalid option 'p'\n" + FUSE_USAGE, status=2)
    replay.say(("zfs", "get", "-t", "filesystem", "type", NOWHERE), stderr="invalid option 't'\nusage:\n", status=2)
    for verb in ("bookmark", "version"):
        replay.say(("zfs", verb), stderr=f"unrecognized command '{verb}'\nusage: zfs command args ...\n", status=2)
    replay.say(("zfs", "hold"), stderr="usage:\n\thold [-r] <tag> <snapshot> ...\n", status=2)
    for words in (("holds", f"{NOWHERE}@none"), ("allow", NOWHERE)):
        replay.say(("zfs", *words), stdout="internal error: /usr/lib/zfs/pyzfs.py not found\n", status=255)
    for name in (*PROPERTIES_21, "snapshots_changed"):
        argv = ("zfs", "get", "-H", "-o", "value", name, NOWHERE)
        replay.say(argv, stderr=f"bad property list: invalid property '{name}'\nusage:\n", status=2)
    replay.say(commands.list_pools(), stdout=POOLS)
    return replay


def openzfs(version: str) -> Replay:
    """OpenZFS 2.1 or 2.3."""
    replay, modern = Replay(), not version.startswith("2.1")
    for flag in "wcLepRnPV":
        known = flag != "V" or modern
        said = ABSENT if known else "invalid option 'V'\nusage:\n"
        replay.say(("zfs", "send", f"-{flag}", f"{NOWHERE}@none"), stderr=said, status=1 if known else 2)
    for words in (("-u",), ("-s",), ("-o", "readonly=on"), ("-x", "mountpoint")):
        argv = ("zfs", "receive", *words, f"{NOWHERE}/none")
        replay.say(argv, stderr="cannot receive: failed to read from stream\n", status=1)
    replay.say(("zfs", "list", "-Hp", "-o", "name", NOWHERE), stderr=ABSENT, status=1)
    replay.say(("zfs", "get", "-t", "filesystem", "type", NOWHERE), stderr=ABSENT, status=1)
    replay.say(("zfs", "bookmark"), stderr="missing source argument\nusage:\n", status=2)
    replay.say(("zfs", "hold"), stderr="usage:\n", status=2)
    replay.say(("zfs", "holds", f"{NOWHERE}@none"), stderr=ABSENT, status=1)
    replay.say(("zfs", "allow", NOWHERE), stderr=ABSENT, status=1)
    replay.say(("zfs", "version"), stdout=f"zfs-{version}\nzfs-kmod-{version}\n")
    for name in (*PROPERTIES_21, "snapshots_changed"):
        known = modern or name in PROPERTIES_21
        said = ABSENT if known else f"bad property list: invalid property '{name}'\nusage:\n"
        replay.say(("zfs", "get", "-H", "-o", "value", name, NOWHERE), stderr=said, status=1 if known else 2)
    replay.say(commands.list_pools(), stdout=POOLS)
    return replay
