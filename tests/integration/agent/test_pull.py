# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Replication between hosts, by ssh through the gate."""

import pytest

from tests.integration.agent.fleet import Fleet, wait_for

pytestmark = pytest.mark.lab

DATASETS = ("data", "data/a b", "data/-x", "data/empty")


@pytest.fixture(scope="module")
def fleet(bare_fleet: Fleet) -> Fleet:
    """h1 feeds h2, and h2 feeds h3."""
    fleet = bare_fleet
    source = fleet.host("h1")
    for dataset in DATASETS:
        source.ssh(["zfs", "create", f"tank/{dataset}"])
    source.ssh("dd if=/dev/urandom of=/tank/data/file bs=1M count=8 2>/dev/null")
    source.ssh(["zfs", "snapshot", "-r", "tank/data@-y"])
    fleet.configure("h1", [{"dataset": "tank/data", "operations": ["send"]}])
    fleet.configure("h2", [{"dataset": "backup/data", "operations": ["send", "receive"]}])
    fleet.configure("h3", [{"dataset": "safe/data", "operations": ["receive"]}])
    members = [
        {"system": "h1", "dataset": "tank/data", "role": "source"},
        {"system": "h2", "dataset": "backup/data", "role": "target"},
        {"system": "h3", "dataset": "safe/data", "role": "target", "from": "h2"},
    ]
    fleet.witness.apply(
        {"version": 1, "systems": {"h1": {}, "h2": {}, "h3": {}}, "sync_groups": {"g": {"members": members}}}
    )
    for name in ("h1", "h2", "h3"):
        assert fleet.install(name)["enrolled"], fleet.journal(name)
    fleet.trust("h1", "h2", "h3")
    return fleet


def test_a_tree_replicates_along_a_chain(fleet: Fleet) -> None:
    fleet.witness.in_sync(2 * len(DATASETS))
    for dataset in DATASETS:
        source = fleet.guids("h1", f"tank/{dataset}")
        assert fleet.guids("h2", f"backup/{dataset}") == fleet.guids("h3", f"safe/{dataset}") == source != []


def test_a_new_snapshot_arrives_by_itself(fleet: Fleet) -> None:
    source = fleet.host("h1")
    source.ssh("dd if=/dev/urandom of=/tank/data/more bs=1M count=2 2>/dev/null")
    source.ssh(["zfs", "snapshot", "-r", "tank/data@later"])
    wanted = fleet.guids("h1", "tank/data")
    fleet.witness.in_sync(2 * len(DATASETS))
    wait_for(lambda: fleet.guids("h3", "safe/data") == wanted, "the snapshot is on h3")


def test_the_log_of_a_job_is_found_by_its_fields(fleet: Fleet) -> None:
    fleet.witness.in_sync(2 * len(DATASETS))
    done = fleet.witness.call("GET", "/jobs?state=succeeded")["items"]
    found = next(each for each in done if each["to_system"] == "h2" and each["relative"] == "a b")
    entries = wait_for(lambda: fleet.entries("h2", f"ZFS_SYNC_JOB={found['id']}"), "its entries are written")
    assert {each["ZFS_SYNC_DATASET"] for each in entries} == {"backup/data/a b"}
    assert {each["ZFS_SYNC_GROUP"] for each in entries} == {"g"}
    assert {each["ZFS_SYNC_PEER"] for each in entries} == {"h1"}
    assert {each["ZFS_SYNC_EDGE"] for each in entries} == {found["edge"]}
    assert {each["_SYSTEMD_UNIT"] for each in entries} == {"zfs-sync-agent.service"}
    served = fleet.entries("h1", "ZFS_SYNC_PEER=h2", f"ZFS_SYNC_EDGE={found['edge']}")
    assert any(each["MESSAGE"] == "send for h2" for each in served)
