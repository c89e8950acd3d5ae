"""What the demo needs before it begins: the collection that ships, hosts with ZFS and data, an inventory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.lab.lab import Lab

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / ".build"
COLLECTIONS = BUILD / "collections"
NAME = "demo"
HOSTS = ("nas1", "nas2", "vault")
POOLS = {"nas1": ("tank", "spool"), "nas2": ("backup",), "vault": ("safe",)}
PHOTOS_BYTES = 300_000

DATA = f"""
set -e
for name in photos photos/2026 projects 'vm images'; do
  zfs list "tank/$name" >/dev/null 2>&1 || zfs create "tank/$name"
done
if ! zfs list -t snapshot tank/photos@first >/dev/null 2>&1; then
  for number in 1 2 3 4 5; do head -c {PHOTOS_BYTES} /dev/urandom >"/tank/photos/$number.jpg"; done
  head -c 1000000 /dev/urandom >/tank/photos/2026/raw.dng
  head -c 2000000 /dev/urandom >'/tank/vm images/disk 1.img'
  echo 'a plan' >/tank/projects/plan.txt
  zfs snapshot -r tank/photos@first
  zfs snapshot 'tank/vm images@-nightly 1'
  zfs snapshot tank/projects@2026-11-01_hourly
  echo more >/tank/photos/notes.txt
  zfs snapshot tank/photos@second
fi
"""


VARIABLES = {
    "zfs_sync_fleet_file": str(ROOT / "examples" / "fleet.yml"),
    "zfs_sync_witness_package_source": "path",
    "zfs_sync_witness_package_path": str(BUILD / "wheelhouse"),
    "zfs_sync_witness_settings": {"heartbeat_seconds": 5, "offline_after_seconds": 15, "lease_seconds": 15},
    "zfs_sync_agent_settings": {"scan_interval": "2s"},
}
"""What a real inventory would say in its group_vars; the lab has no package index, and the show no patience."""


@dataclass(frozen=True, slots=True)
class Stage:
    """The lab with its hosts, and how Ansible reaches them."""

    lab: Lab

    @property
    def inventory(self) -> Path:
        """Where the inventory is."""
        return BUILD / self.lab.name / "inventory.json"

    def playbook(self, name: str, *options: str) -> list[str]:
        """The command line of one of the collection's playbooks."""
        return [str(Path(sys.executable).parent / "ansible-playbook"), "-i", str(self.inventory), name, *options]

    def deployed(self) -> bool:
        """Whether this very build has been applied to these hosts by an earlier demo."""
        return self._mark.exists() and self._mark.read_text() == _build()

    def mark_deployed(self) -> None:
        """Remember that this build is what the hosts run."""
        self._mark.write_text(_build())

    @property
    def _mark(self) -> Path:
        return self.lab.paths.state / "demo-deployed"


def build_collection() -> None:
    """Build the tarball that ships and install it where the demo's Ansible looks."""
    subprocess.run(
        [ROOT / "packaging" / "wheelhouse", Path(sys.executable).parents[1], BUILD / "wheelhouse"], check=True, cwd=ROOT
    )
    build = [sys.executable, ROOT / "packaging" / "build_collection.py", BUILD / "dist", "--install", COLLECTIONS]
    subprocess.run(build, check=True)


def _build() -> str:
    """What identifies the build: a hash of its sources."""
    return (BUILD / "dist" / ".made-of").read_text()


def ansible_environment() -> dict[str, str]:
    """The environment of every ansible command of the demo: this clone's collection, readable output."""
    return {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
        "ANSIBLE_HOME": str(BUILD / "ansible"),
        "ANSIBLE_PIPELINING": "true",
        "ANSIBLE_STDOUT_CALLBACK": "default",
        "ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml",
        "ANSIBLE_DISPLAY_SKIPPED_HOSTS": "false",
        "ANSIBLE_DEPRECATION_WARNINGS": "true",
        "ANSIBLE_PYTHON_INTERPRETER": "/usr/bin/python3",
        "ANSIBLE_FORCE_COLOR": "true" if sys.stdout.isatty() else "false",
        "ANSIBLE_FORKS": "10",
        "PYTHONWARNINGS": "ignore",
    }


def set_up(name: str) -> Stage:
    """Boot the hosts (those that are there stay), make pools and data, write the inventory."""
    lab = Lab.create(name, HOSTS, wheelhouse=BUILD / "wheelhouse", say=print)
    for host, pools in POOLS.items():
        for pool in pools:
            lab.hosts[host].create_pool(pool, "256M")
    lab.hosts["nas1"].ssh(DATA)
    stage = Stage(lab)
    _write_inventory(stage)
    return stage


def _write_inventory(stage: Stage) -> None:
    """A static inventory: the lab's own ssh configuration pins each host's key, and shares connections.

    Ansible's own sharing would not do: it names a connection by host and user, which are the same in every lab.
    """
    stage.inventory.parent.mkdir(parents=True, exist_ok=True)
    ssh_options = f"-F {stage.lab.paths.ssh_config}"
    hosts = {name: {"ansible_host": name, "ansible_user": "root", "ansible_ssh_args": ssh_options} for name in HOSTS}
    content = {
        "all": {"vars": VARIABLES},
        "witness": {"hosts": {"nas1": {}}},
        "zfs_sync_hosts": {"hosts": hosts},
    }
    stage.inventory.write_text(json.dumps(content, indent=2))
