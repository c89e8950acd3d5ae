# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""How long the witness takes to start, and what it takes of the memory, beside an empty app of the same framework."""

import json
import socket
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from tests.bench.measured import Measured
from tests.bench.run import Run
from tests.unit.witness.process import Served, run_json

DEADLINE_SECONDS = 60.0
EMPTY_APP = """
import sys, fastapi, uvicorn
app = fastapi.FastAPI()
app.get("/")(lambda: {})
uvicorn.run(app, port=int(sys.argv[1]), log_config=None, access_log=False, loop="asyncio", ws="none")
"""


def measure(run: Run) -> list[Measured]:
    """From the start of the process to its first answer; the memory after that answer."""
    folder = run.folder / "starting"
    folder.mkdir(parents=True)
    run_json(folder, "init")
    ours, empty = [], []
    for _ in range(run.rounds):
        empty.append(_started(_empty_app))
        ours.append(_started(lambda: _witness(folder)))
    what = "an empty FastAPI app with one route, under uvicorn"
    return [
        Measured("witness-start", "zfs-sync-witness serve, until it answers", what, "s", *_medians(ours, empty, 0)),
        Measured("witness-memory", "its PSS after that", what, "MiB", *_medians(ours, empty, 1)),
    ]


def pss_mib(rollup: str) -> float:
    """The proportional share of memory that a smaps_rollup says."""
    return next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:")) / 1024


def _medians(ours: list[tuple[float, float]], empty: list[tuple[float, float]], place: int) -> tuple[float, float]:
    return statistics.median(each[place] for each in ours), statistics.median(each[place] for each in empty)


def _started(start: Callable[[], AbstractContextManager[tuple[int, str]]]) -> tuple[float, float]:
    before = time.perf_counter()
    with start() as (pid, url):
        _wait_for_answer(url)
        return time.perf_counter() - before, pss_mib(Path(f"/proc/{pid}/smaps_rollup").read_text())


@contextmanager
def _witness(folder: Path) -> Iterator[tuple[int, str]]:
    with Served(folder) as served:
        yield served.process.pid, f"{served.url}/health/live"


@contextmanager
def _empty_app() -> Iterator[tuple[int, str]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen([sys.executable, "-c", EMPTY_APP, str(port)])
    try:
        yield process.pid, f"http://127.0.0.1:{port}/"
    finally:
        process.kill()
        process.wait()


def _wait_for_answer(url: str) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                json.load(answer)
                return
        except urllib.error.URLError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
