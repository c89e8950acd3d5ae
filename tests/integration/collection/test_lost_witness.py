# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""A lost witness, and a revoked key: one run of the playbook enrols the agents anew, and nothing is sent again."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
import yaml

from tests.integration.agent.fleet import wait_for
from tests.integration.collection.controller import Controller, Run
from tests.lab.fixtures import LabFactory

pytestmark = [pytest.mark.lab, pytest.mark.timeout(900)]

POOLS = {"h1": "tank", "h2": "backup"}
FLEET = {
    "version": 1,
    "systems": {"h1": {}, "h2": {}},
    "sync_groups": {
        "data": {
            "members": [
                {"system": "h1", "dataset": "tank/data", "role": "source"},
                {"system": "h2", "dataset": "backup/data", "role": "target"},
            ]
        }
    },
}
LOSE = "systemctl stop zfs-sync-witness && rm -rf /var/lib/zfs-sync-witness"
ASK = """
import json, ssl, sys, urllib.request
folder = "/var/lib/zfs-sync-witness"
request = urllib.request.Request("https://localhost:8462/api/v1" + sys.argv[1])
request.add_header("Authorization", "Bearer " + open(folder + "/admin.key").read().strip())
context = ssl.create_default_context(cafile=folder + "/tls/ca.crt")
print(urllib.request.urlopen(request, context=context).read().decode())
"""


@dataclass(slots=True)
class Story:
    controller: Controller
    runs: dict[str, Run] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)

    def ssh(self, name: str, command: str) -> str:
        return self.controller.lab.host(name).ssh(command).stdout

    def ask(self, path: str) -> Any:
        said = self.controller.lab.host("h1").ssh(["python3", "-", path], input=ASK.encode())
        return json.loads(said.stdout)

    def site(self, title: str, *options: str) -> None:
        self.runs[title] = self.controller.playbook("zfs_sync.fleet.site", *options)

    def keys(self) -> Mapping[str, str]:
        return {name: self.ssh(name, "cat /var/lib/zfs-sync/agent/agent.key") for name in POOLS}

    def in_sync(self) -> bool:
        items = self.ask("/status")["items"]
        return [each["outcome"] for each in items] == ["IN_SYNC"]


@pytest.fixture(scope="module")
def story(collection: None, lab_factory: LabFactory, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    folder = tmp_path_factory.mktemp("lost")
    with lab_factory(POOLS) as lab:
        controller = Controller(lab, folder, {"witness": ["h1"], "zfs_sync_hosts": list(POOLS)})
        (folder / "fleet.yml").write_text(yaml.safe_dump(FLEET))
        controller.variables["zfs_sync_fleet_file"] = str(folder / "fleet.yml")
        for name, pool in POOLS.items():
            lab.host(name).create_pool(pool, "256M")
        lab.host("h1").ssh("zfs create tank/data && seq 100000 >/tank/data/numbers && zfs snapshot tank/data@one")
        story = Story(controller)
        _live_through(story)
        yield story


def _live_through(story: Story) -> None:
    story.site("first run")
    wait_for(story.in_sync, "the first sync")
    story.notes["first keys"], story.notes["first jobs"] = story.keys(), story.ask("/jobs")["items"]
    story.ssh("h1", "systemctl stop zfs-sync-witness")
    away = {"zfs_sync_fleet": FLEET, "zfs_sync_agent_witness_url": "https://h1:8462", "zfs_sync_api_host": "h1"}
    story.runs["check without witness"] = story.controller.role("agent", "h2", away, "--check")
    story.ssh("h1", LOSE)
    story.site("rebuilt")
    story.notes["rebuilt keys"] = story.keys()
    wait_for(story.in_sync, "everything in sync again")
    story.notes["rebuilt jobs"] = story.ask("/jobs")["items"]
    story.site("second run")
    _revoke(story)


def _revoke(story: Story) -> None:
    key = story.keys()["h2"].split("_")[2][:8]
    story.ssh("h1", f"zfs-sync-witness key revoke $(zfs-sync-witness key list | grep -o 'agent-h2-{key}')")
    story.site("check after revocation", "--check", "--diff")
    story.site("run after revocation", "--diff")
    story.notes["keys after revocation"] = story.keys()
    story.site("last run")


def test_a_witness_that_is_away_fails_no_check_of_agents(story: Story) -> None:
    run = story.runs["check without witness"]
    (asked,) = run.of("Ask the installer what is to be done, and whether the witness takes the key of this host")
    assert asked.result["enrolled"]
    assert asked.result["enrolment"]["state"] == "unknown"
    assert asked.result["enrolment"]["code"] == "E_WITNESS_UNREACHABLE"
    assert not run.of("Make a key that is good for this system, once, for a few minutes")


def test_one_run_rebuilds_the_witness_and_enrols_every_agent_again(story: Story) -> None:
    done = story.runs["rebuilt"].of("Bring the agent to what is declared")
    assert {each.host for each in done} == set(POOLS)
    assert all(each.result["enrolment"]["state"] == "enrolled" for each in done)
    before, after = story.notes["first keys"], story.notes["rebuilt keys"]
    assert all(before[name] != after[name] for name in POOLS)
    assert story.runs["second run"].changed == set()


def test_nothing_is_sent_again(story: Story) -> None:
    assert len(story.notes["first jobs"]) == 1
    assert story.notes["rebuilt jobs"] == []


def test_a_revoked_key_is_foreseen_and_replaced(story: Story) -> None:
    predicted, done = story.runs["check after revocation"], story.runs["run after revocation"]
    assert predicted.changed == done.changed
    assert {place[0] for place in done.changed} == {"h2"}
    (brought,) = done.of("Bring the agent to what is declared", "h2")
    assert brought.result["enrolment"]["state"] == "enrolled"
    assert story.notes["keys after revocation"]["h2"] != story.notes["rebuilt keys"]["h2"]
    assert story.notes["keys after revocation"]["h1"] == story.notes["rebuilt keys"]["h1"]
    assert story.runs["last run"].changed == set()
