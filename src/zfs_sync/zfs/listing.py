# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Datasets and snapshots of this host, with as few processes as the platform needs.

OpenZFS: one ``zfs get`` for the datasets (the only command that tells whether the marker is set locally) and one
``zfs list`` for the snapshots, restricted to the columns that need no snapshot to be opened. Where ``zfs list -p`` is
missing (zfs-fuse), GUIDs are abbreviated in lists, and one recursive ``zfs get`` reads everything.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from zfs_sync.core.graph import DatasetView, Snapshot
from zfs_sync.core.names import is_inside
from zfs_sync.zfs import commands, parsing
from zfs_sync.zfs.capabilities import Capabilities
from zfs_sync.zfs.commands import MARKER, Argv
from zfs_sync.zfs.errors import classify
from zfs_sync.zfs.parsing import Property
from zfs_sync.zfs.runner import Runner

BATCH_NAMES = 1024
BATCH_BYTES = 100_000
KINDS = ("filesystem", "volume")
INTERNAL = "%"  # libzfs refuses it in names; the kernel uses it (tank/a/%recv)

Records = Mapping[str, Mapping[str, Property]]


@dataclass(frozen=True, slots=True)
class Dataset:
    """One filesystem or volume with its snapshots, as the pool has it now."""

    path: str
    guid: int
    kind: str
    """``filesystem`` or ``volume``."""
    used: int | None
    referenced: int | None
    encryption_root: str | None
    marker: str | None
    """The local value of ``zfs-sync:group``."""
    snapshots_changed: int | None = None
    snapshots: tuple[Snapshot, ...] = ()
    written: int | None = None
    """Bytes written since the newest snapshot; None where the platform does not tell."""

    def view(self) -> DatasetView:
        """What the planner judges."""
        encrypted = self.encryption_root is not None
        return DatasetView(self.path, self.guid, self.snapshots, self.marker, encrypted, self.written)


def datasets(
    runner: Runner, capabilities: Capabilities, roots: Sequence[str], *, recursive: bool = True
) -> tuple[Dataset, ...]:
    """Everything at (and below) ``roots``, by path. A root that does not exist is left out."""
    wanted = _outermost(roots) if recursive else tuple(dict.fromkeys(roots))
    found: dict[str, Dataset] = {}
    for batch in _batches(wanted):
        found.update(_read(runner, capabilities, batch, None if recursive else 1))
    return tuple(found[path] for path in sorted(found) if recursive or path in wanted)


def _read(runner: Runner, capabilities: Capabilities, roots: Sequence[str], depth: int | None) -> Mapping[str, Dataset]:
    asked = ["type", "guid", "used", "referenced", MARKER]
    asked += ["encryptionroot"] if capabilities.encryption else []
    asked += ["written"] if capabilities.written else []
    asked += ["snapshots_changed"] if capabilities.snapshots_changed else []
    if capabilities.parsable_list and capabilities.typed_get:
        records = _records(runner, commands.get(asked, roots, depth=0 if depth else None, types=KINDS), roots)
        listed = _output(runner, commands.list_snapshots(roots, depth=depth), roots)
        snapshots = _listed_snapshots(listed)
    else:
        records = _records(runner, commands.get([*asked, "createtxg"], roots, depth=depth), roots)
        snapshots = _read_snapshots(records)
    return {path: _dataset(path, record, snapshots) for path, record in _of_datasets(records)}


def _of_datasets(records: Records) -> Iterator[tuple[str, Mapping[str, Property]]]:
    for path, record in records.items():
        if "@" not in path and INTERNAL not in path and _value(record, "guid"):
            yield path, record


def _dataset(path: str, record: Mapping[str, Property], snapshots: Mapping[str, Sequence[Snapshot]]) -> Dataset:
    marker = record.get(MARKER)
    return Dataset(
        path=path,
        guid=parsing.number(record["guid"].value, path),
        kind=_value(record, "type") or "filesystem",
        used=parsing.optional_number(_value(record, "used")),
        referenced=parsing.optional_number(_value(record, "referenced")),
        encryption_root=_value(record, "encryptionroot"),
        marker=marker.value if marker and marker.source == "local" else None,
        snapshots_changed=parsing.optional_number(_value(record, "snapshots_changed")),
        written=parsing.optional_number(_value(record, "written")),
        snapshots=tuple(sorted(snapshots.get(path, ()), key=lambda each: each.createtxg)),
    )


def _value(record: Mapping[str, Property], name: str) -> str | None:
    found = record.get(name)
    return None if found is None or found.value in (parsing.NONE, "") else found.value


def _listed_snapshots(output: str) -> Mapping[str, Sequence[Snapshot]]:
    gathered: dict[str, list[Snapshot]] = {}
    for path, label, guid, createtxg in parsing.snapshot_rows(output):
        gathered.setdefault(path, []).append(Snapshot(guid, createtxg, label))
    return gathered


def _read_snapshots(records: Records) -> Mapping[str, Sequence[Snapshot]]:
    """A snapshot that was destroyed while zfs listed it has no GUID and is left out."""
    gathered: dict[str, list[Snapshot]] = {}
    for name, record in records.items():
        path, at, label = name.rpartition("@")
        guid, createtxg = _value(record, "guid"), _value(record, "createtxg")
        if at and guid and createtxg:
            found = Snapshot(parsing.number(guid, name), parsing.number(createtxg, name), label)
            gathered.setdefault(path, []).append(found)
    return gathered


def creations(runner: Runner, snapshots: Sequence[str]) -> Mapping[str, int]:
    """When these snapshots (full names) were made, in seconds since 1970; those that are gone are left out."""
    found: dict[str, int] = {}
    for batch in _batches(snapshots):
        for name, record in _records(runner, commands.get(["creation"], batch), batch).items():
            found[name] = parsing.number(record["creation"].value, name)
    return found


def _records(runner: Runner, argv: Argv, operands: Sequence[str]) -> Records:
    return parsing.by_name(_output(runner, argv, operands))


def _output(runner: Runner, argv: Argv, operands: Sequence[str]) -> str:
    """What zfs printed about the operands that exist."""
    done = runner.run(argv)
    if not done.ok and not parsing.only_absent(done.stderr):
        raise classify(done.stderr, ", ".join(operands[:3]), verb=argv[1])
    return done.stdout


def _outermost(roots: Sequence[str]) -> tuple[str, ...]:
    """The roots without those that lie inside another one."""
    kept: list[str] = []
    for root in sorted(set(roots)):
        if not any(is_inside(root, other) for other in kept):
            kept.append(root)
    return tuple(kept)


def _batches(names: Sequence[str]) -> Iterator[list[str]]:
    """The names in groups that fit on a command line."""
    batch: list[str] = []
    size = 0
    for name in names:
        if batch and (len(batch) == BATCH_NAMES or size + len(name) > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(name)
        size += len(name) + 1
    if batch:
        yield batch
