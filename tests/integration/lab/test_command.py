"""`python -m tests.lab`, as a person uses it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.lab.cleanup import remove_lab
from tests.lab.fixtures import LabFactory
from tests.lab.names import REPOSITORY

pytestmark = pytest.mark.lab


@pytest.fixture
def name(lab_factory: LabFactory) -> Iterator[str]:
    new = lab_factory.new_name()
    yield new
    remove_lab(new)


def test_a_lab_from_up_to_down(name: str) -> None:
    assert "nas1" in _lab("up", "--name", name, "nas1", "vault", "--pool", "tank")
    assert _lab("ssh", "--name", name, "vault", "zpool", "list", "-H", "-o", "name") == "tank\n"
    _lab("pool", "create", "--name", name, "nas1", "second", "--size", "128M")
    assert _lab("ssh", "--name", name, "nas1", "zpool list -H -o name") == "second\ntank\n"

    _lab("up", "--name", name, "nas1", "new")
    assert _lab("ssh", "--name", name, "nas1", "ping -q -c1 new >/dev/null && echo reached") == "reached\n"

    _lab("fault", "power-cut", "--name", name, "vault")
    _lab("fault", "partition", "--name", name, "nas1", "new")
    hosts = {host["name"]: host for host in json.loads(_lab("status", "--name", name, "--json"))["hosts"]}
    assert hosts["vault"]["state"] == "off"
    assert hosts["new"]["faults"] == ["cut from nas1"]
    _lab("fault", "power-on", "--name", name, "vault")
    assert _lab("run", "--name", name, "--", "ping", "-q", "-c1", hosts["vault"]["address"])

    assert _lab("down", "--name", name) == f"lab {name}: removed\n"
    assert _lab("down", "--name", name) == f"lab {name}: there is none\n"


def test_a_lab_that_is_not_there_is_one_sentence(name: str) -> None:
    refused = _try("status", "--name", name)

    assert refused.returncode == 1
    assert refused.stderr == f"lab: there is no lab {name}: python -m tests.lab up --name {name}\n"


def test_bad_names_are_refused() -> None:
    assert "is no lab name" in _try("up", "--name", "a.b").stderr
    assert "is no host name" in _try("up", "--name", "a", "controller").stderr


def _lab(*words: str) -> str:
    done = _try(*words)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _try(*words: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "tests.lab", *words]
    return subprocess.run(argv, cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=120)
