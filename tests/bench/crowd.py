# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""A witness's database of a large fleet with a long history.

Desired state, edges and keys come through the API. What a thousand agents would report over months (datasets,
snapshots, finished jobs) is written into the tables in bulk, beneath the API: it is what the reports would leave there.
"""

import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.bench.witness import INSTALLATION, Bench, witness
from zfs_sync.api import PROTOCOL
from zfs_sync.witness.db.schema import HEAD
from zfs_sync.witness.db.types import stored_time

OWNER = "bench/crowd"
_NOW = stored_time(datetime.now(UTC))


@dataclass(frozen=True, slots=True)
class Crowd:
    """A ring of systems: each sends half of its datasets to the next one, and holds a copy of the one before."""

    systems: int
    datasets: int
    snapshots: int
    jobs: int
    """Finished jobs of each edge and dataset."""

    @property
    def rows(self) -> int:
        """Snapshots in all."""
        return self.systems * self.datasets * self.snapshots

    @property
    def names(self) -> list[str]:
        """The systems, in the order of the ring."""
        return [f"nas{number:04}" for number in range(self.systems)]

    @property
    def shared(self) -> int:
        """Datasets of each edge, the root among them."""
        return self.datasets // 2

    def paths(self, root: str) -> list[str]:
        """The datasets of one end of an edge."""
        return [root, *(f"{root}/data{number:03}" for number in range(1, self.shared))]

    def document(self) -> dict[str, Any]:
        """The fleet document."""
        names = self.names
        groups = {
            f"group-{name}": {
                "members": [
                    {"system": name, "dataset": "tank/own", "role": "source"},
                    {"system": names[number - 1], "dataset": "tank/copy", "role": "target"},
                ]
            }
            for number, name in enumerate(names)
        }
        return {"version": 1, "owner": OWNER, "systems": {name: {} for name in names}, "sync_groups": groups}


def database(crowd: Crowd, cache: Path) -> Path:
    """The database, made once for each revision of the schema and kept."""
    kept = cache / f"crowd-{HEAD}-{crowd.systems}x{crowd.datasets}x{crowd.snapshots}x{crowd.jobs}"
    if not kept.exists():
        growing = cache / f"{kept.name}.growing"
        shutil.rmtree(growing, ignore_errors=True)
        with witness(growing) as bench:
            _declare(bench, crowd)
        _fill(growing / "state" / "witness.db", crowd)
        growing.rename(kept)
    return kept


def _declare(bench: Bench, crowd: Crowd) -> None:
    bench.admin("POST", "/fleet/apply", {"fleet": crowd.document()})


def _fill(path: Path, crowd: Crowd) -> None:
    connection = sqlite3.connect(path)
    connection.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA cache_size = -200000")
    with connection:
        _insert(connection, "hosts", _HOST_COLUMNS, _hosts(crowd))
        _insert(connection, "datasets", ("id", "system", "path", "guid", "kind", "marker"), _datasets(crowd))
        _insert(connection, "snapshots", ("dataset_id", "guid", "createtxg", "name", "seen_at"), _snapshots(crowd))
        connection.execute("DELETE FROM plan_rows")
        _insert(connection, "plan_rows", _PLAN_COLUMNS, _plan_rows(crowd))
        _insert(connection, "jobs", _JOB_COLUMNS, _jobs(crowd))
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def _insert(
    connection: sqlite3.Connection, table: str, columns: Sequence[str], rows: Iterator[tuple[Any, ...]]
) -> None:
    names = ", ".join(f'"{name}"' for name in columns)
    connection.executemany(f"INSERT INTO {table} ({names}) VALUES ({', '.join('?' * len(columns))})", rows)


_HOST_COLUMNS = ("system", "installation", "generation", "protocol", "dataset_count", "snapshot_count")


def _hosts(crowd: Crowd) -> Iterator[tuple[Any, ...]]:
    held = crowd.datasets, crowd.datasets * crowd.snapshots
    return ((name, INSTALLATION, "g0", PROTOCOL, *held) for name in crowd.names)


def _datasets(crowd: Crowd) -> Iterator[tuple[Any, ...]]:
    number = 0
    names = crowd.names
    for place, name in enumerate(names):
        fed_by = names[(place + 1) % len(names)]
        for root, marker in (("tank/own", None), ("tank/copy", f"group-{fed_by}")):
            for path in crowd.paths(root):
                number += 1
                yield (number, name, path, number, "filesystem", marker)


def _snapshots(crowd: Crowd) -> Iterator[tuple[Any, ...]]:
    """The copy has the GUIDs of what it is a copy of: all is in sync."""
    dataset = 0
    for place in range(crowd.systems):
        for owner in (place, (place + 1) % crowd.systems):
            for number in range(crowd.shared):
                dataset += 1
                first = (owner * crowd.shared + number) * crowd.snapshots + 1
                for each in range(crowd.snapshots):
                    yield (dataset, first + each, 100 + each, f"autosnap_{each:05}", _NOW)


_PLAN_COLUMNS = (
    "edge",
    "relative",
    "outcome",
    "message",
    "evidence",
    "source_head",
    "source_head_name",
    "target_head",
    "target_head_name",
    "base",
    "base_name",
    "lag_snapshots",
    "last_success",
)


def _edges(crowd: Crowd) -> Iterator[tuple[int, str, str, str]]:
    """Place of the source, edge, source system, target system."""
    names = crowd.names
    for place, name in enumerate(names):
        yield place, f"group-{name}:{names[place - 1]}:tank/copy", name, names[place - 1]


def _plan_rows(crowd: Crowd) -> Iterator[tuple[Any, ...]]:
    label = f"autosnap_{crowd.snapshots - 1:05}"
    for place, edge, *_ in _edges(crowd):
        for number, path in enumerate(crowd.paths("")):
            head = (place * crowd.shared + number + 1) * crowd.snapshots
            yield (edge, path[1:], "IN_SYNC", "In sync.", "{}", *(head, label) * 3, 0, _NOW)


_JOB_COLUMNS = (
    "id",
    "edge",
    "group",
    "relative",
    "from_system",
    "to_system",
    "target_dataset",
    "priority",
    "state",
    "attempt",
    "epoch",
    "run_after",
    "cancel_requested",
    "created_at",
    "finished_at",
)


def _jobs(crowd: Crowd) -> Iterator[tuple[Any, ...]]:
    number = 0
    for _, edge, source, target in _edges(crowd):
        for path in crowd.paths("tank/copy"):
            for _ in range(crowd.jobs):
                number += 1
                relative = path[len("tank/copy/") :]
                key = (f"{number:032x}", edge, edge.split(":")[0], relative, source, target, path)
                yield (*key, 50, "succeeded", 1, 1, _NOW, False, _NOW, _NOW)
