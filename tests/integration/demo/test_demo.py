# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""What `make demo` does, twice, on hosts of its own."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.demo.show import REPLICAS
from tests.lab.cleanup import remove_lab
from tests.lab.fixtures import LabFactory

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.timeout(1200)]

ROOT = Path(__file__).parents[3]
RECAP = re.compile(r"^\s+(nas1|nas2|vault)\s+: ok=\d+\s+changed=(\d+)", re.MULTILINE)
FIRST_APPLY = "=== Applying examples/fleet.yml"


@pytest.fixture
def name(lab_factory: LabFactory) -> Iterator[str]:
    name = lab_factory.new_name()
    yield name
    remove_lab(name)


def demo(*words: str) -> str:
    command = [sys.executable, "-m", "tests.demo", *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr
    return done.stdout


def changes(output: str, step: str) -> dict[str, int]:
    """How many changes the first playbook after a step's title made on each host."""
    after = output.partition(step)[2].partition("\n===")[0]
    return {host: int(count) for host, count in RECAP.findall(after)}


def test_the_demo_ends_in_sync_and_the_next_one_begins_by_changing_nothing(name: str) -> None:
    first = demo("--name", name)
    assert all(changes(first, FIRST_APPLY).values())
    assert set(changes(first, "=== The same playbook again").values()) == {0}
    second = demo("--name", name)
    assert changes(second, FIRST_APPLY) == {"nas1": 0, "nas2": 0, "vault": 0}
    for output in (first, second):
        for source, from_dataset, target, to_dataset in REPLICAS:
            assert f"{source}:{from_dataset} = {target}:{to_dataset}" in output
        assert "vault has caught up" in output
    assert "E_" not in demo("status", "--name", name)
