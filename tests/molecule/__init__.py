# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The role scenarios of extensions/molecule, in one lab that they share."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.integration.collection.controller import COLLECTIONS, ROOT, WHEELHOUSE, build_collection
from tests.lab.lab import Lab

SCENARIOS = ("witness", "agent", "ssh_trust", "sync")
"""In the order in which each builds on what the ones before it left."""
HOSTS = ("m1", "m2")


def run(lab: Lab, scenarios: Sequence[str] = SCENARIOS, *, folder: Path) -> int:
    """Run scenarios in a lab of the hosts, what they print going where ours goes; the first status that is not 0."""
    build_collection()
    for host in HOSTS:
        lab.host(host).create_pool("tank", "256M")
    tools = Path(sys.executable).parent
    for scenario in scenarios:
        words = [str(tools / "molecule"), "--base-config", "extensions/molecule/base.yml", "test", "-s", scenario]
        done = subprocess.run([*lab.network.inside(), *words], cwd=ROOT, env=_environment(lab, folder), check=False)
        if done.returncode:
            return done.returncode
    return 0


def _environment(lab: Lab, folder: Path) -> dict[str, str]:
    """What molecule runs with: this clone's collection, this lab, and nothing of the machine's."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "ZFS_SYNC_"))}
    tools = Path(sys.executable).parent
    return {
        **own,
        "PATH": os.pathsep.join([str(tools), own["PATH"]]),
        "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
        "ANSIBLE_HOME": str(folder / "ansible"),
        "XDG_CACHE_HOME": str(folder / "cache"),
        "ZFS_SYNC_LAB": lab.name,
        "ZFS_SYNC_LAB_SSH_CONFIG": str(lab.paths.ssh_config),
        "ZFS_SYNC_PYTHON": sys.executable,
        "ZFS_SYNC_WHEELHOUSE": str(WHEELHOUSE),
    }
