# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The role witness by itself: what a check foresees, what a run does, and that one change restarts it once at most."""

import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.integration.collection.controller import ROOT, WHEELHOUSE, Controller, Run
from tests.lab.fixtures import LabFactory

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.timeout(900)]

STATE = r"""
find /etc /opt /usr /var/lib /root -xdev -not -path '/var/lib/systemd/*' -not -path '/root/.ansible*' \
  -not -name 'witness.db-*' -printf '%p %y %m %u:%g %s %l\n' | sort
getent passwd; getent group
"""
LEFT = r"""
find /etc/zfs-sync /etc/systemd /opt /usr/local/bin /var/lib/zfs-sync-witness -name '*zfs-sync*' 2>/dev/null | sort
getent passwd zfs-sync-witness; getent group zfs-sync-witness; ls /etc/zfs-sync /var/lib/zfs-sync-witness 2>/dev/null
"""
ADMIN_KEY = "sha256sum /var/lib/zfs-sync-witness/admin.key"
READY = 'journalctl --unit=zfs-sync-witness --output=cat --no-pager | grep -c \'"event": "ready"\' || true'
PRESENTED = (
    "openssl s_client -connect 127.0.0.1:8462 </dev/null 2>/dev/null | openssl x509 -noout -ext subjectAltName -issuer"
)


@dataclass(slots=True)
class Story:
    """Changes to one witness, one after the other."""

    controller: Controller
    variables: dict[str, Any] = field(default_factory=dict)
    runs: dict[str, Run] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)

    def ssh(self, command: str) -> str:
        return self.controller.lab.host("h1").ssh(command, check=False).stdout

    def change(self, title: str, **variables: Any) -> None:
        """A check with these variables and those before them, the run, and a second run."""
        self.variables |= variables
        before, ready = self.ssh(STATE), self._ready()
        self.runs[f"check {title}"] = self._role("--check", "--diff")
        self.notes[f"untouched {title}"] = self.ssh(STATE) == before and self._ready() == ready
        self.runs[title] = self._role("--diff", "-vvvv")
        self.runs[f"second {title}"] = self._role()
        self.notes[f"starts {title}"] = self._ready() - ready
        self.notes[f"presented {title}"] = self.ssh(PRESENTED)
        self.notes[f"version {title}"] = self.ssh("zfs-sync-witness --version").strip()

    def refused(self, **variables: Any) -> tuple[list[str], bool]:
        """What a run with these variables as well says, and whether it left the witness alone."""
        ready, before = self._ready(), self.ssh("cat /etc/zfs-sync/witness.yml")
        run = self.controller.role("witness", "h1", {**self.variables, **variables}, check=False)
        assert run.status != 0
        return run.faults, self._ready() == ready and self.ssh("cat /etc/zfs-sync/witness.yml") == before

    def _role(self, *options: str) -> Run:
        return self.controller.role("witness", "h1", self.variables, *options)

    def _ready(self) -> int:
        return int(self.ssh(READY) or 0)


@pytest.fixture(scope="module")
def story(collection: None, lab_factory: LabFactory, tmp_path_factory: pytest.TempPathFactory) -> Story:
    lab = lab_factory(("h1",), wheelhouse=WHEELHOUSE)
    story = Story(Controller(lab, tmp_path_factory.mktemp("witness"), {}), {"zfs_sync_witness_package_source": "index"})
    story.notes["bare"] = story.ssh(LEFT)
    settings: Mapping[str, Any] = {"heartbeat_seconds": 5, "offline_after_seconds": 15}
    story.change("install", zfs_sync_witness_settings=settings)
    story.notes["admin key"] = story.ssh(ADMIN_KEY)
    story.change("settings", zfs_sync_witness_settings={**settings, "lease_seconds": 20})
    story.change("names", zfs_sync_witness_tls_names=["h1", "127.0.0.1", "witness.example.org"])
    for version in ("0.1.1", "0.1.2"):
        wheel = _wheel(tmp_path_factory.mktemp("wheel"), version)
        source = {"zfs_sync_witness_package_source": "path"} if version == "0.1.2" else {}
        story.change(version, zfs_sync_witness_wheel=str(wheel), **source)
    story.ssh("zfs-sync-witness tls init --host h1 --host 127.0.0.1 --directory /etc/own-tls")
    story.ssh("chown -R zfs-sync-witness: /etc/own-tls")
    story.change(
        "own certificate",
        zfs_sync_witness_tls="files",
        zfs_sync_witness_tls_certificate="/etc/own-tls/server.crt",
        zfs_sync_witness_tls_key="/etc/own-tls/server.key",
        zfs_sync_witness_tls_ca="/etc/own-tls/ca.crt",
    )
    _go_and_come_back(story)
    return story


def _go_and_come_back(story: Story) -> None:
    story.notes["releases"] = story.ssh("ls /opt/zfs-sync-witness").split()
    story.change("absent", zfs_sync_witness_state="absent")
    story.notes["left"] = story.ssh(LEFT)
    story.change("present again", zfs_sync_witness_state="present")
    story.notes["admin key again"] = story.ssh(ADMIN_KEY)
    story.change("purge", zfs_sync_witness_state="absent", zfs_sync_witness_purge=True)
    story.notes["left by a purge"] = story.ssh(LEFT)
    story.variables |= {"zfs_sync_witness_state": "present", "zfs_sync_witness_purge": False}
    story.runs["anew"] = story._role()
    story.notes["admin key anew"] = story.ssh(ADMIN_KEY)


def _wheel(folder: Path, version: str) -> Path:
    """The wheel of another version of this source."""
    source = folder / "source"
    for name in ("pyproject.toml", "LICENSES", "src"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        source.mkdir(exist_ok=True)
        copy(ROOT / name, source / name)
    own = source / "src" / "zfs_sync" / "__init__.py"
    own.write_text(own.read_text().replace('__version__ = "0.1.0"', f'__version__ = "{version}"'))
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(source)]
    subprocess.run(build, check=True, capture_output=True)
    return folder / f"zfs_sync-{version}-py3-none-any.whl"


STARTS = ["install", "settings", "names", "0.1.1", "0.1.2", "own certificate", "present again"]
CHANGES = [*STARTS, "absent", "purge"]


@pytest.mark.parametrize("title", CHANGES)
def test_a_check_predicts_the_run_and_changes_nothing(story: Story, title: str) -> None:
    assert story.runs[f"check {title}"].changed == story.runs[title].changed != set()
    assert story.notes[f"untouched {title}"]


@pytest.mark.parametrize("title", CHANGES)
def test_a_second_run_changes_nothing(story: Story, title: str) -> None:
    assert story.runs[f"second {title}"].changed == set()


@pytest.mark.parametrize("title", [title for title in STARTS if title != "names"])
def test_a_change_starts_the_witness_exactly_once(story: Story, title: str) -> None:
    assert story.notes[f"starts {title}"] == 1


def test_a_new_certificate_is_taken_without_a_restart(story: Story) -> None:
    assert story.notes["starts names"] == 0
    assert "DNS:witness.example.org" in story.notes["presented names"]


def test_the_certificate_is_for_the_names_that_were_given(story: Story) -> None:
    assert "DNS:witness.example.org" not in story.notes["presented settings"]
    assert "DNS:witness.example.org" in story.notes["presented names"]
    assert "DNS:witness.example.org" not in story.notes["presented own certificate"]


def test_an_upgrade_keeps_database_and_keys_and_one_way_back(story: Story) -> None:
    assert story.notes["version settings"].endswith("0.1.0")
    assert story.notes["version 0.1.1"].endswith("0.1.1")
    assert story.notes["version own certificate"].endswith("0.1.2")
    assert story.notes["admin key again"] == story.notes["admin key"]
    assert [each.partition("-")[0] for each in story.notes["releases"]] == ["0.1.1", "0.1.2", "current"]


def test_every_dependency_is_installed_by_its_hash(story: Story) -> None:
    for title in ("install", "0.1.2"):
        (installed,) = story.runs[title].of("Install what the witness depends on, each file by its hash")
        assert "--require-hashes" in installed.result["cmd"]
        assert ("--no-index" in installed.result["cmd"]) == (title == "0.1.2")


def test_wrong_settings_are_refused_with_all_their_faults_and_not_written(story: Story) -> None:
    faults, left_alone = story.refused(zfs_sync_witness_settings={"hartbeat_seconds": 5, "port": "high"})
    assert "The settings of the witness on h1 were not written." in faults[-1]
    assert "hartbeat_seconds: this setting is not known; did you mean heartbeat_seconds?" in faults[-1]
    assert "/port" in faults[-1]
    assert left_alone


def test_plain_http_beyond_loopback_is_refused(story: Story) -> None:
    faults, left_alone = story.refused(zfs_sync_witness_tls="none")
    assert "would listen on 0.0.0.0 without TLS" in faults[-1]
    assert left_alone


def test_a_wheelhouse_that_is_none_is_refused(story: Story) -> None:
    faults, left_alone = story.refused(zfs_sync_witness_package_path="/nowhere")
    assert "zfs_sync_witness_package_path (/nowhere) is no folder of wheels" in faults[-1]
    assert left_alone


def test_a_witness_that_is_removed_leaves_what_the_fleet_is_known_by_and_comes_back_as_the_same(story: Story) -> None:
    assert story.notes["starts absent"] == 0
    assert story.notes["presented absent"] == ""
    assert "/opt/zfs-sync-witness" not in story.notes["left"]
    assert "zfs-sync-witness.service" not in story.notes["left"]
    assert {"admin.key", "witness.db", "witness.yml"} <= set(story.notes["left"].split())
    assert story.notes["admin key again"] == story.notes["admin key"]


def test_a_witness_that_is_purged_leaves_nothing_of_its_own(story: Story) -> None:
    assert story.notes["left by a purge"] == story.notes["bare"]
    assert story.notes["admin key anew"] not in ("", story.notes["admin key"])
