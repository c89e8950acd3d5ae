# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The benchmarks work, at sizes that say nothing about speed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bench.__main__ import BENCHMARKS, NEEDS_LAB
from tests.bench.measured import Goal, Measured


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.lab if name in NEEDS_LAB else ()) for name in BENCHMARKS]
)
def test_a_benchmark_leaves_a_figure_beside_its_baseline(name: str, tmp_path: Path) -> None:
    command = (sys.executable, "-m", "tests.bench", "--quick", "--rounds", "1", "--output", str(tmp_path), name)
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr
    files = sorted(tmp_path.glob("*.json"))
    assert files
    for file in files:
        found = json.loads(file.read_text())
        assert found["name"] == file.stem
        assert found["ratio"] == found["ours"]["value"] / found["baseline"]["value"] > 0
        assert found["ours"]["unit"] == found["baseline"]["unit"]
        assert file.stem in done.stdout


@pytest.mark.parametrize(
    ("goal", "ours", "met"),
    [
        (Goal("ratio", 0.5, at_least=True), 5, True),
        (Goal("ratio", 0.5, at_least=True), 4, False),
        (Goal("ratio", 2), 21, False),
        (Goal("ours", 0.05), 0.05, True),
        (Goal("difference", 1), 11.5, False),
        (Goal("difference", 1), 9, True),
    ],
)
def test_a_goal_is_met_on_its_side_of_the_bound(goal: Goal, ours: float, met: bool) -> None:
    assert goal.met(ours, 10) is met
    line = Measured("x", "ours", "theirs", "s", ours, 10, goal).line()
    assert ("MISSED" in line) is not met
