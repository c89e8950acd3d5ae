# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Ansible on the lab's controller, with the collection as it ships, and what a run of it did."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.lab.lab import Lab

ROOT = Path(__file__).parents[3]
BUILD = ROOT / ".build"
COLLECTIONS = BUILD / "collections"
WHEELHOUSE = BUILD / "wheelhouse"
TOOLS = Path(sys.executable).parent

VARIABLES: Mapping[str, Any] = {
    "zfs_sync_witness_package_source": "path",
    "zfs_sync_witness_package_path": str(WHEELHOUSE),
    "zfs_sync_witness_settings": {"heartbeat_seconds": 5, "offline_after_seconds": 15, "lease_seconds": 15},
    "zfs_sync_agent_settings": {"scan_interval": "2s"},
}
"""What an inventory's group_vars would say: the lab has no package index, and the tests no patience."""


def build_collection() -> None:
    """Build the tarball that ships, and install it where these tests' Ansible looks."""
    subprocess.run([ROOT / "packaging" / "wheelhouse", TOOLS.parent, WHEELHOUSE], check=True, cwd=ROOT)
    build = [sys.executable, ROOT / "packaging" / "build_collection.py", BUILD / "dist", "--install", COLLECTIONS]
    subprocess.run(build, check=True, cwd=ROOT)


@dataclass(frozen=True, slots=True)
class Event:
    """What one task, or one item of its loop, did on one host."""

    host: str
    task: str
    action: str
    item: Any
    status: str
    changed: bool
    seconds: float
    result: Mapping[str, Any]

    @property
    def place(self) -> tuple[str, str, str]:
        """Host, task and item: what a prediction and the run that it predicts have in common."""
        return self.host, self.task, json.dumps(self.item)


@dataclass(frozen=True, slots=True)
class Run:
    """A run of ansible-playbook."""

    status: int
    output: str
    events: Sequence[Event]

    @property
    def changed(self) -> set[tuple[str, str, str]]:
        """The places where something changed, or would."""
        return {each.place for each in self.events if each.changed}

    @property
    def faults(self) -> list[str]:
        """What failed said."""
        return [str(each.result.get("msg")) for each in self.events if each.status in ("failed", "unreachable")]

    @property
    def differences(self) -> set[tuple[str, ...]]:
        """Every difference that was shown: host, task, what it is of, before, after."""
        return {
            (each.host, each.task, one.get("before_header") or "", str(one.get("before")), str(one.get("after")))
            for each in self.events
            for one in _differences(each.result.get("diff"))
        }

    def of(self, task: str, host: str | None = None) -> list[Event]:
        """What happened under this name."""
        return [each for each in self.events if each.task == task and host in (None, each.host)]


def _differences(diff: Any) -> list[Mapping[str, Any]]:
    entries = diff if isinstance(diff, list) else [diff] if diff else []
    return [each for each in entries if each.get("before") != each.get("after") or "prepared" in each]


@dataclass(slots=True)
class Controller:
    """The controller of one lab, with an inventory and a folder for what it writes."""

    lab: Lab
    folder: Path
    groups: Mapping[str, Sequence[str]]
    variables: dict[str, Any] = field(default_factory=lambda: dict(VARIABLES))
    outputs: list[str] = field(default_factory=list)
    pipelining: bool = True
    """Without it, modules and their arguments are files on the hosts for as long as they run."""

    def playbook(self, name: str, *options: str, variables: Mapping[str, Any] | None = None, check: bool = True) -> Run:
        """Run a playbook of the collection, by its name, or any other by its path."""
        record = self.folder / "record.jsonl"
        record.unlink(missing_ok=True)
        extra = ["--extra-vars", json.dumps(variables)] if variables else []
        command = [str(TOOLS / "ansible-playbook"), "-i", str(self._inventory()), name, *options, *extra]
        done = self.lab.run(command, check=False, cwd=self.folder, environment=self.environment(record))
        events = [Event(**json.loads(line)) for line in record.read_text().splitlines()] if record.exists() else []
        run = Run(done.returncode, done.stdout + done.stderr, events)
        self.outputs.append(run.output)
        assert not check or run.status == 0, run.output
        return run

    def play(self, *tasks: Mapping[str, Any], hosts: str = "all", **options: Any) -> Run:
        """Run a play of these tasks; ``arguments`` go to the command, ``check`` to ``playbook``, others to the play."""
        arguments: Sequence[str] = options.pop("arguments", ())
        check: bool = options.pop("check", True)
        play = {"name": "Play", "hosts": hosts, "gather_facts": False, "tasks": list(tasks), **options}
        path = self.folder / "play.yml"
        path.write_text(yaml.safe_dump([play], sort_keys=False))
        return self.playbook(str(path), *arguments, check=check)

    def role(self, name: str, hosts: str, variables: Mapping[str, Any], *arguments: str, check: bool = True) -> Run:
        """Run one role of the collection by itself."""
        task = {"name": "Role", "ansible.builtin.include_role": {"name": f"zfs_sync.fleet.{name}"}}
        return self.play(task, hosts=hosts, vars=dict(variables), arguments=arguments, check=check)

    def environment(self, record: Path) -> dict[str, str]:
        """What ansible runs with: this clone's collection and nothing of the machine's."""
        own = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "ZFS_SYNC_"))}
        return {
            **own,
            "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
            "ANSIBLE_HOME": str(self.folder / "ansible"),
            "ANSIBLE_CALLBACK_PLUGINS": str(Path(__file__).parent / "callback"),
            "ANSIBLE_CALLBACKS_ENABLED": "recorder",
            "ANSIBLE_PIPELINING": str(self.pipelining).lower(),
            "ANSIBLE_PYTHON_INTERPRETER": "/usr/bin/python3",
            "ANSIBLE_FORKS": "10",
            "ZFS_SYNC_TEST_RECORD": str(record),
        }

    def _inventory(self) -> Path:
        options = f"-F {self.lab.paths.ssh_config}"
        each = {"ansible_user": "root", "ansible_ssh_args": options}
        hosts = {name: {"ansible_host": name, **each} for name in self.lab.hosts}
        content = {
            "all": {
                "hosts": hosts,
                "vars": self.variables,
                "children": {name: {"hosts": dict.fromkeys(members)} for name, members in self.groups.items()},
            }
        }
        path = self.folder / "inventory.json"
        path.write_text(json.dumps(content, indent=2))
        return path
