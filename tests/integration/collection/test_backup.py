# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The witness is backed up to the controller, lost, and comes back: same keys, same CA, and no host is touched."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.agent.fleet import wait_for
from tests.integration.collection.canary import keys_in, places_of_keys
from tests.integration.collection.controller import Controller, Run
from tests.lab.fixtures import LabFactory

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.timeout(1500)]

MEMBERS = [
    {"system": "h1", "dataset": "tank/data", "role": "source"},
    {"system": "h2", "dataset": "backup/data", "role": "target"},
]
FLEET = {"version": 1, "systems": {"h1": {}, "h2": {}}, "sync_groups": {"data": {"members": MEMBERS}}}
AGENT = (
    "sha256sum /var/lib/zfs-sync/agent/agent.key /etc/zfs-sync/ca.pem; systemctl show -P InvocationID zfs-sync-agent"
)
SECRETS = "sha256sum /var/lib/zfs-sync-witness/admin.key /var/lib/zfs-sync-witness/tls/ca.crt"
LEFT = "find / -xdev \\( -name '*zfs-sync*backup*' -o -name 'zfs-sync-witness-*.tar.gz' \\) -not -path '/proc/*'"
ASIDE = "find /var/lib/zfs-sync-witness -name 'admin.key.replaced-*'"
PURGE = {"zfs_sync_witness_state": "absent", "zfs_sync_witness_purge": True}


@dataclass(slots=True)
class Story:
    """Runs in order; the tests look back at them."""

    controller: Controller
    runs: dict[str, Run] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)

    def ssh(self, name: str, command: str) -> str:
        return self.controller.lab.host(name).ssh(command, check=False).stdout

    def play(self, title: str, playbook: str, *options: str, check: bool = True, **variables: Any) -> None:
        self.runs[title] = self.controller.playbook(
            f"zfs_sync.fleet.{playbook}", *options, "-vvvv", variables=variables or None, check=check
        )

    def backups(self) -> list[Path]:
        return sorted((self.controller.folder / "backups").glob("*"))


@pytest.fixture(scope="module")
def story(collection: None, lab_factory: LabFactory, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    with lab_factory(("h1", "h2")) as lab:
        lab.host("h1").create_pool("tank", "256M")
        lab.host("h2").create_pool("backup", "256M")
        lab.host("h1").ssh("zfs create tank/data && zfs snapshot tank/data@one")
        groups = {"witness": ["h1"], "zfs_sync_hosts": ["h1", "h2"]}
        story = Story(Controller(lab, tmp_path_factory.mktemp("backup"), groups, pipelining=False))
        (story.controller.folder / "fleet.yml").write_text(yaml.safe_dump(FLEET))
        _live_through(story)
        yield story


def _live_through(story: Story) -> None:
    story.play("site", "site")
    story.play("sync", "sync_now")
    story.play("check of a backup", "backup_witness", "--check")
    story.notes["after the check"] = story.backups()
    story.play("backup", "backup_witness")
    (backup,) = story.backups()
    story.notes["modes"] = [oct(path.stat().st_mode & 0o777) for path in (backup, backup.parent)]
    story.notes["left on the host"] = story.ssh("h1", LEFT)
    story.notes["beside it"] = sorted(path.name for path in backup.parent.iterdir() if path != backup)
    before = {"secrets": story.ssh("h1", SECRETS), "agents": [story.ssh(name, AGENT) for name in ("h1", "h2")]}
    story.play("over a live one", "restore_witness", check=False, zfs_sync_backup_file=str(backup))
    story.notes["secrets kept"] = story.ssh("h1", SECRETS) == before["secrets"]
    replace = {"zfs_sync_backup_file": str(backup), "zfs_sync_restore_replace": True}
    story.play("check of a replacement", "restore_witness", "--check", **replace)
    story.notes["after the check of a replacement"] = story.ssh("h1", ASIDE)
    story.play("replacement", "restore_witness", **replace)
    story.notes["moved aside"] = story.ssh("h1", ASIDE)
    story.controller.role("witness", "h1", PURGE)
    story.notes["lost"] = story.ssh("h1", SECRETS)
    story.play("check of a restore", "restore_witness", "--check", zfs_sync_backup_file=str(backup))
    story.notes["after the check of a restore"] = story.ssh("h1", SECRETS)
    story.play("restore", "restore_witness", zfs_sync_backup_file=str(backup))
    story.notes["same"] = {
        "secrets": story.ssh("h1", SECRETS) == before["secrets"],
        "agents": [story.ssh(name, AGENT) for name in ("h1", "h2")] == before["agents"],
    }
    story.ssh("h1", "zfs snapshot tank/data@two")
    wait_for(lambda: "@two" in story.ssh("h2", "zfs list -H -o name -t snapshot"), "replication goes on")
    story.play("status", "status")


def test_a_check_of_a_backup_makes_none(story: Story) -> None:
    assert story.notes["after the check"] == []
    assert story.runs["check of a backup"].changed == story.runs["backup"].changed != set()


def test_a_backup_is_its_owners_alone_and_leaves_nothing_on_the_host(story: Story) -> None:
    assert story.notes["modes"] == ["0o600", "0o700"]
    assert story.notes["left on the host"] == ""
    assert story.notes["beside it"] == []


def test_a_witness_that_lives_is_not_replaced_unasked(story: Story) -> None:
    assert story.runs["over a live one"].status != 0
    assert story.runs["over a live one"].faults[0].startswith("h1 has a witness already, and nothing was changed.")
    assert story.notes["secrets kept"]


def test_a_witness_that_is_replaced_is_moved_aside_as_the_check_said(story: Story) -> None:
    assert story.runs["check of a replacement"].changed == story.runs["replacement"].changed != set()
    assert story.notes["after the check of a replacement"] == ""
    assert len(story.notes["moved aside"].splitlines()) == 1


def test_a_check_of_a_restore_restores_nothing(story: Story) -> None:
    assert story.notes["lost"] == story.notes["after the check of a restore"] == ""
    assert story.runs["check of a restore"].of("Put the backup in the place of what is there")[-1].changed


def test_the_witness_comes_back_with_its_keys_and_no_agent_is_touched(story: Story) -> None:
    assert story.notes["same"] == {"secrets": True, "agents": True}
    (shown,) = story.runs["status"].of("Show it")
    assert "IN_SYNC" in str(shown.result["msg"])


def test_without_pipelining_too_no_key_is_shown_or_left_anywhere(story: Story) -> None:
    assert keys_in("".join(story.controller.outputs)) == []
    own = {"/var/lib/zfs-sync/agent/agent.key"}
    assert places_of_keys(story.controller.lab.host("h2")) == own
    aside = set(story.ssh("h1", ASIDE).splitlines())
    assert places_of_keys(story.controller.lab.host("h1")) == {*own, *aside, "/var/lib/zfs-sync-witness/admin.key"}
