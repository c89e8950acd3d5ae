# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""``python -m tests.bench``: measure, print ratios, and write JSON."""

import argparse
import json
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import zfs_sync
from tests.bench import declaring, reporting
from tests.bench.timing import Comparison

BENCHMARKS: Mapping[str, Callable[[Path, int], list[Comparison]]] = {
    "declaring": declaring.measure,
    "reporting": reporting.measure,
}


def main() -> int:
    """Run the benchmarks that were named, or all; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which: {', '.join(BENCHMARKS)} (default: all)")
    parser.add_argument("--rounds", type=int, default=3, help="how often each way is run (default: %(default)s)")
    parser.add_argument(
        "--output", type=Path, default=Path(".build/bench.json"), help="the JSON (default: %(default)s)"
    )
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(BENCHMARKS):
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}: use {', '.join(BENCHMARKS)}")
    if arguments.rounds < 1:
        parser.error("--rounds is at least 1")
    found: list[Comparison] = []
    with tempfile.TemporaryDirectory(prefix="zfs-sync-bench-") as folder:
        for name in arguments.names or BENCHMARKS:
            print(f"{name}: {arguments.rounds} rounds", file=sys.stderr)
            new = BENCHMARKS[name](Path(folder) / name, arguments.rounds)
            print("\n".join(line for each in new for line in each.lines()), flush=True)
            found += new
    machine = {"cores": os.cpu_count(), "python": platform.python_version(), "zfs_sync": zfs_sync.__version__}
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    document = {"machine": machine, "comparisons": [each.document() for each in found]}
    arguments.output.write_text(json.dumps(document, indent=2) + "\n")
    print(f"Written to {arguments.output}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
