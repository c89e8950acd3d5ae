# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Runs ``live/`` inside a lab host, where the pools, zfs-fuse and sshd are real, and shows each check as a test here.

The host gets the sources, these checks, and pytest with what it needs, copied from this environment; it reaches nothing
else. One run serves all tests, so the order in which they are asked for does not matter. Where coverage is measured, it
is measured in the host too, and what comes of it is put beside what this process measures.
"""

import ast
import base64
import io
import os
import sys
import sysconfig
import tarfile
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import coverage
import pytest

from tests.lab.fixtures import LabFactory

pytestmark = [pytest.mark.lab, pytest.mark.timeout(600)]

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
PLACE = "/opt/zfs-sync-checks"
PACKAGES = (
    "_pytest",
    "annotated_types",
    "attr",
    "attrs",
    "cattr",
    "cattrs",
    "coverage",
    "iniconfig",
    "packaging",
    "pluggy",
    "pygments",
    "pytest",
)
MODULES = ("py.py", "typing_extensions.py")
RESULTS = f"{PLACE}/results.xml"
MEASURED = f"{PLACE}/measured"
MEASURING = (
    f"[run]\nbranch = true\nparallel = true\npatch = subprocess\nsource_pkgs = zfs_sync\ndata_file = {MEASURED}\n"
)
LONGEST_SECONDS = 500


def checks() -> Iterator[str]:
    """Every check as ``module::function``."""
    for path in sorted((HERE / "live").glob("check_*.py")):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                yield f"{path.stem}::{node.name}"


def bundle() -> bytes:
    """Everything that the host needs."""
    packages = Path(sysconfig.get_path("purelib"))
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        for name in (*PACKAGES, *MODULES):
            if (packages / name).exists():
                archive.add(packages / name, arcname=f"site/{name}", filter=_without_caches)
        archive.add(ROOT / "src" / "zfs_sync", arcname="site/zfs_sync", filter=_without_caches)
        archive.add(ROOT / "tests" / "__init__.py", arcname="site/tests/__init__.py")
        archive.add(HERE, arcname="site/tests/integration/zfs", filter=_without_caches)
    return content.getvalue()


def _without_caches(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return None if member.name.endswith("__pycache__") else member


@pytest.fixture(scope="module")
def outcomes(lab_factory: LabFactory) -> dict[str, list[str]]:
    """For each check the failures of its cases; none for a case that passed."""
    host = lab_factory(["h1"]).hosts["h1"]
    host.ssh(f"mkdir -p {PLACE} && tar -x -C {PLACE} -f -", input=bundle())
    host.put(MEASURING.encode(), f"{PLACE}/.coveragerc")
    measured = coverage.Coverage.current()
    python = f"env PYTHONDONTWRITEBYTECODE=1 PYTHONPATH={PLACE}/site python3"
    command = (
        f"cd {PLACE} && {python} -W error -m {'coverage run -m pytest' if measured else 'pytest'}"
        f" -q -c /dev/null -p no:cacheprovider --rootdir {PLACE}/site -o python_files='check_*.py'"
        f" --junit-xml={RESULTS} {PLACE}/site/tests/integration/zfs/live"
    )
    done = host.ssh(command, check=False, timeout_seconds=LONGEST_SECONDS)
    if measured:
        host.ssh(f"cd {PLACE} && {python} -m coverage combine --quiet")
        data = Path(measured.config.data_file)
        data.parent.mkdir(parents=True, exist_ok=True)
        found = host.ssh(["base64", MEASURED]).stdout
        data.with_name(f"{data.name}.live.{os.getpid()}").write_bytes(base64.b64decode(found))
    written = host.ssh(["cat", RESULTS], check=False)
    assert written.returncode == 0, done.stdout[-8000:] + done.stderr
    return read(written.stdout)


def read(results: str) -> dict[str, list[str]]:
    """The results as pytest wrote them."""
    found: dict[str, list[str]] = {}
    for case in ET.fromstring(results).iter("testcase"):
        module = case.attrib["classname"].rpartition(".")[2]
        failures = found.setdefault(f"{module}::{case.attrib['name'].partition('[')[0]}", [])
        failures += [each.text or "" for kind in ("failure", "error", "skipped") for each in case.findall(kind)]
    return found


@pytest.mark.parametrize("check", list(checks()))
def test_live(check: str, outcomes: dict[str, list[str]]) -> None:
    assert check in outcomes, f"{check} did not run on {sys.platform}"
    if outcomes[check]:
        pytest.fail("\n\n".join(outcomes[check]), pytrace=False)
