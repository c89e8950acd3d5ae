# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Snapshots of a host without an agent: reported once, told by GUID, and left to the agent where there is one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.integration.collection.canary import keys_in
from tests.integration.collection.controller import Controller, Event, Run

pytestmark = [pytest.mark.lab, pytest.mark.timeout(600)]

KEY, CA = "/root/report.key", "/root/ca.crt"
CONNECTION = {name: f"{{{{ zfs_sync_{name} }}}}" for name in ("witness_url", "witness_token_file", "witness_ca_path")}
MAKE_KEY = [
    {
        "name": "Make a key",
        "zfs_sync.fleet.zfs_sync_api_key": {**CONNECTION, "name": "for h1", "role": "agent", "system": "h1"},
        "delegate_to": "localhost",
        "no_log": True,
        "register": "made",
    },
    {
        "name": "Keep it",
        "ansible.builtin.copy": {"content": "{{ made.token }}", "dest": KEY, "mode": "0600"},
        "no_log": True,
    },
    {
        "name": "Keep the CA",
        "ansible.builtin.copy": {"content": "{{ zfs_sync_agent_ca_certificate }}", "dest": CA, "mode": "0644"},
    },
]
HELD = {
    "name": "Held",
    "ansible.builtin.uri": {
        "url": "{{ zfs_sync_witness_url }}/api/v1/systems/h1/reports",
        "ca_path": "{{ zfs_sync_witness_ca_path }}",
        "headers": {"Authorization": "Bearer {{ lookup('file', zfs_sync_witness_token_file) | trim }}"},
    },
    "delegate_to": "localhost",
}


def task(**more: Any) -> dict[str, Any]:
    options = {"system": "h1", "datasets": ["tank"], "witness_token_file": KEY, "witness_ca_path": CA, **more}
    return {
        "name": "Report",
        "zfs_sync.fleet.zfs_sync_snapshot": {"witness_url": "{{ zfs_sync_witness_url }}", **options},
    }


@dataclass(slots=True)
class Story:
    """Runs of the module, and what the witness held after each."""

    hosts: Controller
    runs: dict[str, Run] = field(default_factory=dict)
    held: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def ssh(self, command: str) -> str:
        return self.hosts.lab.host("h1").ssh(command).stdout

    def report(self, title: str, *arguments: str, check: bool = True, **options: Any) -> None:
        self.runs[title] = self.hosts.play(task(**options), hosts="h1", arguments=arguments, check=check)
        self.held[title] = self.hosts.play(HELD, hosts="h1").of("Held")[0].result["json"]

    def look(self, title: str, *arguments: str, **options: Any) -> None:
        looking = {"name": "Look", "zfs_sync.fleet.zfs_sync_snapshot_info": {**CONNECTION, **options}}
        self.runs[title] = self.hosts.play(looking, hosts="localhost", arguments=arguments)

    def found(self, title: str) -> list[Mapping[str, Any]]:
        (event,) = self.runs[title].of("Look")
        assert not event.changed
        snapshots: list[Mapping[str, Any]] = event.result["snapshots"]
        return snapshots

    def event(self, title: str) -> Event:
        (event,) = self.runs[title].of("Report")
        return event

    def names(self, title: str) -> dict[str, list[str]]:
        return {each["path"]: [one["name"] for one in each["snapshots"]] for each in self.held[title]["items"]}


@pytest.fixture(scope="module")
def story(hosts: Controller) -> Story:
    story = Story(hosts)
    story.ssh(
        "zfs create tank/data && zfs create 'tank/a b' && zfs snapshot tank/data@one && zfs snapshot 'tank/a b@-x'"
    )
    story.ssh("zfs set zfs-sync:group=data tank/data")
    hosts.play(*MAKE_KEY, hosts="h1")
    story.report("check", "--check", "--diff")
    story.report("first", "--diff", "-vvvv")
    story.report("second", "--diff")
    story.ssh("head -c 300000 /dev/urandom >/tank/data/file")
    story.report("more data")
    story.ssh("zfs snapshot tank/data@two && zfs rename tank/data@one tank/data@uno")
    story.report("check of news", "--check", "--diff")
    story.report("news", "--diff")
    story.ssh("zfs destroy tank/data@two && zfs snapshot tank/data@two")
    story.report("the same name again")
    story.look("all")
    story.look("all in a check", "--check")
    story.look("of one dataset", system="h1", dataset="tank/data")
    story.look("of one GUID", guid=story.held["news"]["items"][2]["snapshots"][0]["guid"])
    story.look("the first", limit=1)
    story.report("a typing error", check=False, datasets=["tank/data", "tank/dta"])
    story.report("another system", check=False, system="h2")
    hosts.role("agent", "h1", {})
    story.report("with an agent", check=False)
    hosts.play(MAKE_KEY[0] | {"zfs_sync.fleet.zfs_sync_api_key": OTHER_KEY}, MAKE_KEY[1], hosts="h1")
    story.report("with an agent, and a key", check=False)
    return story


OTHER_KEY = {**CONNECTION, "name": "for h1 again", "role": "agent", "system": "h1"}


def test_a_check_says_what_would_be_reported_and_reports_nothing(story: Story) -> None:
    assert story.event("check").changed
    assert story.held["check"]["generation"] is None
    assert story.runs["check"].differences == story.runs["first"].differences != set()
    assert story.event("check of news").changed
    assert story.held["check of news"] == story.held["more data"]
    assert story.runs["check of news"].differences == story.runs["news"].differences


def test_a_report_brings_every_snapshot_with_its_guid(story: Story) -> None:
    assert story.event("first").changed
    assert story.names("first") == {"tank": [], "tank/a b": ["-x"], "tank/data": ["one"]}
    guids = {one["guid"] for each in story.held["first"]["items"] for one in each["snapshots"]}
    listed = story.ssh("zfs get -rHp -o name,value guid tank")
    assert guids < {line.split("\t")[1] for line in listed.splitlines()}
    (difference,) = story.runs["first"].differences
    assert "tank/data@one " in difference[4]


@pytest.mark.parametrize("title", ["second", "more data"])
def test_what_is_held_already_is_no_change(story: Story, title: str) -> None:
    assert not story.event(title).changed
    assert story.held[title] == story.held["first"]


def test_a_rename_and_a_new_snapshot_are_told_by_guid(story: Story) -> None:
    assert story.names("news")["tank/data"] == ["uno", "two"]
    before, after = (
        {one["name"]: one["guid"] for one in story.held[title]["items"][2]["snapshots"]} for title in ("first", "news")
    )
    assert before["one"] == after["uno"]


def test_another_snapshot_of_the_same_name_is_another_one(story: Story) -> None:
    assert story.event("the same name again").changed
    first, second = (story.held[title]["items"][2]["snapshots"][1] for title in ("news", "the same name again"))
    assert first["name"] == second["name"] == "two"
    assert first["guid"] != second["guid"]


def test_what_is_where_is_looked_up_by_system_dataset_and_guid(story: Story) -> None:
    held = [
        (one["path"], each["guid"]) for one in story.held["the same name again"]["items"] for each in one["snapshots"]
    ]
    found = story.found("all")
    assert [(each["dataset"], each["guid"]) for each in found] == held
    assert {each["system"] for each in found} == {"h1"}
    assert found == story.found("all in a check")
    assert found[:1] == story.found("the first")
    assert [each["name"] for each in story.found("of one dataset")] == ["uno", "two"]
    assert [each["name"] for each in story.found("of one GUID")] == ["uno"]


def test_a_dataset_that_is_not_there_is_an_error_and_forgets_nothing(story: Story) -> None:
    (said,) = story.runs["a typing error"].faults
    assert said.startswith("E_ZFS_FAILED")
    assert "tank/dta" in said
    assert story.held["a typing error"] == story.held["the same name again"]


def test_a_key_reports_for_its_own_system_only(story: Story) -> None:
    assert "E_FORBIDDEN" in story.runs["another system"].faults[0]


def test_a_system_with_an_agent_is_left_to_the_agent(story: Story) -> None:
    assert "E_UNAUTHENTICATED: The API key 'for h1' was revoked." in story.runs["with an agent"].faults[0]
    assert "E_SYSTEM_HAS_AGENT: system h1 has an agent" in story.runs["with an agent, and a key"].faults[0]
    assert story.held["with an agent, and a key"]["installation"] != "no-agent"


def test_no_key_is_shown(story: Story) -> None:
    assert keys_in("".join(story.hosts.outputs)) == []
