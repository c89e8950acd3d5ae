# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Argument lists for zfs(8) and zpool(8), one function per command.

Operands need no ``--`` before them: each begins with the name of a pool, which begins with a letter (checked here
again), and zfs-fuse's ``zfs set`` does not know ``--``. There is no builder for ``receive -F``, ``destroy`` or
``rollback``: what destroys is not reachable from here. ``receive -s`` is not used, since what it leaves behind blocks
every later receive until somebody resumes or discards it.
"""

from collections.abc import Mapping, Sequence

from zfs_sync.core import names

MARKER = "zfs-sync:group"

Argv = tuple[str, ...]


def snapshot(dataset: str, label: str) -> str:
    """The full name of a snapshot. Raises ValueError for what ZFS does not allow."""
    return f"{names.check_dataset(dataset)}@{names.check_snapshot_label(label)}"


def get(
    properties: Sequence[str],
    operands: Sequence[str],
    *,
    depth: int | None = 0,
    types: Sequence[str] = (),
) -> Argv:
    """Lines of name, property, source, value (the value last: it may hold tabs). ``depth`` None is all below."""
    recursion = () if depth == 0 else ("-r",) if depth is None else ("-r", "-d", str(depth))
    kinds = ("-t", ",".join(types)) if types else ()
    return (
        "zfs",
        "get",
        "-Hp",
        *recursion,
        *kinds,
        "-o",
        "name,property,source,value",
        ",".join(properties),
        *operands,
    )


def list_snapshots(roots: Sequence[str], *, depth: int | None = None) -> Argv:
    """Lines of name, guid, createtxg: the columns that OpenZFS 2.2 lists without opening each snapshot."""
    recursion = ("-r",) if depth is None else ("-d", str(depth))
    return ("zfs", "list", "-Hp", "-t", "snapshot", *recursion, "-o", "name,guid,createtxg", *roots)


def list_pools() -> Argv:
    """Lines of name, guid, health."""
    return ("zpool", "list", "-H", "-o", "name,guid,health")


def send(dataset: str, base: str | None, to: str, *, alone: bool = False) -> Argv:
    """A stream of ``to``, or of everything after ``base`` up to ``to`` (``alone``: without what lies between); labels.

    No flag that changes the stream's features is used: an incremental must match what its lineage began with.
    """
    return ("zfs", "send", *_span(dataset, base, to, alone))


def estimate(dataset: str, base: str | None, to: str, *, alone: bool = False) -> Argv:
    """The size of that stream, without sending it (``-nvP``)."""
    return ("zfs", "send", "-nvP", *_span(dataset, base, to, alone))


def _span(dataset: str, base: str | None, to: str, alone: bool) -> Argv:
    if base is None:
        return (snapshot(dataset, to),)
    if base == to:
        raise ValueError(f"{dataset}@{to} cannot be sent from itself")
    return ("-i" if alone else "-I", snapshot(dataset, base), snapshot(dataset, to))


def receive(dataset: str, *, unmounted: bool, properties: Mapping[str, str] | None = None) -> Argv:
    """Receive standard input into ``dataset``, never with ``-F``; ``properties`` are set on a new dataset (``-o``)."""
    options: list[str] = ["-u"] if unmounted else []
    for name, value in (properties or {}).items():
        options += ["-o", f"{name}={value}"]
    return ("zfs", "receive", *options, names.check_dataset(dataset))


def set_property(dataset: str, name: str, value: str) -> Argv:
    """Set one property locally."""
    return ("zfs", "set", f"{name}={value}", names.check_dataset(dataset))


def unmount(dataset: str) -> Argv:
    """Unmount, without force."""
    return ("zfs", "unmount", names.check_dataset(dataset))


def hold(tag: str, dataset: str, label: str) -> Argv:
    """Keep a snapshot from being destroyed."""
    return ("zfs", "hold", tag, snapshot(dataset, label))


def release(tag: str, dataset: str, label: str) -> Argv:
    """Take one hold back."""
    return ("zfs", "release", tag, snapshot(dataset, label))
