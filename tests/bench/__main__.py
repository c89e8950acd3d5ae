# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""``python -m tests.bench``: measure, print a table of ratios, and leave one JSON file per benchmark."""

import argparse
import json
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import zfs_sync
from tests.bench import declaring, hosts, playing, polling, reporting, starting
from tests.bench.measured import HEADING, Measured
from tests.bench.run import Run

BENCHMARKS: Mapping[str, Callable[[Run], list[Measured]]] = {
    "starting": starting.measure,
    "declaring": declaring.measure,
    "reporting": reporting.measure,
    "playing": playing.measure,
    "polling": polling.measure,
    "hosts": hosts.measure,
}
NEEDS_LAB = frozenset({"hosts"})
"""Those that boot lab hosts, which takes root."""


def main() -> int:
    """Run the benchmarks that were named, or all; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which: {', '.join(BENCHMARKS)} (default: all)")
    parser.add_argument("--rounds", type=int, default=5, help="how often each way is run (default: %(default)s)")
    parser.add_argument("--quick", action="store_true", help="small sizes: to see that it works, not for figures")
    parser.add_argument(
        "--output", type=Path, default=Path(".build/bench"), help="the folder of the JSON files (default: %(default)s)"
    )
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(BENCHMARKS):
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}: use {', '.join(BENCHMARKS)}")
    if arguments.rounds < 1:
        parser.error("--rounds is at least 1")
    arguments.output.mkdir(parents=True, exist_ok=True)
    print(HEADING)
    for name in arguments.names or BENCHMARKS:
        print(f"{name}: {arguments.rounds} rounds", file=sys.stderr)
        with tempfile.TemporaryDirectory(prefix="zfs-sync-bench-") as folder:
            run = Run(Path(folder), Path(".build/bench-cache"), arguments.rounds, arguments.quick)
            for found in BENCHMARKS[name](run):
                print(found.line(), flush=True)
                document = found.document(_machine())
                (arguments.output / f"{found.name}.json").write_text(json.dumps(document, indent=2) + "\n")
    print(f"Written to {arguments.output}/")
    return 0


def _machine() -> dict[str, object]:
    models = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return {
        "processor": models[0].partition(": ")[2] if models else platform.machine(),
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0],
        "system": platform.release(),
        "python": platform.python_version(),
        "zfs_sync": zfs_sync.__version__,
    }


if __name__ == "__main__":
    raise SystemExit(main())
