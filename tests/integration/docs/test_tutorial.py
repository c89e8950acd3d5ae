# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The tutorial, taken at its word: its files are written and its commands are run, in order, on two bare hosts."""

import os
import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.integration.collection.controller import TOOLS, WHEELHOUSE, build_collection
from tests.lab.fixtures import LabFactory
from tests.lab.lab import Lab
from tests.unit.docs.pages import ROOT, Page

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.timeout(900)]

PAGE = Page(ROOT / "docs" / "tutorial" / "first-fleet.md")
_COMMAND = re.compile(r"^(\$|[a-z0-9]+#) (.*)$", re.MULTILINE)
_FILE = re.compile(r"^# ([a-z]+\.yml)\n")
ARRIVAL_SECONDS = 60.0


def test_the_tutorial_does_what_it_says(lab_factory: LabFactory, tmp_path: Path) -> None:
    build_collection()
    for block in PAGE.blocks("yaml"):
        name = _FILE.match(block)
        assert name, block
        (tmp_path / name.group(1)).write_text(block)
    commands = [each for block in PAGE.blocks("console") for each in _COMMAND.findall(block)]
    with lab_factory(("nas1", "nas2"), wheelhouse=WHEELHOUSE) as lab:
        lab.host("nas1").create_pool("tank", "256M")
        lab.host("nas2").create_pool("backup", "256M")
        said = [(line, _say(lab, tmp_path, where, line)) for where, line in commands if not line.startswith("make")]
    (status,) = [output for line, output in said if "fleet.status" in line]
    (expected,) = PAGE.blocks("text")
    assert expected.splitlines() == [line.strip() for line in status.splitlines() if re.match(r" +(FROM|nas1:)", line)]
    assert re.findall(r"changed=(\d+)", said[-1][1]) == ["0", "0"]


def _say(lab: Lab, folder: Path, where: str, line: str) -> str:
    """Run a command where its prompt says; its output. What arrives by itself is waited for."""
    if where == "$":
        done = lab.run(["bash", "-c", line], cwd=_folder(folder, line), environment=_environment(lab, folder))
        return done.stdout
    host = lab.host(where.removesuffix("#"))
    if "list -t snapshot" in line:
        _wait(lambda: host.ssh(line, check=False).returncode == 0)
    return host.ssh(line).stdout


def _folder(folder: Path, line: str) -> Path:
    return ROOT if ".build/" in line else folder


def _environment(lab: Lab, folder: Path) -> Mapping[str, str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "ZFS_SYNC_"))}
    return {
        **own,
        "PATH": f"{TOOLS}:{os.environ['PATH']}",
        "ANSIBLE_COLLECTIONS_PATH": str(folder / "collections"),
        "ANSIBLE_HOME": str(folder / "ansible"),
        "ANSIBLE_SSH_ARGS": f"-F {lab.paths.ssh_config}",
        "ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml",
    }


def _wait(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + ARRIVAL_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.5)
