# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""A full report of a hundred thousand snapshots, beside the bare writing of as many rows into SQLite."""

import itertools
import sqlite3
from pathlib import Path
from typing import Any

from tests.bench.timing import Comparison, Way, compare
from tests.bench.witness import INSTALLATION, witness
from zfs_sync.api import PROTOCOL

DATASETS = 100
EACH = 1_000
SNAPSHOTS = DATASETS * EACH
CHUNKS = 4


def measure(folder: Path, rounds: int) -> list[Comparison]:
    """Each round reports the same host anew; the rows of the baseline have the same columns and indices."""
    turn = itertools.count()
    with witness(folder) as bench:
        agent = bench.agent("nas1")

        def report() -> None:
            generation = f"g{next(turn)}"
            for seq in range(CHUNKS):
                agent("POST", "/systems/nas1/reports", _chunk(generation, seq))

        return [
            compare(
                f"a full report of {SNAPSHOTS:,} snapshots in {CHUNKS} parts",
                Way(
                    "bare rows into SQLite, one transaction", lambda: _rows(folder / f"rows{next(turn)}.db"), SNAPSHOTS
                ),
                Way("POST /systems/{name}/reports", report, SNAPSHOTS),
                rounds=rounds,
            )
        ]


def _snapshots(dataset: int) -> list[dict[str, str]]:
    first = dataset * EACH + 1
    return [{"guid": str(n), "createtxg": str(n), "name": f"auto-{n}"} for n in range(first, first + EACH)]


def _chunk(generation: str, seq: int) -> dict[str, Any]:
    numbers = range(seq * DATASETS // CHUNKS, (seq + 1) * DATASETS // CHUNKS)
    datasets = [
        {"path": f"tank/data{n:03}", "guid": str(10**9 + n), "type": "filesystem", "add": _snapshots(n)}
        for n in numbers
    ]
    return {
        "protocol": PROTOCOL,
        "installation": INSTALLATION,
        "generation": generation,
        "base_generation": None,
        "kind": "full",
        "seq": seq,
        "last": seq == CHUNKS - 1,
        "agent_version": "0.1.0",
        "host": {"platform": "linux", "hostname": "nas1"},
        "datasets": datasets,
    }


def _rows(path: Path) -> None:
    database = sqlite3.connect(path)
    database.executescript(
        "PRAGMA journal_mode=WAL; CREATE TABLE snapshot (dataset INTEGER, guid TEXT, createtxg TEXT, name TEXT,"
        " PRIMARY KEY (dataset, guid)) WITHOUT ROWID; CREATE INDEX by_name ON snapshot (dataset, name)"
    )
    rows = ((n, s["guid"], s["createtxg"], s["name"]) for n in range(DATASETS) for s in _snapshots(n))
    with database:
        database.executemany("INSERT INTO snapshot VALUES (?, ?, ?, ?)", rows)
    database.close()
