# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The roles agent, ssh_trust and sync, each by itself: what a check foresees, what a run does, what a second does."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
import yaml

from tests.integration.collection.canary import keys_in
from tests.integration.collection.conftest import FLEET, MEMBERS
from tests.integration.collection.controller import Controller, Run
from tests.lab.host import Host

pytestmark = [pytest.mark.lab, pytest.mark.timeout(900)]

STATE = r"""
find /etc /opt /usr /var/lib /root /run/zfs-sync -xdev -not -path '/var/lib/systemd/*' -not -path '/root/.ansible*' \
  -not -name '*-' -type f -printf '%p %m %u:%g\n' 2>/dev/null | sort
getent passwd; getent group; systemctl list-unit-files --no-legend --plain 'zfs-sync*'
zfs list -H -o name -t all
"""
WITHOUT_H3 = {**FLEET, "sync_groups": {"data": {"mode": "manual", "members": MEMBERS[:2]}}}
KNOWN_HOSTS = "/var/lib/zfs-sync/agent/ssh/known_hosts"
PEER_SSH = (
    f"ssh -T -F none -o BatchMode=yes -o UserKnownHostsFile={KNOWN_HOSTS} -o GlobalKnownHostsFile=none"
    " -o ControlPath=none -i /var/lib/zfs-sync/agent/ssh/id_ed25519 zfs-sync@{peer} </dev/null"
)
ALL = ("check", "run", "second")


@dataclass(slots=True)
class Story:
    """Runs of roles in order, each with what it left; the tests look back at it."""

    controller: Controller
    runs: dict[str, Run] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)

    def host(self, name: str) -> Host:
        return self.controller.lab.host(name)

    def role(
        self,
        title: str,
        role: str,
        hosts: str,
        variables: Mapping[str, Any] | None = None,
        steps: Collection[str] = ALL,
    ) -> None:
        """A check of one role, its run, and a second run; what the first host is like in between."""
        given, first = dict(variables or {}), hosts.partition(",")[0]
        if "check" in steps:
            self.notes[f"before {title}"] = self.host(first).ssh(STATE).stdout
            self.runs[f"check {title}"] = self.controller.role(role, hosts, given, "--check", "--diff")
            self.notes[f"checked {title}"] = self.host(first).ssh(STATE).stdout
        self.runs[title] = self.controller.role(role, hosts, given, "--diff", "-vvvv")
        if "second" in steps:
            self.runs[f"second {title}"] = self.controller.role(role, hosts, given)

    def configuration(self, name: str) -> dict[str, Any]:
        document: dict[str, Any] = yaml.safe_load(self.host(name).ssh(["cat", "/etc/zfs-sync/agent.conf"]).stdout)
        return document

    def reaches(self, name: str, peer: str) -> str:
        """What ssh says of a login as a peer does it; the gate refuses a request that is none."""
        return self.host(name).ssh(PEER_SSH.format(peer=peer), check=False).stderr


@pytest.fixture(scope="module")
def story(hosts: Controller) -> Story:
    story = Story(hosts)
    h1 = story.host("h1")
    h1.ssh("zfs create tank/data && echo hello >/tank/data/file && zfs snapshot tank/data@one")
    h1.put(b"# of a witness on this host\n", "/etc/zfs-sync/witness.yml")
    story.notes["bare"] = h1.ssh(STATE).stdout
    _agents(story)
    _trust(story)
    story.role("removal", "agent", "h1", {"zfs_sync_agent_state": "absent"})
    story.notes["after removal"] = h1.ssh(STATE).stdout
    return story


def _agents(story: Story) -> None:
    story.role("install", "agent", "h1,h2,h3")
    story.notes["derived"] = story.configuration("h1")
    story.notes["before change"] = _invocation(story.host("h1"))
    story.role("change", "agent", "h1", {"zfs_sync_agent_settings": {"scan_interval": "1s", "parallel_jobs": 3}})
    story.notes["after change"] = _invocation(story.host("h1"))
    given = {"zfs_sync_agent_allow": [{"dataset": "tank", "operations": ["send"]}]}
    story.role("given allow-list", "agent", "h1", given, steps=("run",))
    story.notes["given"] = story.configuration("h1")


def _trust(story: Story) -> None:
    story.role("trust", "ssh_trust", "h1,h2,h3")
    story.notes["logins"] = {(a, b): story.reaches(a, b) for a, b in (("h2", "h1"), ("h3", "h2"), ("h3", "h1"))}
    _sync(story)
    story.role("trust without a host", "ssh_trust", "h1,h2", steps=("run",))
    story.notes["absent peer"] = story.reaches("h3", "h2")
    _strange_host_key(story)
    without = {"zfs_sync_fleet": WITHOUT_H3}
    story.role("trust without a member", "ssh_trust", "h1,h2", without, steps=("check", "run"))
    story.notes["removed member"] = story.reaches("h3", "h2")


def _invocation(host: Host) -> str:
    return host.ssh(["systemctl", "show", "-P", "InvocationID", "zfs-sync-agent"]).stdout


def _sync(story: Story) -> None:
    variables = {"zfs_sync_sync_groups": ["data"]}
    for title, options in (
        ("check sync", ["--check"]),
        ("sync", []),
        ("second sync", []),
        ("check in sync", ["--check"]),
    ):
        story.runs[title] = story.controller.role("sync", "localhost", variables, *options)
        story.notes[title] = story.host("h3").ssh("zfs list -H -o name -t snapshot", check=False).stdout


def _strange_host_key(story: Story) -> None:
    """Somebody puts another key in the place of h1's, as one would who sits between the two."""
    other = "ssh-keygen -q -t ed25519 -N '' -f /tmp/other && cut -d' ' -f1,2 /tmp/other.pub"
    story.host("h2").ssh(f"echo h1 $({other}) >{KNOWN_HOSTS}")
    story.notes["strange host key"] = story.reaches("h2", "h1")
    story.role("trust after tampering", "ssh_trust", "h2,h1", steps=("run",))
    story.notes["mended host key"] = story.reaches("h2", "h1")


@pytest.mark.parametrize("title", ["install", "change", "trust", "trust without a member", "removal"])
def test_a_check_predicts_the_run_and_changes_nothing(story: Story, title: str) -> None:
    predicted, done = story.runs[f"check {title}"], story.runs[title]
    assert predicted.changed == done.changed != set()
    assert predicted.differences == {each for each in done.differences if not each[2].endswith("/enrol.key")}
    assert story.notes[f"checked {title}"] == story.notes[f"before {title}"]


@pytest.mark.parametrize("title", ["install", "change", "trust", "removal"])
def test_a_second_run_changes_nothing(story: Story, title: str) -> None:
    assert story.runs[f"second {title}"].changed == set()


def test_the_allow_list_follows_from_the_fleet_document_unless_it_is_given(story: Story) -> None:
    assert story.notes["derived"]["allow"] == [{"dataset": "tank/data", "operations": ["send"]}]
    assert story.notes["given"]["allow"] == [{"dataset": "tank", "operations": ["send"]}]


def test_a_change_of_the_configuration_restarts_the_agent(story: Story) -> None:
    assert story.notes["before change"] != story.notes["after change"]
    (done,) = story.runs["change"].of("Bring the agent to what is declared")
    assert done.result["actions"] == ["change /etc/zfs-sync/agent.conf", "restart zfs-sync-agent.service"]


def test_hosts_that_share_an_edge_reach_each_other_and_no_others(story: Story) -> None:
    logins = story.notes["logins"]
    assert "zfs-sync-gate: " in logins["h2", "h1"]
    assert "zfs-sync-gate: " in logins["h3", "h2"]
    assert "Host key verification failed" in logins["h3", "h1"]
    assert (
        "gate --peer h2" in (allowed := story.host("h2").ssh("cat /var/lib/zfs-sync/.ssh/authorized_keys").stdout)
        or allowed
    )


def test_a_peer_outside_of_the_play_keeps_its_trust(story: Story) -> None:
    assert story.runs["trust without a host"].changed == set()
    assert "h3 could not be asked for keys" in story.runs["trust without a host"].output
    assert "zfs-sync-gate: " in story.notes["absent peer"]


def test_a_member_that_left_loses_its_access(story: Story) -> None:
    assert "Permission denied" in story.notes["removed member"]


def test_another_host_key_is_refused_and_mended_by_the_role(story: Story) -> None:
    assert "Host key verification failed" in story.notes["strange host key"]
    assert "zfs-sync-gate: " in story.notes["mended host key"]


def test_sync_is_changed_only_if_data_moved(story: Story) -> None:
    assert {
        title: bool(story.runs[title].changed) for title in ("check sync", "sync", "second sync", "check in sync")
    } == {
        "check sync": True,
        "sync": True,
        "second sync": False,
        "check in sync": False,
    }
    assert story.notes["check sync"] == ""
    assert story.notes["sync"] == "safe/data@one\n"


def test_a_check_of_sync_says_what_would_move(story: Story) -> None:
    (asked,) = story.runs["check sync"].of("Run each group now, and wait until it is in sync")
    outcomes = {each["edge"]: each["outcome"] for each in asked.result["edges"]}
    assert outcomes["data:h2:backup/data"] == "INITIAL"


def test_removal_leaves_nothing_of_the_agent_and_everything_of_others(story: Story) -> None:
    assert story.notes["after removal"] == story.notes["bare"]
    assert "tank/data@one" in story.notes["after removal"]
    assert "/etc/zfs-sync/witness.yml" in story.notes["after removal"]


def test_no_key_is_shown(story: Story) -> None:
    for title, run in story.runs.items():
        assert keys_in(run.output) == [], title
