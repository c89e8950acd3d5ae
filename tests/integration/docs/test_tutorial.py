# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The tutorial and the README, taken at their word: their files and commands, in order, on two bare hosts."""

import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.integration.collection.controller import TOOLS, WHEELHOUSE, build_collection
from tests.lab.fixtures import LabFactory
from tests.lab.lab import Lab
from tests.unit.docs.pages import ROOT, Page

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.timeout(900)]

TUTORIAL = Page(ROOT / "docs" / "tutorial" / "first-fleet.md")
_COMMAND = re.compile(r"^(\$|[a-z0-9]+#) (.*)$", re.MULTILINE)
_FILE = re.compile(r"^# ([a-z]+\.yml)\n")
ARRIVAL_SECONDS = 60.0


def test_the_tutorial_does_what_it_says(lab: Lab, tmp_path: Path) -> None:
    said = _follow(TUTORIAL, lab, tmp_path)
    (status,) = [output for line, output in said if "fleet.status" in line]
    (expected,) = TUTORIAL.blocks("text")
    assert expected.splitlines() == [line.strip() for line in status.splitlines() if re.match(r" +(FROM|nas1:)", line)]
    assert re.findall(r"changed=(\d+)", said[-1][1]) == ["0", "0"]


def test_the_readme_does_what_it_says(lab: Lab, tmp_path: Path) -> None:
    lab.host("nas1").ssh("zfs create tank/photos && zfs snapshot tank/photos@before")
    said = _follow(Page(ROOT / "README.md"), lab, tmp_path)
    line, status = said[-1]
    assert "fleet.status" in line
    assert re.search(r"nas1:tank/photos +nas2:backup/photos +IN_SYNC ", status)
    assert lab.host("nas2").ssh("zfs list -H -o name -t snapshot -r backup").stdout == "backup/photos@before\n"


@pytest.fixture
def lab(lab_factory: LabFactory) -> Iterator[Lab]:
    """Two bare hosts, as the pages ask for them, and the collection's tarball."""
    build_collection()
    with lab_factory(("nas1", "nas2"), wheelhouse=WHEELHOUSE) as lab:
        lab.host("nas1").create_pool("tank", "256M")
        lab.host("nas2").create_pool("backup", "256M")
        yield lab


def _follow(page: Page, lab: Lab, folder: Path) -> list[tuple[str, str]]:
    """Write the page's files and run its commands; each with its output. The collection was built already."""
    for block in page.blocks("yaml"):
        name = _FILE.match(block)
        assert name, block
        (folder / name.group(1)).write_text(block)
    commands = [each for block in page.blocks("console") for each in _COMMAND.findall(block)]
    return [(line, _say(lab, folder, where, line)) for where, line in commands if not line.startswith("make")]


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
