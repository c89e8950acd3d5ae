# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""A switchover by its playbook: refused while it would lose something, done in one run, and not done again."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
import yaml

from tests.integration.agent.fleet import Witness, wait_for
from tests.integration.collection.controller import Controller, Run
from tests.lab.fixtures import LabFactory

pytestmark = [pytest.mark.lab, pytest.mark.story, pytest.mark.timeout(1200)]

PLACES = {"h1": "tank/data", "h2": "backup/data"}


def document(source: str, **more: Any) -> dict[str, Any]:
    members = [
        {"system": name, "dataset": dataset, "role": "source" if name == source else "target"}
        for name, dataset in PLACES.items()
    ]
    group = {"mode": "manual", "members": members, **more}
    return {"version": 1, "systems": {name: {} for name in PLACES}, "sync_groups": {"data": group}}


@dataclass(slots=True)
class Story:
    """Runs in order; the tests look back at them."""

    controller: Controller
    witness: Witness
    runs: dict[str, Run] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)

    def ssh(self, name: str, command: str) -> str:
        return self.controller.lab.host(name).ssh(command).stdout

    def snapshot(self, name: str, label: str) -> None:
        """Make a file and a snapshot, and wait until it is reported: what is not known is not run."""
        dataset = PLACES[name]
        self.ssh(name, f"echo {label} >/{dataset}/{label} && zfs snapshot {dataset}@{label}")
        asked = f"/snapshots?system={name}&dataset={dataset}"
        wait_for(
            lambda: label in [each["name"] for each in self.witness.call("GET", asked)["items"]],
            f"{dataset}@{label} is reported",
        )

    def play(self, title: str, playbook: str, *options: str, check: bool = True, **variables: Any) -> None:
        self.runs[title] = self.controller.playbook(
            f"zfs_sync.fleet.{playbook}", *options, "--diff", variables=variables or None, check=check
        )

    def switch(self, title: str, content: Mapping[str, Any], *options: str, check: bool = True, **more: Any) -> None:
        (self.controller.folder / "fleet.yml").write_text(yaml.safe_dump(content))
        self.play(title, "switchover", *options, check=check, **{"zfs_sync_switch": "data", **more})
        self.notes[f"source after {title}"] = next(
            each["system"]
            for each in self.witness.call("GET", "/sync-groups/data")["members"]
            if each["role"] == "source"
        )


@pytest.fixture(scope="module")
def story(collection: None, lab_factory: LabFactory, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    with lab_factory(PLACES) as lab:
        witness = Witness(lab, tmp_path_factory.mktemp("witness"))
        witness.init()
        witness.start()
        for host, dataset in PLACES.items():
            lab.host(host).create_pool(dataset.partition("/")[0], "256M")
        controller = Controller(lab, tmp_path_factory.mktemp("switchover"), {"zfs_sync_hosts": list(PLACES)})
        controller.variables |= {
            "zfs_sync_witness_url": witness.url,
            "zfs_sync_witness_token_file": str(witness.folder / "admin.key"),
            "zfs_sync_witness_ca_path": str(witness.folder / "tls" / "ca.crt"),
            "zfs_sync_agent_ca_certificate": witness.ca,
            "zfs_sync_agent_settings": {"scan_interval": "20s"},  # a snapshot is not known to the witness at once
        }
        story = Story(controller, witness)
        _live_through(story)
        yield story
        witness.kill()


def _live_through(story: Story) -> None:
    story.ssh("h1", "zfs create tank/data && echo one >/tank/data/one && zfs snapshot tank/data@one")
    (story.controller.folder / "fleet.yml").write_text(yaml.safe_dump(document("h1")))
    story.play("site", "site")
    story.play("sync", "sync_now")
    story.switch("of no group", document("h2"), check=False, zfs_sync_switch="nothing")
    story.switch("with another member", _with_another_member(), check=False)
    story.ssh("h1", "echo two >/tank/data/two && zfs snapshot tank/data@two")
    story.switch("while writable", document("h2"), check=False)
    story.ssh("h1", "zfs set readonly=on tank/data && zfs unmount tank/data")
    story.switch("check", document("h2"), "--check")
    story.switch("forth", document("h2"))
    story.switch("again", document("h2"))
    story.notes["copied"] = story.ssh("h2", "zfs list -H -o name -t snapshot -r backup/data")
    story.ssh("h2", "zfs set readonly=off backup/data && zfs set canmount=on backup/data && zfs mount backup/data")
    story.snapshot("h2", "three")
    story.play("sync after", "sync_now")
    story.notes["followed"] = story.ssh("h1", "zfs list -H -o name -t snapshot -r tank/data")
    story.notes["followed"] += story.ssh("h1", "zfs mount tank/data; cat /tank/data/three")
    story.ssh("h2", "zfs set readonly=on backup/data && zfs unmount backup/data")
    story.switch("back", document("h1"))


def _with_another_member() -> dict[str, Any]:
    wrong = document("h2")
    wrong["sync_groups"]["data"]["members"].append({"system": "h2", "dataset": "backup/more", "role": "target"})
    return wrong


def test_what_is_no_switchover_is_refused(story: Story) -> None:
    (said,) = story.runs["of no group"].faults
    assert said.startswith("The fleet document has no sync group nothing with members.")
    (said,) = story.runs["with another member"].faults
    assert said.startswith("The document changes more of data than which of its members is the source")
    assert story.notes["source after with another member"] == "h1"


def test_a_source_that_may_still_be_written_to_is_not_left(story: Story) -> None:
    (said,) = story.runs["while writable"].faults
    assert said.startswith("tank/data on h1 can be written to.")
    assert "zfs set readonly=on tank/data" in said
    assert story.runs["while writable"].changed == set()
    assert story.notes["source after while writable"] == "h1"


def test_a_check_changes_nothing_and_says_what_will_move(story: Story) -> None:
    assert story.notes["source after check"] == "h1"
    assert ("localhost", "Run each group now, and wait until it is in sync", '"data"') in story.runs["check"].changed


def test_the_last_snapshot_is_brought_over_before_the_switch(story: Story) -> None:
    assert story.notes["copied"] == "backup/data@one\nbackup/data@two\n"
    assert story.notes["source after forth"] == "h2"
    changed = {(host, task) for host, task, _ in story.runs["forth"].changed}
    assert ("localhost", "Make it the source") in changed
    assert {("h1", "Bring the agent to what is declared"), ("h2", "Bring the agent to what is declared")} <= changed


def test_a_second_run_has_nothing_to_do(story: Story) -> None:
    assert story.runs["again"].changed == set()


def test_the_old_source_follows_and_the_way_back_is_the_same(story: Story) -> None:
    assert story.notes["followed"] == "tank/data@one\ntank/data@two\ntank/data@three\nthree\n"
    assert story.notes["source after back"] == "h1"
