# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Datasets that somebody renames on a real host: seen by their GUID, settled as the status says, nothing sent anew."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.agent.conftest import bare
from tests.integration.agent.evidence import check_jobs
from tests.integration.agent.fleet import Fleet, wait_for
from tests.lab.fixtures import LabFactory

pytestmark = [pytest.mark.lab, pytest.mark.story, pytest.mark.long]

TREE = ("", "/a", "/a/x", "/b")


def declare(fleet: Fleet, source: str = "tank/data", target: str = "backup/data") -> None:
    members = [{"system": "h1", "dataset": source, "role": "source"}]
    members += [{"system": "h2", "dataset": target, "role": "target"}]
    fleet.witness.apply({"version": 1, "systems": {"h1": {}, "h2": {}}, "sync_groups": {"data": {"members": members}}})


@pytest.fixture(scope="module")
def fleet(lab_factory: LabFactory, package: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """A tree of four datasets, in sync."""
    with bare(lab_factory, package, tmp_path_factory, {"h1": "tank", "h2": "backup"}) as fleet:
        for each in TREE:
            fleet.host("h1").ssh(f"zfs create tank/data{each} && echo {each} >/tank/data{each}/file")
        fleet.host("h1").ssh("zfs snapshot -r tank/data@one")
        declare(fleet)
        fleet.configure("h1", [{"dataset": "tank", "operations": ["send"]}])
        fleet.configure("h2", [{"dataset": "backup", "operations": ["receive"]}])
        for name in ("h1", "h2"):
            assert fleet.install(name)["enrolled"], fleet.journal(name)
        fleet.trust("h1", "h2")
        fleet.witness.in_sync(len(TREE))
        yield fleet
        check_jobs(fleet.witness.database)


def rename(fleet: Fleet, name: str, old: str, new: str) -> None:
    """As soon as the host's own kernel and daemon have let go of the files that were just written there."""
    command = ["zfs", "rename", old, new]
    wait_for(lambda: fleet.host(name).ssh(command, check=False).returncode == 0, f"{old} can be renamed")


def outcomes(fleet: Fleet) -> dict[str, str]:
    items = fleet.witness.call("GET", "/status?group=data")["items"]
    return {item["relative"]: item["outcome"] for item in items}


def item_of(fleet: Fleet, relative: str) -> dict[str, Any]:
    items = fleet.witness.call("GET", "/status?group=data")["items"]
    return next(dict(item) for item in items if item["relative"] == relative)


def jobs(fleet: Fleet) -> set[str]:
    return {job["id"] for job in fleet.witness.call("GET", "/jobs?limit=500")["items"]}


def test_a_child_that_was_renamed_is_followed_by_its_copy_as_the_status_says(fleet: Fleet) -> None:
    before, guids = jobs(fleet), fleet.guids("h2", "backup/data/a/x")
    rename(fleet, "h1", "tank/data/a", "tank/data/c")
    wanted = {"": "IN_SYNC", "b": "IN_SYNC", **dict.fromkeys(("a", "a/x", "c", "c/x"), "SOURCE_RENAMED")}
    wait_for(lambda: outcomes(fleet) == wanted, "the rename is seen")
    hint = item_of(fleet, "c")["error"]["hint"]
    fleet.host("h2").ssh(hint.partition("run on h2: ")[2].partition(";")[0])
    wait_for(lambda: set(outcomes(fleet)) == {"", "b", "c", "c/x"}, "the copy has followed")
    fleet.witness.in_sync(len(TREE))
    assert fleet.guids("h2", "backup/data/c/x") == guids
    assert jobs(fleet) == before
    fleet.host("h1").ssh("zfs snapshot -r tank/data@two")
    fleet.witness.in_sync(len(TREE))
    wait_for(
        lambda: fleet.guids("h2", "backup/data/c/x") == fleet.guids("h1", "tank/data/c/x"), "it goes on from there"
    )
    assert fleet.files("h2", "backup/data/c/x") == fleet.files("h1", "tank/data/c/x") != {}


def test_a_target_that_was_renamed_is_not_received_anew(fleet: Fleet) -> None:
    fleet.witness.in_sync(len(TREE))
    before = jobs(fleet)
    rename(fleet, "h2", "backup/data", "backup/kept")
    wait_for(lambda: set(outcomes(fleet).values()) == {"TARGET_RENAMED"}, "the rename is seen")
    hint = item_of(fleet, "")["error"]["hint"]
    assert hint.startswith("Declare dataset backup/kept for h2, or run on h2: zfs rename backup/kept backup/data;")
    declare(fleet, target="backup/kept")
    fleet.witness.in_sync(len(TREE))
    assert jobs(fleet) == before
    fleet.host("h1").ssh("zfs snapshot -r tank/data@three")
    wait_for(lambda: fleet.guids("h2", "backup/kept/b") == fleet.guids("h1", "tank/data/b"), "it goes on there")
    fleet.witness.in_sync(len(TREE))


def test_a_source_that_was_renamed_goes_on_where_it_is_declared(fleet: Fleet) -> None:
    fleet.witness.in_sync(len(TREE))
    before = jobs(fleet)
    rename(fleet, "h1", "tank/data", "tank/renamed")
    wait_for(lambda: set(outcomes(fleet).values()) == {"SOURCE_RENAMED"}, "the rename is seen")
    found = item_of(fleet, "")
    assert (found["evidence"]["was"], found["evidence"]["now"]) == ("tank/data", "tank/renamed")
    assert found["error"]["hint"].startswith("Declare dataset tank/renamed for h1")
    declare(fleet, source="tank/renamed", target="backup/kept")
    fleet.witness.in_sync(len(TREE))
    assert jobs(fleet) == before
    fleet.host("h1").ssh("zfs snapshot -r tank/renamed@four")
    wait_for(lambda: fleet.guids("h2", "backup/kept/b") == fleet.guids("h1", "tank/renamed/b"), "it goes on from there")
    fleet.witness.in_sync(len(TREE))
