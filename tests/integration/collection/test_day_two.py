# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""What an administrator does with a fleet that runs: a host joins, agents are upgraded, drift is found, a host leaves.

Each playbook is checked, run and run again, and a host that has nothing to do with it is compared before and after.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.agent.fleet import Witness
from tests.integration.collection.canary import keys_in
from tests.integration.collection.controller import Controller, Run
from tests.integration.collection.versions import DAEMON, agent_of
from tests.lab.fixtures import LabFactory
from tests.lab.host import Host

pytestmark = [pytest.mark.lab, pytest.mark.story, pytest.mark.timeout(1800)]

POOLS = {"h1": "tank", "h2": "backup", "h3": "other", "h4": "safe"}
STATE = r"""
find /etc/zfs-sync /usr/lib/zfs-sync /usr/bin/zfs-sync-agent /var/lib/zfs-sync -xdev -type f \
  -not -path '/var/lib/zfs-sync/agent/*' -exec sha256sum {} + 2>/dev/null | sort
systemctl show -P InvocationID zfs-sync-agent; zfs list -H -o name -t all
"""
SOURCE = {"system": "h1", "dataset": "tank/data", "role": "source"}
SECOND = {"system": "h2", "dataset": "backup/data", "role": "target"}
FOURTH = {"system": "h4", "dataset": "safe/data", "role": "target"}


def document(*members: Mapping[str, str], **systems: Any) -> dict[str, Any]:
    return {
        "version": 1,
        "systems": {"h1": {}, "h2": {}, "h3": {}, **systems},
        "sync_groups": {"data": {"mode": "manual", "members": list(members)}},
    }


BEFORE = document(SOURCE, SECOND)
WITH_H4 = document(SOURCE, SECOND, FOURTH, h4={}) | {"owner": "ansible/default"}
WITH_H4["systems"]["h3"] = {"description": "an edit that waits"}


@dataclass(slots=True)
class Story:
    """Runs in order; the tests look back at them."""

    controller: Controller
    witness: Witness
    runs: dict[str, Run] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)

    def host(self, name: str) -> Host:
        return self.controller.lab.host(name)

    def ssh(self, name: str, command: str, *, check: bool = True) -> str:
        return self.host(name).ssh(command, check=check).stdout

    def document(self, content: Mapping[str, Any]) -> None:
        """What is committed from now on."""
        (self.controller.folder / "fleet.yml").write_text(yaml.safe_dump(content))

    def play(self, title: str, playbook: str, *options: str, check: bool = True, **variables: Any) -> Run:
        self.runs[title] = self.controller.playbook(
            f"zfs_sync.fleet.{playbook}", *options, "--diff", "-vvvv", variables=variables or None, check=check
        )
        return self.runs[title]

    def thrice(self, title: str, playbook: str, bystander: str, **variables: Any) -> None:
        """A check, the run, a second run; how the bystander was and is, and the first host around the check."""
        self.notes[f"bystander before {title}"] = self.ssh(bystander, STATE)
        before = [self.ssh(name, STATE) for name in POOLS]
        self.play(f"check {title}", playbook, "--check", **variables)
        self.notes[f"untouched {title}"] = [self.ssh(name, STATE) for name in POOLS] == before
        self.play(title, playbook, **variables)
        self.play(f"second {title}", playbook, **variables)
        self.notes[f"bystander after {title}"] = self.ssh(bystander, STATE)


@pytest.fixture(scope="module")
def story(collection: None, lab_factory: LabFactory, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    folder = tmp_path_factory.mktemp("day-two")
    with lab_factory(POOLS) as lab:
        witness = Witness(lab, tmp_path_factory.mktemp("witness"))
        witness.init()
        witness.start()
        for host, pool in POOLS.items():
            lab.host(host).create_pool(pool, "256M")
        controller = Controller(lab, folder, {"zfs_sync_hosts": list(POOLS)})
        controller.variables |= {
            "zfs_sync_witness_url": witness.url,
            "zfs_sync_witness_token_file": str(witness.folder / "admin.key"),
            "zfs_sync_witness_ca_path": str(witness.folder / "tls" / "ca.crt"),
            "zfs_sync_agent_ca_certificate": witness.ca,
        }
        story = Story(controller, witness)
        _live_through(story)
        yield story
        witness.kill()


def _live_through(story: Story) -> None:
    story.ssh("h1", "zfs create tank/data && echo hello >/tank/data/file && zfs snapshot tank/data@one")
    story.document(BEFORE)
    story.play("site", "site", "--limit", "localhost,h1,h2,h3")
    _join(story)
    _drift(story)
    _upgrade(story)
    _leave(story)


def _join(story: Story) -> None:
    story.play("unknown host", "add_system", check=False, zfs_sync_host="h9")
    story.play("undeclared host", "add_system", check=False, zfs_sync_host="h4")
    story.document(WITH_H4)
    story.thrice("add", "add_system", "h3", zfs_sync_host="h4")
    story.notes["h3 at the witness"] = story.witness.call("GET", "/systems/h3")["description"]
    story.play("sync", "sync_now")
    story.notes["copied"] = story.ssh("h4", "zfs list -H -o name -t snapshot")


def _drift(story: Story) -> None:
    story.play("drift of an edit", "drift", check=False)
    story.notes["drift of an edit"] = _report(story)
    story.play("site again", "site")
    story.play("no drift", "drift", "--check")
    story.notes["no drift"] = _report(story)
    story.ssh("h2", "sed -i s/receive/send/ /etc/zfs-sync/agent.conf")
    story.ssh("h1", "echo 'restrict ssh-ed25519 AAAA somebody' >>/var/lib/zfs-sync/.ssh/authorized_keys")
    tampered = [story.ssh(name, STATE) for name in ("h1", "h2")]
    story.play("drift of hosts", "drift", zfs_sync_drift_fail=False, zfs_sync_drift_report="other")
    story.notes["drift of hosts"] = _report(story, "other")
    story.notes["drift changed nothing"] = [story.ssh(name, STATE) for name in ("h1", "h2")] == tampered
    story.play("mended", "site")
    story.controller.groups = {"zfs_sync_hosts": [*POOLS, "ghost"]}
    story.play("a host that is not there", "drift", check=False)
    story.controller.groups = {"zfs_sync_hosts": list(POOLS)}
    story.notes["a host that is not there"] = _report(story)


def _report(story: Story, name: str = "drift") -> dict[str, Any]:
    report: dict[str, Any] = json.loads((story.controller.folder / f"{name}.json").read_text())
    return report | {"text": (story.controller.folder / f"{name}.txt").read_text()}


def _upgrade(story: Story) -> None:
    folder: Path = story.controller.folder
    newer = agent_of("0.1.1", folder / "newer.pyz")
    story.thrice("upgrade", "upgrade_agents", "h3", zfs_sync_agent_package_path=str(newer))
    story.notes["versions"] = _versions(story)
    broken = agent_of("0.1.2", folder / "broken.pyz", {DAEMON: '\nraise RuntimeError("this version does not start")\n'})
    story.play(
        "broken",
        "upgrade_agents",
        check=False,
        zfs_sync_agent_package_path=str(broken),
        zfs_sync_upgrade_patience=8,
        zfs_sync_upgrade_serial=2,
    )
    story.notes["versions with a broken one"] = _versions(story)
    for name in ("h1", "h2"):
        story.ssh(name, "zfs-sync-agent upgrade --rollback")
    story.notes["versions after going back"] = _versions(story)
    story.play("back to what ships", "upgrade_agents", zfs_sync_upgrade_serial="100%")


def _versions(story: Story) -> list[str]:
    return [story.ssh(name, "zfs-sync-agent --version").split()[-1] for name in POOLS]


def _leave(story: Story) -> None:
    story.play("still declared", "remove_system", check=False, zfs_sync_host="h4")
    story.document(BEFORE)
    story.play("nobody leaves", "remove_system", check=False)
    story.notes["snapshots before"] = story.ssh("h4", "zfs list -H -o name,guid -t snapshot")
    story.thrice("remove", "remove_system", "h3", zfs_sync_host="h4")
    story.notes["snapshots after"] = story.ssh("h4", "zfs list -H -o name,guid -t snapshot")
    story.notes["trusted"] = story.ssh("h1", "cat /var/lib/zfs-sync/.ssh/authorized_keys")
    story.notes["systems"] = [each["name"] for each in story.witness.call("GET", "/systems")["items"]]
    story.notes["keys"] = {each["system"] for each in story.witness.call("GET", "/api-keys")["items"]}
    story.notes["left on h4"] = story.ssh(
        "h4", "ls -d /etc/zfs-sync /usr/lib/zfs-sync /var/lib/zfs-sync 2>&1", check=False
    )
    story.document(document(SOURCE, FOURTH, h4={}) | {"systems": {"h1": {}, "h3": {}}, "sync_groups": {}})
    story.play("a lost host", "remove_system", zfs_sync_host="h2", zfs_sync_host_gone=True)
    story.notes["agent of the lost host"] = story.ssh("h2", "cat /etc/zfs-sync/agent.conf")
    story.notes["groups at the end"] = story.witness.call("GET", "/sync-groups")["items"]
    story.notes["trusted at the end"] = story.ssh("h1", "cat /var/lib/zfs-sync/.ssh/authorized_keys")


RUNS = ["add", "upgrade", "remove"]


@pytest.mark.parametrize("title", RUNS)
def test_a_check_predicts_the_run_and_changes_nothing(story: Story, title: str) -> None:
    assert story.runs[f"check {title}"].changed == story.runs[title].changed != set()
    assert story.notes[f"untouched {title}"]


@pytest.mark.parametrize("title", [*RUNS, "site"])
def test_a_second_run_changes_nothing(story: Story, title: str) -> None:
    second = "site again" if title == "site" else f"second {title}"
    changed = {each for each in story.runs[second].changed if each[1] != "Declare the fleet"}
    assert changed == set()


@pytest.mark.parametrize("title", ["add", "remove"])
def test_a_host_that_has_nothing_to_do_with_it_is_left_alone(story: Story, title: str) -> None:
    assert story.notes[f"bystander before {title}"] == story.notes[f"bystander after {title}"]


def test_a_host_that_is_not_known_is_refused(story: Story) -> None:
    (said,) = story.runs["unknown host"].faults
    assert said.startswith("h9 is not in the inventory's group zfs_sync_hosts.")
    (said,) = story.runs["undeclared host"].faults
    assert said == "The fleet document declares no system h4. Declare it there, commit, and run again."


def test_a_host_that_joins_gets_its_copy_and_no_other_edit_is_applied(story: Story) -> None:
    assert story.notes["copied"] == "safe/data@one\n"
    assert story.notes["h3 at the witness"] == ""
    assert {each[0] for each in story.runs["add"].changed} == {"localhost", "h1", "h4"}


def test_drift_of_the_witness_fails_the_run_and_is_reported(story: Story) -> None:
    run, report = story.runs["drift of an edit"], story.notes["drift of an edit"]
    assert run.status == 2
    assert run.changed == set()
    assert report["fleet"] == [{"kind": "system", "name": "h3", "action": "updated", "fields": ["description"]}]
    assert (report["drift"], report["unknown"]) == (True, False)
    assert "witness: system h3 would be updated (description)" in report["text"]
    assert run.faults[0].startswith("1 thing differs from the fleet document.")


def test_without_drift_the_run_passes(story: Story) -> None:
    report = story.notes["no drift"]
    assert (report["drift"], report["unknown"], report["fleet"]) == (False, False, [])
    assert report["text"] == "Nothing differs from the fleet document.\n"


def test_drift_of_hosts_is_reported_and_left_as_it_is(story: Story) -> None:
    report = story.notes["drift of hosts"]
    assert story.runs["drift of hosts"].changed == set()
    assert story.notes["drift changed nothing"]
    assert report["hosts"]["h2"]["agent"][0] == "change /etc/zfs-sync/agent.conf"
    assert report["hosts"]["h1"]["trust"] == ["change /var/lib/zfs-sync/.ssh/authorized_keys"]
    assert report["hosts"]["h3"] == {"agent": [], "trust": [], "faults": []}


def test_a_host_that_cannot_be_asked_is_told_of_and_fails_the_run(story: Story) -> None:
    report = story.notes["a host that is not there"]
    assert (report["drift"], report["unknown"]) == (False, True)
    assert report["hosts"]["ghost"]["faults"]
    assert (
        story.runs["a host that is not there"]
        .faults[-1]
        .startswith("Nothing differs from the fleet document, and 1 of the hosts could not be asked.")
    )


def test_an_upgrade_goes_in_batches_with_the_first_host_alone(story: Story) -> None:
    events = story.runs["upgrade"].of("Bring this version beside the one that runs, and switch")
    assert [each.host for each in events] == list(POOLS)
    assert story.notes["versions"] == ["0.1.1"] * 4
    asked = story.runs["upgrade"].of("Ask the agent whether it has a trouble that it had not before")
    assert [each.status for each in asked] == ["ok"] * 4


def test_an_upgrade_that_makes_trouble_stops_and_says_how_to_go_back(story: Story) -> None:
    run = story.runs["broken"]
    assert run.status == 2
    assert story.notes["versions with a broken one"] == ["0.1.2", "0.1.2", "0.1.1", "0.1.1"]
    said = [each for each in run.faults if each.startswith("The agent on h1 is not well after its upgrade")]
    assert "To go back to the version before, on h1: zfs-sync-agent upgrade --rollback" in said[0]
    assert story.notes["versions after going back"] == ["0.1.1"] * 4


def test_a_host_that_the_document_has_is_not_removed(story: Story) -> None:
    (said,) = story.runs["still declared"].faults
    assert "The fleet document still has h4, at /systems/h4, /sync_groups/data/members/2." in said
    assert story.runs["still declared"].changed == set()
    assert "No host is not in the inventory." in story.runs["nobody leaves"].faults[0]


def test_a_host_that_leaves_keeps_its_data_and_loses_its_access(story: Story) -> None:
    assert story.notes["snapshots after"] == story.notes["snapshots before"] != ""
    assert "gate --peer h2" in story.notes["trusted"]
    assert "h4" not in story.notes["trusted"]
    assert story.notes["systems"] == ["h1", "h2", "h3"]
    assert "h4" not in story.notes["keys"]
    assert "No such file" in story.notes["left on h4"]
    assert "/etc/zfs-sync\n" not in story.notes["left on h4"]


def test_a_host_that_is_lost_is_forgotten_by_the_others_only(story: Story) -> None:
    assert "system: h2" in story.notes["agent of the lost host"]
    assert story.notes["groups at the end"] == []
    assert "gate --peer" not in story.notes["trusted at the end"]


def test_no_key_is_shown(story: Story) -> None:
    assert keys_in("".join(story.controller.outputs)) == []
