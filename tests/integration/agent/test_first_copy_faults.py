# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""What fails in the middle of the first copy of a dataset: half a dataset is left behind, not half a snapshot."""

from collections.abc import Callable

import pytest

from tests.integration.agent.evidence import Receives, check_jobs
from tests.integration.agent.fleet import Fleet, wait_for
from tests.integration.agent.test_faults import moving

pytestmark = pytest.mark.lab

MEGABYTES = 24
SLOW = 3_000  # kB/s: about eight seconds for the whole


@pytest.fixture(scope="module")
def fleet(bare_fleet: Fleet) -> Fleet:
    """h1 feeds h2 with a tree, whose root is up to date."""
    fleet = bare_fleet
    fleet.host("h1").ssh("zfs create tank/data && zfs snapshot tank/data@first")
    fleet.configure("h1", [{"dataset": "tank/data", "operations": ["send"]}])
    fleet.configure("h2", [{"dataset": "backup/data", "operations": ["receive"]}])
    members = [
        {"system": "h1", "dataset": "tank/data", "role": "source"},
        {"system": "h2", "dataset": "backup/data", "role": "target"},
    ]
    fleet.witness.apply({"version": 1, "systems": {"h1": {}, "h2": {}}, "sync_groups": {"g": {"members": members}}})
    for name in ("h1", "h2"):
        assert fleet.install(name)["enrolled"], fleet.journal(name)
    fleet.trust("h1", "h2")
    fleet.witness.in_sync(1)
    return fleet


def kill_agent(fleet: Fleet) -> None:
    fleet.host("h2").ssh(["systemctl", "kill", "--kill-whom=main", "-s", "KILL", "zfs-sync-agent"])


def kill_receive(fleet: Fleet) -> None:
    fleet.host("h2").ssh("pkill -9 -x zfs")


def kill_ssh(fleet: Fleet) -> None:
    fleet.host("h2").ssh("pkill -9 -x ssh")


def kill_witness(fleet: Fleet) -> None:
    fleet.witness.kill()
    fleet.witness.start()


def cut_target(fleet: Fleet) -> None:
    fleet.host("h2").power_cut()
    fleet.host("h2").power_on()


def cut_source(fleet: Fleet) -> None:
    fleet.host("h1").power_cut()
    fleet.host("h1").power_on()


@pytest.mark.parametrize("fault", [kill_agent, kill_receive, kill_ssh, kill_witness, cut_target, cut_source])
def test_a_first_copy_is_made_whole_after_it_was_broken_off(fleet: Fleet, fault: Callable[[Fleet], None]) -> None:
    source, name = fleet.host("h1"), fault.__name__
    source.delay(rate_kilobytes_per_second=SLOW)
    source.ssh(["zfs", "create", f"tank/data/{name}"])
    source.ssh(f"dd if=/dev/urandom of=/tank/data/{name}/file bs=1M count={MEGABYTES} 2>/dev/null")
    source.ssh(["zfs", "snapshot", f"tank/data/{name}@one"])
    wanted = fleet.guids("h1", f"tank/data/{name}")
    with Receives(fleet.host("h2")) as receives:
        wait_for(lambda: moving(fleet), "bytes move")
        fault(fleet)
        fleet.lab.heal_all()
        wait_for(lambda: fleet.guids("h2", f"backup/data/{name}") == wanted, "it arrives", 180)
        wait_for(lambda: ended(fleet, name), "its job has ended")
    receives.check()
    assert check_jobs(fleet.witness.database)[f"h2:backup/data/{name}"] <= len(wanted)
    assert fleet.files("h2", f"backup/data/{name}") == fleet.files("h1", f"tank/data/{name}") != {}
    marker = ["zfs", "get", "-rH", "-s", "local", "-o", "name,value", "zfs-sync:group", f"backup/data/{name}"]
    assert fleet.host("h2").ssh(marker).stdout == f"backup/data/{name}\tg\n"


def ended(fleet: Fleet, relative: str) -> bool:
    items = fleet.witness.call("GET", "/status?group=g")["items"]
    (item,) = [each for each in items if each["relative"] == relative]
    return item["outcome"] == "IN_SYNC" and item["job"] is None
