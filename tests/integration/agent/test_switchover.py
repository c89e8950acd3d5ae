# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Roles that change: forth and back, refused while it would lose something, and with what was renamed."""

from typing import Any

import pytest

from tests.integration.agent.evidence import check_jobs
from tests.integration.agent.fleet import Fleet, command_of, wait_for

pytestmark = [pytest.mark.lab, pytest.mark.story]

BOTH = ["send", "receive"]
PLACES = {"h1": "tank/data", "h2": "backup/data", "h3": "safe/data"}


def document(source: str, **more: Any) -> dict[str, Any]:
    """The group with this source; the others are its targets."""
    members = [
        {"system": name, "dataset": dataset, "role": "source" if name == source else "target"}
        for name, dataset in PLACES.items()
    ]
    return {"version": 1, "systems": {name: {} for name in PLACES}, "sync_groups": {"g": {"members": members, **more}}}


@pytest.fixture(scope="module")
def fleet(bare_fleet: Fleet) -> Fleet:
    """h1 feeds h2 and h3 with a dataset and its child."""
    fleet = bare_fleet
    fleet.host("h1").ssh("zfs create tank/data && zfs create tank/data/child && echo one >/tank/data/file")
    fleet.host("h1").ssh("zfs snapshot -r tank/data@first && zfs snapshot -r tank/data@second")
    fleet.witness.apply(document("h1"))
    for name, dataset in PLACES.items():
        fleet.configure(name, [{"dataset": dataset, "operations": BOTH}])
        assert fleet.install(name)["enrolled"], fleet.journal(name)
    fleet.trust(*PLACES)
    settled(fleet, "h1")
    return fleet


def settled(fleet: Fleet, like: str, *names: str) -> None:
    for below in ("", "/child"):
        wanted = fleet.guids(like, PLACES[like] + below)
        assert wanted
        for name in names or PLACES:
            found = PLACES[name] + below
            wait_for(
                lambda name=name, found=found, wanted=wanted: fleet.guids(name, found) == wanted,
                f"{found} arrives on {name}",
            )


def in_sync(fleet: Fleet, group: str = "g") -> None:
    def condition() -> bool:
        items = fleet.witness.call("GET", f"/status?group={group}")["items"]
        return len(items) == 4 and all(each["outcome"] == "IN_SYNC" and each["job"] is None for each in items)

    wait_for(condition, "everything is in sync")


def write(fleet: Fleet, name: str, label: str) -> None:
    """As an application that moved to this host does."""
    host, dataset = fleet.host(name), PLACES[name]
    for each in (dataset, f"{dataset}/child"):
        host.ssh(["zfs", "set", "readonly=off", each])
        host.ssh(f"zfs mount {each}", check=False)
    host.ssh(f"echo {label} >/{dataset}/{label} && zfs snapshot -r {dataset}@{label}")


def protect(fleet: Fleet, name: str) -> None:
    fleet.host(name).ssh(["zfs", "set", "readonly=on", PLACES[name]])
    fleet.host(name).ssh(["zfs", "set", "readonly=on", f"{PLACES[name]}/child"])


def test_forth_and_back(fleet: Fleet) -> None:
    protect(fleet, "h1")
    in_sync(fleet)
    answer = fleet.witness.apply(document("h2"))
    (warning,) = [each for each in answer["warnings"] if each["code"] == "SWITCHOVER"]
    assert "zfs set readonly=off backup/data" in warning["message"]
    write(fleet, "h2", "third")
    settled(fleet, "h2")
    in_sync(fleet)
    marker = ["zfs", "get", "-H", "-o", "value,source", "zfs-sync:group", "tank/data"]
    assert fleet.host("h1").ssh(marker).stdout == "g\tlocal\n", "the old source is a target of ours now"
    assert fleet.host("h1").ssh(["cat", "/tank/data/third"]).stdout == "third\n"
    protect(fleet, "h2")
    fleet.witness.apply(document("h1"))
    write(fleet, "h1", "fourth")
    settled(fleet, "h1")
    in_sync(fleet)
    check_jobs(fleet.witness.database)


def test_a_new_source_that_is_behind_is_refused_by_name(fleet: Fleet) -> None:
    in_sync(fleet)
    fleet.host("h3").ssh(["systemctl", "stop", "zfs-sync-agent"])
    write(fleet, "h1", "fifth")
    settled(fleet, "h1", "h2")
    wanted = document("h3")
    refused: dict[str, Any] = {}

    def told() -> bool:
        nonlocal refused
        refused = fleet.witness.call("POST", "/fleet/plan", {"fleet": wanted}, expect=409)
        return "tank/data/child@fifth" in refused["errors"][0]["message"]

    wait_for(told, "what is lacking is named")
    assert refused["code"] == "E_SWITCHOVER_BEHIND"
    assert "tank/data@fifth" in refused["errors"][0]["message"]
    assert refused["errors"][0]["pointer"] == "/fleet/sync_groups/g/members/2/role"
    fleet.witness.call("POST", "/fleet/apply", {"fleet": wanted}, expect=409)
    disabled = fleet.witness.call("POST", "/fleet/plan", {"fleet": document("h3", enabled=False)})
    assert disabled["summary"]["updated"] == 1
    fleet.host("h3").ssh(["systemctl", "start", "zfs-sync-agent"])
    settled(fleet, "h1")
    in_sync(fleet)


def test_the_base_stays_held_when_roles_change(fleet: Fleet) -> None:
    in_sync(fleet)
    protect(fleet, "h1")
    fleet.witness.apply(document("h2"))
    in_sync(fleet)
    for name in ("h1", "h2"):
        newest = fleet.host(name).ssh(
            ["zfs", "list", "-H", "-t", "snapshot", "-o", "name", "-S", "creation", "-r", "-d", "1", PLACES[name]]
        )
        label = newest.stdout.splitlines()[0]
        assert fleet.host(name).ssh(["zfs", "destroy", label], check=False).returncode != 0, f"{label} was not held"
    write(fleet, "h2", "sixth")
    settled(fleet, "h2")
    protect(fleet, "h2")
    fleet.witness.apply(document("h1"))
    in_sync(fleet)


def test_an_old_source_that_went_on_has_diverged_and_is_left_alone(fleet: Fleet) -> None:
    in_sync(fleet)
    fleet.witness.apply(document("h2"))
    write(fleet, "h1", "late")
    write(fleet, "h2", "new")

    def outcome() -> str:
        items = fleet.witness.call("GET", "/status?group=g")["items"]
        return str(next(each["outcome"] for each in items if (each["to_system"], each["relative"]) == ("h1", "")))

    wait_for(lambda: outcome() == "DIVERGED", "it is seen")
    assert fleet.host("h1").ssh(["cat", "/tank/data/late"]).stdout == "late\n"
    settled(fleet, "h2", "h3")
    items = fleet.witness.call("GET", "/status?group=g")["items"]
    for item in (each for each in items if each["outcome"] == "DIVERGED"):
        fleet.host("h1").ssh(command_of(item))
    protect(fleet, "h1")
    fleet.witness.call("POST", "/sync-groups/g/sync", {})
    settled(fleet, "h2")
    in_sync(fleet)


def test_a_renamed_group_and_a_renamed_system_go_on(fleet: Fleet) -> None:
    in_sync(fleet)
    source = next(each["from_system"] for each in fleet.witness.call("GET", "/status?group=g")["items"])
    other = "h1" if source == "h2" else "h2"
    fleet.witness.call("POST", "/sync-groups/g/rename", {"name": "pictures"})
    fleet.witness.call("POST", f"/systems/{other}/rename", {"name": "munich"})
    fleet.witness.call("POST", "/systems/h3/rename", {"name": "vault"})
    for name in (other, "h3"):
        marker = ["zfs", "get", "-rH", "-t", "filesystem", "-o", "value", "zfs-sync:group", PLACES[name]]
        wait_for(
            lambda name=name, marker=marker: (
                fleet.host(name).ssh(marker, check=False).stdout.split() == ["pictures", "pictures"]
                or fleet.host(name)
                .ssh(["zfs", "get", "-rH", "-o", "value", "zfs-sync:group", PLACES[name]])
                .stdout.count("pictures")
                >= 2
            ),
            f"the targets on {name} carry the new name",
        )
    write(fleet, source, "renamed")
    settled(fleet, source)
    in_sync(fleet, "pictures")
    items = fleet.witness.call("GET", "/status?group=pictures")["items"]
    assert {each["to_system"] for each in items} == {"munich", "vault"}
    jobs = fleet.witness.call("GET", "/jobs?group=pictures&system=munich")["items"]
    assert len(jobs) > 2, "the jobs of before are its own"


def test_an_agent_whose_configuration_follows_goes_on(fleet: Fleet) -> None:
    items = fleet.witness.call("GET", "/status?group=pictures")["items"]
    source = next(each["from_system"] for each in items)
    fleet.configs["h3"]["system"] = "vault"
    assert fleet.install("h3", enrol=False)["enrolled"], fleet.journal("h3")
    write(fleet, source, "configured")
    settled(fleet, source)
    in_sync(fleet, "pictures")
    assert "E_FORBIDDEN" not in fleet.journal("h3")
