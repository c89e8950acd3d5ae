# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Modules run with any Python that ansible-core 2.18 runs modules with, from 3.8 on."""

import ast
import json
import os
import subprocess
from pathlib import Path

import yaml

from tests.integration.collection.controller import COLLECTIONS, TOOLS
from tests.integration.collection.old_python import old_python
from tests.packaging.unpacked import Unpacked

OLDEST = (3, 8)
ARGUMENTS = {
    "zfs_sync_agent": {"python": "/nowhere/python3"},
    "zfs_sync_api_key": {"name": "a", "role": "viewer"},
    "zfs_sync_fleet": {"fleet": {"version": 1}},
    "zfs_sync_snapshot": {"system": "a", "datasets": ["tank/a"]},
    "zfs_sync_sync": {"group": "a"},
    "zfs_sync_sync_group": {"name": "a"},
    "zfs_sync_system": {"name": "a"},
}
"""What a module must be told; each then fails because no witness is given, which it finds out by its own code."""


def test_modules_are_written_in_the_oldest_language(unpacked: Unpacked) -> None:
    paths = [*unpacked.folder.glob("plugins/modules/*.py"), *unpacked.folder.glob("plugins/module_utils/*.py")]
    assert len(paths) > 10
    for path in paths:
        ast.parse(path.read_text(), path.name, feature_version=OLDEST)


def test_every_module_runs_with_an_old_interpreter(unpacked: Unpacked, tmp_path: Path) -> None:
    modules = sorted(path.stem for path in unpacked.folder.glob("plugins/modules/*.py"))
    tasks = [
        {"name": name, f"zfs_sync.fleet.{name}": ARGUMENTS.get(name, {}), "ignore_errors": True, "register": "said"}
        for name in modules
    ]
    shown = {"ansible.builtin.debug": {"msg": "{{ said.code | default(said) }}"}}
    each = [task for pair in tasks for task in (pair, {"name": f"What {pair['name']} said", **shown})]
    play = {"name": "Old", "hosts": "localhost", "gather_facts": False, "tasks": each}
    (tmp_path / "play.yml").write_text(yaml.safe_dump([play], sort_keys=False))
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "ZFS_SYNC_"))}
    environment |= {"ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS), "ANSIBLE_HOME": str(tmp_path)}
    command = [TOOLS / "ansible-playbook", tmp_path / "play.yml", "-e", f"ansible_python_interpreter={old_python()}"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    codes = [
        json.loads(line.partition(":")[2]) for line in done.stdout.splitlines() if line.strip().startswith('"msg"')
    ]
    expected = {"zfs_sync_agent": "E_INSTALL"}
    assert dict(zip(modules, codes, strict=True)) == {name: expected.get(name, "E_CONFIG") for name in modules}
