# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Peers: whoever is ahead is followed, nothing is sent twice, and a conflict is left to people."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.integration.agent.conftest import bare
from tests.integration.agent.evidence import Receives, check_jobs
from tests.integration.agent.fleet import Fleet, command_of, wait_for
from tests.lab.fixtures import LabFactory

pytestmark = [pytest.mark.lab, pytest.mark.story, pytest.mark.long]

FIVE = ("h1", "h2", "h3", "h4", "h5")
TWO = FIVE[:2]
BOTH = [{"dataset": "tank", "operations": ["send", "receive"]}]


def peers(dataset: str, systems: Sequence[str]) -> dict[str, Any]:
    return {"members": [{"system": each, "dataset": dataset, "role": "peer"} for each in systems]}


@pytest.fixture(scope="module")
def fleet(lab_factory: LabFactory, package: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """Five hosts; two of them share tank/two, all of them tank/five, which are written on h1."""
    with bare(lab_factory, package, tmp_path_factory, dict.fromkeys(FIVE, "tank")) as fleet:
        source = fleet.host("h1")
        for dataset in ("tank/two", "tank/five", "tank/five/child"):
            source.ssh(["zfs", "create", dataset])
            source.ssh(["dd", "if=/dev/urandom", f"of=/{dataset}/file", "bs=64k", "count=8", "status=none"])
        for dataset in ("tank/two", "tank/five"):
            source.ssh(["zfs", "snapshot", "-r", f"{dataset}@first"])
            source.ssh(["zfs", "snapshot", "-r", f"{dataset}@second"])
        groups = {"two": peers("tank/two", TWO), "five": peers("tank/five", FIVE)}
        fleet.witness.apply({"version": 1, "systems": {each: {} for each in FIVE}, "sync_groups": groups})
        for name in FIVE:
            fleet.configure(name, BOTH)
            assert fleet.install(name)["enrolled"], fleet.journal(name)
        fleet.trust(*FIVE)
        settled(fleet, "tank/two", TWO, "h1")
        for dataset in ("tank/five", "tank/five/child"):
            settled(fleet, dataset, FIVE, "h1")
        yield fleet
        check_jobs(fleet.witness.database)


def settled(fleet: Fleet, dataset: str, systems: Sequence[str], like: str) -> None:
    wanted = fleet.guids(like, dataset)
    assert wanted
    for each in systems:
        wait_for(lambda each=each: fleet.guids(each, dataset) == wanted, f"{dataset} arrives on {each}", 180)


def rows(fleet: Fleet, group: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = fleet.witness.call("GET", f"/status?group={group}")["items"]
    return found


def calm(fleet: Fleet, group: str) -> None:
    """Every edge of the group is in sync, and nothing waits or runs."""

    def condition() -> bool:
        return all(each["outcome"] == "IN_SYNC" and each["job"] is None for each in rows(fleet, group))

    wait_for(condition, f"{group} is in sync", 120)


def write(fleet: Fleet, name: str, dataset: str, label: str) -> None:
    host = fleet.host(name)
    if host.ssh(["zfs", "get", "-H", "-o", "value", "mounted", dataset]).stdout.strip() != "yes":
        host.ssh(["zfs", "mount", dataset])
    host.ssh(["dd", "if=/dev/urandom", f"of=/{dataset}/{label}", "bs=64k", "count=4", "status=none"])
    host.ssh(["zfs", "snapshot", f"{dataset}@{label}"])


def test_what_a_peer_received_is_writable_and_not_mounted(fleet: Fleet) -> None:
    asked = ["zfs", "get", "-H", "-o", "property,value", "readonly,canmount,mounted,zfs-sync:group", "tank/two"]
    assert fleet.host("h2").ssh(asked).stdout == "readonly\toff\ncanmount\tnoauto\nmounted\tno\nzfs-sync:group\ttwo\n"
    assert fleet.host("h1").ssh(asked).stdout == "readonly\toff\ncanmount\ton\nmounted\tyes\nzfs-sync:group\t-\n"


def test_the_writer_moves_from_one_peer_to_the_other_and_back(fleet: Fleet) -> None:
    calm(fleet, "two")
    for number, writer in enumerate(("h2", "h1", "h2", "h1")):
        for name in TWO:
            fleet.host(name).ssh(["zfs", "unmount", "tank/two"], check=False)  # reading would write access times
        write(fleet, writer, "tank/two", f"turn{number}")
        settled(fleet, "tank/two", TWO, writer)
        calm(fleet, "two")
    files = fleet.files("h1", "tank/two")
    assert {"./turn0", "./turn1", "./turn2", "./turn3"} <= set(files)
    assert fleet.files("h2", "tank/two") == files


def test_a_new_snapshot_reaches_four_others_once(fleet: Fleet) -> None:
    calm(fleet, "five")
    before = check_jobs(fleet.witness.database)
    with ExitStack() as stack:
        watched = [stack.enter_context(Receives(fleet.host(name))) for name in FIVE[1:]]
        write(fleet, "h1", "tank/five", "third")
        settled(fleet, "tank/five", FIVE, "h1")
        calm(fleet, "five")
    for each in watched:
        each.check()
    moved = check_jobs(fleet.witness.database)
    for name in FIVE[1:]:
        assert moved[f"{name}:tank/five"] - before[f"{name}:tank/five"] == 1


def test_a_peer_that_cannot_reach_the_writer_gets_it_from_another_one(fleet: Fleet) -> None:
    calm(fleet, "five")
    fleet.lab.partition("h1", "h5")
    try:
        write(fleet, "h1", "tank/five", "fourth")
        settled(fleet, "tank/five", FIVE, "h1")
    finally:
        fleet.lab.heal_all()
    calm(fleet, "five")
    jobs = fleet.witness.call("GET", "/jobs?group=five&system=h5&state=succeeded")["items"]
    assert any(each["from_system"] != "h1" and each["moved_snapshots"] for each in jobs)


def test_a_new_writer_is_followed_by_all(fleet: Fleet) -> None:
    calm(fleet, "five")
    fleet.host("h1").ssh(["zfs", "unmount", "tank/five/child"], check=False)
    fleet.host("h1").ssh(["zfs", "unmount", "tank/five"], check=False)
    write(fleet, "h4", "tank/five", "fifth")
    settled(fleet, "tank/five", FIVE, "h4")
    calm(fleet, "five")


def test_a_peer_of_its_own_data_is_left_alone(fleet: Fleet) -> None:
    for name in TWO:
        fleet.host(name).ssh(["zfs", "create", "tank/own"])
        fleet.host(name).ssh(f"echo {name} >/tank/own/file && zfs snapshot tank/own@mine")
    fleet.witness.apply({"version": 1, "sync_groups": {"own": peers("tank/own", TWO)}})
    wait_for(lambda: {each["outcome"] for each in rows(fleet, "own")} == {"NO_COMMON_BASE"}, "it is seen")
    for name in TWO:
        assert fleet.host(name).ssh(["cat", "/tank/own/file"]).stdout == f"{name}\n"
        assert len(fleet.guids(name, "tank/own")) == 1
    fleet.witness.call("DELETE", "/sync-groups/own?owner=api/default")


def test_both_changed_is_a_conflict_and_nobody_takes_sides(fleet: Fleet) -> None:
    calm(fleet, "five")
    fleet.lab.partition("h1", "h2")
    for name in ("h3", "h4", "h5"):
        fleet.host(name).ssh(["systemctl", "stop", "zfs-sync-agent"])
    write(fleet, "h1", "tank/five", "by-h1")
    write(fleet, "h2", "tank/five", "by-h2")

    def apart() -> bool:
        found = {(each["from_system"], each["to_system"]): each["outcome"] for each in rows(fleet, "five")
                 if each["relative"] == ""}  # fmt: skip
        return found["h1", "h2"] == found["h2", "h1"] == "DIVERGED"

    wait_for(apart, "the conflict is seen")
    kept = {name: fleet.guids(name, "tank/five") for name in FIVE}
    fleet.lab.heal_all()
    for name in ("h3", "h4", "h5"):
        fleet.host(name).ssh(["systemctl", "start", "zfs-sync-agent"])
    online = lambda: all(each["online"] for each in fleet.witness.call("GET", "/status")["systems"])  # noqa: E731
    wait_for(online, "all hosts are back")
    fleet.witness.call("POST", "/sync-groups/five/sync", {})
    assert fleet.witness.call("GET", "/jobs?group=five&state=queued")["items"] == []
    assert fleet.witness.call("GET", "/jobs?group=five&state=running")["items"] == []
    assert {name: fleet.guids(name, "tank/five") for name in FIVE} == kept
    item = next(each for each in rows(fleet, "five") if (each["from_system"], each["to_system"]) == ("h1", "h2"))
    assert item["error"]["code"] == "E_DIVERGED"
    fleet.host("h2").ssh(command_of(item))
    fleet.witness.call("POST", "/sync-groups/five/sync", {})
    settled(fleet, "tank/five", FIVE, "h1")
    calm(fleet, "five")
