# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""What the ZFS of this host can do, found by trying and not by comparing versions.

Every probe names a dataset that does not exist or leaves an operand out, so that nothing can change: a command that
knows the option complains about the dataset (status 1), one that does not complains about the option (status 2).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from zfs_sync.zfs.commands import Argv
from zfs_sync.zfs.runner import Completed, Runner

NOWHERE = "zfs-sync-probe-of-no-pool"
USAGE = 2
NOT_RUN = 255  # zfs-fuse's status for helpers that it does not ship

SEND_FLAGS = ("w", "c", "L", "e", "p", "R", "n", "P", "V")
RECEIVE_FLAGS = ("u", "s")
RECEIVE_OPTIONS = {"o": "readonly=on", "x": "mountpoint"}


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What zfs(8) on a host understands."""

    zfs_version: str | None
    send: frozenset[str]
    receive: frozenset[str]
    parsable_list: bool
    """``zfs list -p``: without it, GUIDs come abbreviated and are read by ``zfs get``."""
    typed_get: bool
    """``zfs get -t``."""
    bookmarks: bool
    holds: bool
    hold_listing: bool
    """``zfs holds``; zfs-fuse can hold and release without it."""
    resume: bool
    delegation: bool
    encryption: bool
    written: bool
    snapshots_changed: bool

    @property
    def estimates(self) -> bool:
        """Whether ``zfs send -nvP`` tells the size of a stream."""
        return {"n", "P"} <= self.send


def probe(runner: Runner) -> Capabilities:
    """Try everything once. Raises E_ZFS_MISSING where zfs is not installed."""
    receive = frozenset(flag for flag in RECEIVE_FLAGS if _knows(runner, _receive(f"-{flag}")))
    options = frozenset(flag for flag, value in RECEIVE_OPTIONS.items() if _knows(runner, _receive(f"-{flag}", value)))
    return Capabilities(
        zfs_version=_version(runner),
        send=frozenset(flag for flag in SEND_FLAGS if _knows(runner, ("zfs", "send", f"-{flag}", f"{NOWHERE}@none"))),
        receive=receive | options,
        parsable_list=_knows(runner, ("zfs", "list", "-Hp", "-o", "name", NOWHERE)),
        typed_get=_knows(runner, ("zfs", "get", "-t", "filesystem", "type", NOWHERE)),
        bookmarks=_has_command(runner, "bookmark"),
        holds=_has_command(runner, "hold"),
        hold_listing=_knows(runner, ("zfs", "holds", f"{NOWHERE}@none")),
        resume="s" in receive and _has_property(runner, "receive_resume_token"),
        delegation=_knows(runner, ("zfs", "allow", NOWHERE)),
        encryption=_has_property(runner, "encryptionroot"),
        written=_has_property(runner, "written"),
        snapshots_changed=_has_property(runner, "snapshots_changed"),
    )


def _receive(*options: str) -> Argv:
    return ("zfs", "receive", *options, f"{NOWHERE}/none")


def _knows(runner: Runner, argv: Sequence[str]) -> bool:
    return _understood(runner.run(argv))


def _understood(done: Completed) -> bool:
    return done.returncode not in (USAGE, NOT_RUN) and "invalid option" not in done.stderr


def _has_command(runner: Runner, verb: str) -> bool:
    """Called without operands, a known command asks for them and an unknown one is "unrecognized"."""
    done = runner.run(("zfs", verb))
    return "unrecognized command" not in done.stderr


def _has_property(runner: Runner, name: str) -> bool:
    return _knows(runner, ("zfs", "get", "-H", "-o", "value", name, NOWHERE))


def _version(runner: Runner) -> str | None:
    """The first word that ``zfs version`` prints, such as ``zfs-2.3.1-1``; zfs-fuse has no such command."""
    done = runner.run(("zfs", "version"))
    words = done.stdout.split()
    return words[0][:64] if done.ok and words else None
