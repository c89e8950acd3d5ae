# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Replicas that a person seeded by hand: taken over by the command of the status, where GUIDs prove the base."""

from typing import Any

import pytest

from tests.integration.agent.fleet import Fleet, wait_for

pytestmark = [pytest.mark.lab, pytest.mark.story]

TREE = ("", "/below")
SAYS = "run on h2: "


def seed(fleet: Fleet, source: str, target: str) -> None:
    """What a person does with zfs send and receive, by way of a file."""
    stream = fleet.host("h1").ssh(f"zfs send {source} | base64").stdout
    fleet.host("h2").ssh(f"base64 -d | zfs receive {target}", input=stream.encode())


def status(fleet: Fleet, group: str) -> dict[str, dict[str, Any]]:
    return {each["relative"]: each for each in fleet.witness.call("GET", f"/status?group={group}")["items"]}


def said(fleet: Fleet, group: str) -> tuple[str, str] | None:
    """The first code that waits for a person, and the command that its hint gives; None where all is well."""
    for each in status(fleet, group).values():
        if error := each["error"]:
            return error["code"], error["hint"].rpartition(SAYS)[2]
    return None


@pytest.fixture(scope="module")
def fleet(bare_fleet: Fleet) -> Fleet:
    """A tree that h2 has up to the snapshot before the last, and a dataset of h2 that is something else."""
    fleet = bare_fleet
    source = fleet.host("h1")
    source.ssh("zfs create tank/data && zfs create tank/data/below && zfs create tank/other")
    for label in ("one", "two"):
        source.ssh(
            f"dd if=/dev/urandom of=/tank/data/{label} bs=1M count=2 2>/dev/null; echo {label} >/tank/data/below/f"
        )
        source.ssh(f"zfs snapshot -r tank/data@{label} && zfs snapshot tank/other@{label}")
        if label == "one":
            for below in TREE:
                seed(fleet, f"tank/data{below}@one", f"backup/data{below}")
    fleet.host("h2").ssh("zfs create backup/other && echo mine >/backup/other/mine && zfs snapshot backup/other@one")
    fleet.configure("h1", [{"dataset": "tank", "operations": ["send"]}])
    fleet.configure("h2", [{"dataset": "backup", "operations": ["receive"]}])
    groups = {
        name: {
            "members": [
                {"system": "h1", "dataset": f"tank/{name}", "role": "source"},
                {"system": "h2", "dataset": f"backup/{name}", "role": "target"},
            ]
        }
        for name in ("data", "other")
    }
    fleet.witness.apply({"version": 1, "systems": {"h1": {}, "h2": {}}, "sync_groups": groups})
    for name in ("h1", "h2"):
        assert fleet.install(name)["enrolled"], fleet.journal(name)
    fleet.trust("h1", "h2")
    return fleet


def test_a_replica_with_a_common_base_goes_on_from_it(fleet: Fleet) -> None:
    target = fleet.host("h2")
    ids = target.ssh(["zfs", "get", "-rHp", "-o", "name,value", "guid", "backup/data"]).stdout.splitlines()
    took_over = 0
    while set(fleet.witness.outcomes("data").values()) != {"IN_SYNC"}:
        told = wait_for(lambda: said(fleet, "data"), "it is left untouched, and the status says what to type")
        code, command = told
        assert code in ("E_TARGET_UNMANAGED", "E_TARGET_MODIFIED"), "mounting it may have counted as writing"
        took_over += code == "E_TARGET_UNMANAGED"
        target.ssh(command)
        fleet.witness.call("POST", "/sync-groups/data/sync", {})
        wait_for(lambda told=told: told != said(fleet, "data"), "the command is enough")  # type: ignore[misc]
    assert took_over == len(TREE)
    fleet.witness.in_sync(2, "data")
    now = target.ssh(["zfs", "get", "-rHp", "-o", "name,value", "guid", "backup/data"]).stdout.splitlines()
    assert set(ids) <= set(now), "the datasets and snapshots are those that the person made"

    def moved() -> list[int]:
        done = fleet.witness.call("GET", "/jobs?group=data&limit=500")["items"]
        return [each["moved_snapshots"] for each in done if each["state"] == "succeeded"]

    wait_for(lambda: len(moved()) >= len(TREE), "the results, which a report may be ahead of")
    assert moved() == [1] * len(TREE)
    fleet.host("h1").ssh("echo three >/tank/data/three && zfs snapshot -r tank/data@three")
    for below in TREE:
        wanted = fleet.guids("h1", f"tank/data{below}")
        wait_for(
            lambda below=below, wanted=wanted: fleet.guids("h2", f"backup/data{below}") == wanted,  # type: ignore[misc]
            "increments follow",
        )


def test_what_shares_nothing_with_the_source_is_not_offered_and_not_taken(fleet: Fleet) -> None:
    code, hint = wait_for(lambda: said(fleet, "other"), "it is left untouched")
    assert code == "E_TARGET_UNMANAGED"
    assert "zfs set" not in hint
    fleet.host("h2").ssh("zfs set zfs-sync:group=other backup/other")
    wait_for(lambda: status(fleet, "other")[""]["outcome"] == "NO_COMMON_BASE", "the mark alone is no proof")
    assert fleet.witness.call("POST", "/sync-groups/other/sync", {})["jobs"] == []
    assert fleet.host("h2").ssh(["cat", "/backup/other/mine"]).stdout == "mine\n"
