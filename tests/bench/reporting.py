# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""A full report of a hundred thousand snapshots, beside the bare writing of the same rows into the same table."""

import itertools
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateTable

from tests.bench.measured import Goal, Measured
from tests.bench.run import Run
from tests.bench.timing import Way, medians
from tests.bench.witness import INSTALLATION, Caller, witness
from zfs_sync.api import PROTOCOL
from zfs_sync.witness.db.observed import snapshots

DATASETS = 100
PARTS = 4


def measure(run: Run) -> list[Measured]:
    """Each round a host that never reported does so, in four parts over HTTP. What it says was written beforehand."""
    each = run.size(1_000, quick=10)
    count = DATASETS * each
    turn = itertools.count()
    with witness(run.folder / "reporting") as bench:
        hosts: list[tuple[str, Caller]] = []
        parts = [list(_parts(each))]

        def report() -> None:
            name, agent = hosts[-1]
            for body in parts[0]:
                agent.send("POST", f"/systems/{name}/reports", body)

        def new_host() -> None:
            name = f"nas{next(turn)}"
            hosts.append((name, bench.agent(name)))

        rows = list(_rows(each))
        bare, ours = medians(
            Way(lambda: _write(run.folder / f"rows{next(turn)}.db", rows)), Way(report, new_host), rounds=run.rounds
        )
    return [
        Measured(
            "ingest",
            f"POST /systems/{{name}}/reports, a first report of {count:,} snapshots in {PARTS} parts",
            "sqlite3.executemany of the same rows into the same table, one durable transaction",
            "rows/s",
            count / ours,
            count / bare,
            Goal("ratio", 0.5, at_least=True),
            {"datasets": DATASETS, "snapshots": count},
        )
    ]


def _snapshots(dataset: int, each: int) -> list[dict[str, str]]:
    first = dataset * each + 1
    return [{"guid": str(n), "createtxg": str(n), "name": f"auto-{n}"} for n in range(first, first + each)]


def _parts(each: int) -> Iterator[bytes]:
    for seq in range(PARTS):
        numbers = range(seq * DATASETS // PARTS, (seq + 1) * DATASETS // PARTS)
        datasets = [
            {"path": f"tank/data{n:03}", "guid": str(10**9 + n), "type": "filesystem", "add": _snapshots(n, each)}
            for n in numbers
        ]
        yield json.dumps(_part(seq, datasets)).encode()


def _part(seq: int, datasets: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "protocol": PROTOCOL,
        "installation": INSTALLATION,
        "generation": "g1",
        "base_generation": None,
        "kind": "full",
        "seq": seq,
        "last": seq == PARTS - 1,
        "agent_version": "0.1.0",
        "host": {"platform": "linux", "hostname": "nas"},
        "datasets": datasets,
    }


def _rows(each: int) -> Iterator[tuple[object, ...]]:
    for dataset in range(DATASETS):
        for snapshot in _snapshots(dataset, each):
            guid = int(snapshot["guid"])
            yield (dataset, guid, guid, snapshot["name"], None, 0)


def _write(path: Path, rows: list[tuple[object, ...]]) -> None:
    database = sqlite3.connect(path)
    table = str(CreateTable(snapshots, include_foreign_key_constraints=[]).compile(dialect=sqlite.dialect()))
    database.executescript(f"PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; {table}")
    with database:
        database.executemany("INSERT INTO snapshots VALUES (?, ?, ?, ?, ?, ?)", rows)
    database.close()
