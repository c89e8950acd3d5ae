# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""A play whose one task says that a thousand systems are as they are, beside a play with one task that does nothing."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from tests.bench.measured import Goal, Measured
from tests.bench.run import Run
from tests.bench.timing import Way, medians
from tests.bench.witness import Bench, witness

ROOT = Path(__file__).parents[2]
TOOLS = Path(sys.executable).parent
MORE_SECONDS = 1.0


def measure(run: Run) -> list[Measured]:
    """ansible-playbook with the collection as it ships, on this machine, with a witness on loopback."""
    systems = run.size(1_000, quick=5)
    collections = run.cache.absolute() / "collections"
    build = (sys.executable, ROOT / "packaging" / "build_collection.py", run.folder / "dist", "--install", collections)
    subprocess.run(build, check=True, cwd=ROOT, capture_output=True)
    with witness(run.folder / "playing") as bench:
        ours = _playbook(run.folder / "ours.yml", {"zfs_sync.fleet.zfs_sync_fleet": _arguments(bench, systems)})
        empty = _playbook(run.folder / "empty.yml", {"ansible.builtin.meta": "noop"})
        _play(ours, run.folder, collections)
        baseline, seconds = medians(
            Way(lambda: _play(empty, run.folder, collections)),
            Way(lambda: _play(ours, run.folder, collections)),
            rounds=run.rounds,
        )
    return [
        Measured(
            "play-unchanged",
            f"ansible-playbook with zfs_sync_fleet, {systems:,} systems, none of them changed",
            "ansible-playbook with one task that does nothing",
            "s",
            seconds,
            baseline,
            Goal("difference", MORE_SECONDS),
            {"systems": systems},
        )
    ]


def _arguments(bench: Bench, systems: int) -> dict[str, Any]:
    declared = {f"nas{number:04}": {"labels": {"site": "berlin"}} for number in range(systems)}
    access = {"witness_url": bench.url, "witness_token_file": str(bench.key_file)}
    return {**access, "fleet": {"version": 1, "systems": declared}}


def _playbook(path: Path, task: dict[str, Any]) -> Path:
    path.write_text(yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "tasks": [task]}]))
    return path


def _play(playbook: Path, folder: Path, collections: Path) -> None:
    environment = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(collections),
        "ANSIBLE_LOCAL_TEMP": str(folder / "tmp"),
        "ANSIBLE_HOME": str(folder / "home"),
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
        "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
    }
    command = [TOOLS / "ansible-playbook", "-i", "localhost,", "-c", "local", playbook]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{playbook.name}: {json.dumps(done.stdout[-2000:])} {done.stderr[-2000:]}")
