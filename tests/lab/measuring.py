# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Coverage of the agent on lab hosts, where this process measures coverage itself; else nothing is done.

The agent runs from its single file with the host's own Python, isolated from its environment. So the host gets the
coverage package of this environment and a file that Python reads at its start; it begins to measure in processes of
the agent only, and not in its gate: that imports next to nothing, and what it says is what peers are told. What they
found lies on the host's disk, and is put beside what this process finds.
"""

from __future__ import annotations

import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

import coverage

from tests.lab.errors import LabError
from tests.lab.host import Host
from tests.lab.names import HostPaths

FOUND = Path(".build/coverage")
_FOLDER = "coverage"
_PACKAGES = "usr/lib/python3/dist-packages"
_START = (
    "import sys, os; any('zfs-sync-agent' in each for each in sys.orig_argv) and 'gate' not in sys.orig_argv and ("
    "os.environ.setdefault('COVERAGE_PROCESS_START', '/disk/coverage/rc'), __import__('coverage').process_startup())\n"
)
_SETTINGS = f"""[run]
branch = true
parallel = true
sigterm = true
include = */zfs_sync/*
data_file = /disk/{_FOLDER}/data
"""
_STOP_SECONDS = 60


def prepare(paths: HostPaths) -> None:
    """Let the agents of a host measure themselves, from before its first boot."""
    if coverage.Coverage.current() is None:
        return
    packages = paths.upper / _PACKAGES
    packages.mkdir(parents=True, exist_ok=True)
    for folder in (packages, *list(packages.parents)[: _PACKAGES.count("/")]):
        folder.chmod(0o755)
    shutil.copytree(Path(coverage.__file__).parent, packages / "coverage", ignore=shutil.ignore_patterns("__pycache__"))
    (packages / "zfs-sync-coverage.pth").write_text(_START)
    data = paths.disk / _FOLDER
    data.mkdir(exist_ok=True)
    data.chmod(0o1777)
    (data / "rc").write_text(_SETTINGS)


def collect(host: Host, paths: HostPaths) -> None:
    """End the host's agent, so that it writes what it found, and take that along."""
    if not (paths.disk / _FOLDER).exists():
        return
    if host.state == "running":
        with suppress(LabError, subprocess.TimeoutExpired):  # a test may have left the host out of order
            host.ssh(["systemctl", "stop", "zfs-sync-agent"], check=False, timeout_seconds=_STOP_SECONDS)
    FOUND.mkdir(parents=True, exist_ok=True)
    for number, file in enumerate(sorted((paths.disk / _FOLDER).glob("data.*"))):
        shutil.copy(file, FOUND / f"data.{paths.folder.parent.name}-{paths.folder.name}-{number}.{file.name[5:]}")
