# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The playbooks of the collection that ships, from bare hosts to a fleet in sync: what they predict, do, and repeat."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.demo.stage import DATA, POOLS
from tests.integration.collection.canary import keys_in, places_of_keys
from tests.integration.collection.controller import ROOT, Controller, Run
from tests.lab.fixtures import LabFactory
from tests.lab.host import Host

pytestmark = [pytest.mark.lab, pytest.mark.timeout(900)]

HOSTS = ("nas1", "nas2", "vault")
WITNESS_MB = 80
AGENT_MB = 50
WITNESS = "nas1"
MADE_BY_THE_RUN = ("/var/lib/zfs-sync/agent/enrol.key", "/etc/zfs-sync/ca.pem")
"""What no check can show, for the witness that makes it is not there; that it will be made is foreseen."""
MADE_BEFORE = {("nas1", "Bring the agent to what is declared", "/etc/zfs-sync", "", "mode 0755 root:root\n")}
"""What a check says twice, since an earlier task of the run makes it for both."""
STATE = r"""
find /etc /opt /usr /var/lib /root -xdev -not -path '/var/lib/systemd/*' -not -path '/root/.ansible*' \
  -printf '%p %y %m %u:%g %s %l\n' | sort
getent passwd; getent group; systemctl list-unit-files --no-legend --plain; zfs list -H -o name -t all
"""


@dataclass(slots=True)
class Story:
    """What happened, in order; the tests look back at it, each at its own part."""

    controller: Controller
    runs: dict[str, Run] = field(default_factory=dict)
    states: dict[str, Mapping[str, str]] = field(default_factory=dict)
    requests: dict[str, Sequence[tuple[str, str]]] = field(default_factory=dict)

    def host(self, name: str) -> Host:
        return self.controller.lab.host(name)

    def note_state(self, title: str) -> None:
        self.states[title] = {name: self.host(name).ssh(STATE).stdout for name in HOSTS}

    def play(self, title: str, playbook: str, *options: str, **variables: Any) -> Run:
        """Run a playbook at the highest verbosity; what the witness was asked by it is kept too."""
        since = len(self._log())
        self.runs[title] = self.controller.playbook(playbook, *options, "-vvvv", "--diff", variables=variables or None)
        asked = (line for line in self._log()[since:] if line.get("event") == "request" and line["key"] == "admin")
        self.requests[title] = [(line["method"], line["path"]) for line in asked]
        return self.runs[title]

    def _log(self) -> list[dict[str, Any]]:
        said = self.host(WITNESS).ssh(["journalctl", "--unit=zfs-sync-witness", "--output=cat", "--no-pager"]).stdout
        return [json.loads(line) for line in said.splitlines() if line.startswith("{")]


@pytest.fixture(scope="module")
def story(collection: None, lab_factory: LabFactory, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    controller_groups = {"witness": [WITNESS], "zfs_sync_hosts": HOSTS}
    folder = tmp_path_factory.mktemp("site")
    with lab_factory(HOSTS) as lab:
        controller = Controller(lab, folder, controller_groups)
        controller.variables["zfs_sync_fleet_file"] = str(ROOT / "examples" / "fleet.yml")
        for name, pools in POOLS.items():
            for pool in pools:
                lab.host(name).create_pool(pool, "256M")
        lab.host("nas1").ssh(DATA)
        story = Story(controller)
        _live_through(story, folder)
        yield story


def _live_through(story: Story, folder: Path) -> None:
    story.note_state("fresh")
    story.play("check of fresh hosts", "zfs_sync.fleet.site", "--check")
    story.note_state("after the check")
    story.play("first run", "zfs_sync.fleet.site")
    story.play("first sync", "zfs_sync.fleet.sync_now")
    story.play("second sync", "zfs_sync.fleet.sync_now")
    changed = yaml.safe_load((ROOT / "examples" / "fleet.yml").read_text())
    changed["systems"]["vault"]["description"] = "In the cellar"
    del changed["sync_groups"]["machines"]["members"][1]
    (folder / "changed.yml").write_text(yaml.safe_dump(changed))
    edited = {"zfs_sync_fleet_file": str(folder / "changed.yml")}
    story.note_state("before the edit")
    story.play("check of an edit", "zfs_sync.fleet.site", "--check", **edited)
    story.note_state("after the check of an edit")
    story.play("run of an edit", "zfs_sync.fleet.site", **edited)
    story.play("second run", "zfs_sync.fleet.site", **edited)
    story.play("check of what is there", "zfs_sync.fleet.site", "--check", **edited)
    story.play("status", "zfs_sync.fleet.status")


def test_a_check_of_fresh_hosts_changes_nothing_on_them(story: Story) -> None:
    assert story.states["after the check"] == story.states["fresh"]
    assert story.requests["check of fresh hosts"] == []


def test_a_check_of_fresh_hosts_predicts_exactly_what_the_run_then_does(story: Story) -> None:
    predicted, done = story.runs["check of fresh hosts"], story.runs["first run"]
    assert predicted.changed == done.changed
    assert {place[0] for place in done.changed} == set(HOSTS)
    for task in ("Write the settings", "Write the unit", "Bring the agent to what is declared"):
        shown = [{each for each in run.differences if each[1] == task} for run in (predicted, done)]
        assert shown[0] - MADE_BEFORE == {each for each in shown[1] if each[2] not in MADE_BY_THE_RUN} != set()


def test_a_check_of_an_edit_predicts_exactly_what_the_run_then_does(story: Story) -> None:
    predicted, done = story.runs["check of an edit"], story.runs["run of an edit"]
    assert predicted.changed == done.changed
    assert {place[:2] for place in done.changed} == {
        ("nas1", "Declare the fleet"),
        ("nas2", "Bring the agent to what is declared"),
    }
    assert predicted.differences == done.differences != set()


def test_a_check_of_an_edit_changes_nothing_on_the_hosts(story: Story) -> None:
    before, after = story.states["before the edit"], story.states["after the check of an edit"]
    assert {name: _without_state(each) for name, each in after.items()} == {
        name: _without_state(each) for name, each in before.items()
    }


def _without_state(listing: str) -> list[str]:
    """What the running witness and agents write themselves is theirs."""
    return [line for line in listing.splitlines() if not line.startswith(("/var/lib/zfs-sync",))]


@pytest.mark.parametrize("run", ["second run", "check of what is there", "second sync"])
def test_a_second_run_changes_nothing(story: Story, run: str) -> None:
    assert story.runs[run].changed == set()
    assert "changed=0" in story.runs[run].output


@pytest.mark.parametrize("check", ["check of what is there", "check of an edit"])
def test_a_check_asks_the_witness_for_plans_and_reads_only(story: Story, check: str) -> None:
    asked = story.requests[check]
    assert ("POST", "/api/v1/fleet/plan") in asked
    assert [each for each in asked if each[0] != "GET" and each != ("POST", "/api/v1/fleet/plan")] == []


def test_a_run_writes_by_one_request(story: Story) -> None:
    written = [each for each in story.requests["run of an edit"] if each[0] != "GET"]
    assert written == [("POST", "/api/v1/fleet/apply")]


def test_a_sync_brings_the_data(story: Story) -> None:
    for source, dataset, target, copy in (
        ("nas1", "tank/photos/2026", "vault", "safe/photos/2026"),
        ("nas1", "tank/vm images", "nas2", "backup/vm images"),
        ("nas1", "tank/projects", "nas1", "spool/projects"),
    ):
        heads = [_guids(story, *each) for each in ((source, dataset), (target, copy))]
        assert heads[0] == heads[1] != []


def _guids(story: Story, host: str, dataset: str) -> list[str]:
    said = story.host(host).ssh(["zfs", "get", "-rHp", "-d", "1", "-o", "value,name", "guid", dataset]).stdout
    return [line.split("\t")[0] for line in said.splitlines() if "@" in line]


def test_an_edit_takes_the_access_of_a_member_that_left(story: Story) -> None:
    allowed = story.host("nas1").ssh(["cat", "/etc/zfs-sync/agent.conf"]).stdout
    assert "tank/vm images" in allowed
    assert "backup/vm images" not in story.host("nas2").ssh(["cat", "/etc/zfs-sync/agent.conf"]).stdout
    assert _guids(story, "nas2", "backup/vm images") != []


def test_the_status_is_a_table_with_a_line_for_each_dataset(story: Story) -> None:
    (shown,) = story.runs["status"].of("Show it")
    lines = shown.result["msg"]
    assert lines[0].split() == ["HOST", "STATE", "AGENT", "DATASETS", "LAST", "SEEN"]
    assert [line.split()[:2] for line in lines[1:4]] == [[name, "online"] for name in HOSTS]
    assert lines[5].split() == ["FROM", "TO", "OUTCOME", "LAG", "WHY"]
    assert ["nas2:backup/photos/2026", "vault:safe/photos/2026", "IN_SYNC"] in [line.split()[:3] for line in lines[6:]]


def test_no_key_is_anywhere_but_in_its_own_file(story: Story) -> None:
    own = {name: {"/var/lib/zfs-sync/agent/agent.key"} for name in HOSTS}
    own[WITNESS] |= {"/var/lib/zfs-sync-witness/admin.key"}
    for name in HOSTS:
        assert places_of_keys(story.host(name)) == own[name]
        modes = story.host(name).ssh(["stat", "--format=%a", *own[name]]).stdout.split()
        assert modes == ["600"] * len(own[name])


def test_no_key_is_shown_by_ansible_or_left_on_the_controller(story: Story) -> None:
    for title, run in story.runs.items():
        assert keys_in(run.output) == [], title
    for path in story.controller.folder.rglob("*"):
        assert not path.is_file() or keys_in(path.read_text(errors="replace")) == [], path


def test_witness_and_agents_are_small_when_they_idle(story: Story) -> None:
    """In MB, as they were promised, and after what the demo does: a fleet applied, synced, edited, and asked for."""
    units = {f"{WITNESS} witness": (WITNESS, "zfs-sync-witness")} | {
        f"{name} agent": (name, "zfs-sync-agent") for name in HOSTS
    }
    megabytes = {title: _pss_megabytes(story.host(name), unit) for title, (name, unit) in units.items()}
    print("PSS in MB:", {title: round(size, 1) for title, size in megabytes.items()})
    times = "systemctl show -P ActiveEnterTimestampMonotonic -P InactiveExitTimestampMonotonic zfs-sync-witness"
    begun, ready = sorted(map(int, story.host(WITNESS).ssh(times).stdout.split()))
    print(f"The witness was ready in {(ready - begun) / 1e6:.2f} s")
    assert megabytes.pop(f"{WITNESS} witness") <= WITNESS_MB
    assert max(megabytes.values()) <= AGENT_MB


def _pss_megabytes(host: Host, unit: str) -> float:
    process = host.ssh(["systemctl", "show", "-P", "MainPID", unit]).stdout.strip()
    rollup = host.ssh(["cat", f"/proc/{process}/smaps_rollup"]).stdout
    return next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:")) * 1024 / 1e6
