# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""What fails in the middle of a transfer, and that everything is well afterwards."""

import signal
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.agent.evidence import ENDS, Receives, check_jobs
from tests.integration.agent.fleet import Fleet, wait_for

pytestmark = pytest.mark.lab

MEGABYTES = 24
SLOW = 3_000  # kB/s: about eight seconds for the whole
TEN_MINUTES = 600.0


@pytest.fixture(scope="module")
def fleet(bare_fleet: Fleet) -> Fleet:
    """h1 feeds h2, which is up to date."""
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


@pytest.fixture
def transfer(fleet: Fleet) -> Iterator[dict[str, Any]]:
    """A transfer that has moved some bytes and has seconds to go; at the end, all is in sync and was moved once."""
    source = fleet.host("h1")
    source.delay(rate_kilobytes_per_second=SLOW)
    before = fleet.guids("h2", "backup/data")
    label = f"s{len(fleet.guids('h1', 'tank/data'))}"
    source.ssh(f"dd if=/dev/urandom of=/tank/data/{label} bs=1M count={MEGABYTES} 2>/dev/null")
    source.ssh(["zfs", "snapshot", f"tank/data@{label}"])
    wanted = fleet.guids("h1", "tank/data")
    with Receives(fleet.host("h2")) as receives:
        yield wait_for(lambda: moving(fleet), "bytes move")
        fleet.lab.heal_all()
        wait_for(lambda: fleet.guids("h2", "backup/data") == wanted, "it arrives", 180)
        fleet.witness.in_sync(1)
    receives.check()
    assert wanted[: len(before)] == before
    assert check_jobs(fleet.witness.database)["h2:backup/data"] <= len(wanted)
    assert fleet.host("h2").ssh(["zfs", "list", "-H", "-o", "name", "-r", "backup"]).stdout.split() == [
        "backup",
        "backup/data",
    ]


def moving(fleet: Fleet) -> dict[str, Any] | None:
    jobs = fleet.witness.call("GET", "/jobs?state=running")["items"]
    return next((job for job in jobs if job["bytes_done"] > 1_000_000), None)


def job(fleet: Fleet, found: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = fleet.witness.call("GET", f"/jobs/{found['id']}")
    return answer


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=["killed", "stopped"])
def test_an_outage_of_the_witness_ends_no_transfer(
    fleet: Fleet, transfer: dict[str, Any], number: signal.Signals
) -> None:
    fleet.witness.end(number)
    wanted = fleet.guids("h1", "tank/data")
    wait_for(lambda: fleet.guids("h2", "backup/data") == wanted, "it arrives without a witness")
    fleet.witness.start()
    ended = wait_for(lambda: (now := job(fleet, transfer))["state"] == "succeeded" and now, "the result arrives")
    assert ended["epoch"] == transfer["epoch"]
    assert ended["moved_snapshots"] == 1


@pytest.mark.long
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("away", ["cut off", "killed"])
def test_ten_minutes_without_a_witness_lose_nothing(fleet: Fleet, transfer: dict[str, Any], away: str) -> None:
    began = time.monotonic()
    if away == "killed":
        fleet.witness.kill()
    else:
        for name in ("h1", "h2"):
            fleet.lab.partition(name, "controller")
    time.sleep(max(0.0, began + TEN_MINUTES - time.monotonic()))
    if away == "killed":
        fleet.witness.start()
    fleet.lab.heal_all()
    assert fleet.guids("h2", "backup/data") == fleet.guids("h1", "tank/data"), "it arrived without a witness"
    ended = wait_for(lambda: (now := job(fleet, transfer))["state"] == "succeeded" and now, "the result arrives")
    assert ended["epoch"] == transfer["epoch"]
    assert ended["moved_snapshots"] == 1


def test_a_killed_agent_takes_its_job_up_again(fleet: Fleet, transfer: dict[str, Any]) -> None:
    fleet.host("h2").ssh(["systemctl", "kill", "--kill-whom=main", "-s", "KILL", "zfs-sync-agent"])
    wait_for(lambda: job(fleet, transfer)["state"] != "running" or job(fleet, transfer)["epoch"] > 1, "it is noticed")


def test_a_restarted_agent_takes_its_job_up_again(fleet: Fleet, transfer: dict[str, Any]) -> None:
    fleet.host("h2").ssh(["systemctl", "restart", "zfs-sync-agent"])
    fleet.host("h1").clear()
    ended = wait_for(lambda: (now := job(fleet, transfer))["state"] == "succeeded" and now, "the same job ends well")
    assert ended["epoch"] == transfer["epoch"] + 1


def test_a_killed_ssh_is_an_interruption(fleet: Fleet, transfer: dict[str, Any]) -> None:
    fleet.host("h2").ssh("pkill -9 -x ssh")
    ended = wait_for(lambda: (now := job(fleet, transfer))["state"] == "failed" and now, "the job fails")
    assert ended["error"]["code"] == "E_INTERRUPTED"


def test_a_power_cut_of_the_target_is_caught_up(fleet: Fleet, transfer: dict[str, Any]) -> None:
    fleet.host("h2").power_cut()
    fleet.host("h2").power_on()


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(["systemctl", "kill", "--kill-whom=main", "-s", "KILL", "zfs-sync-agent"], id="killed"),
        pytest.param(["systemctl", "restart", "zfs-sync-agent"], id="restarted"),
    ],
)
def test_the_end_of_the_sources_agent_is_no_cancellation(
    fleet: Fleet, transfer: dict[str, Any], command: list[str]
) -> None:
    fleet.host("h1").ssh(command)
    fleet.host("h1").clear()
    ended = wait_for(lambda: (now := job(fleet, transfer))["state"] in ENDS and now, "the job ends")
    if ended["state"] != "succeeded":  # zfs-fuse's daemon goes on with a send whose process is gone
        assert (ended["state"], ended["error"]["code"]) in (
            ("failed", "E_AGENT_NOT_RUNNING"),
            ("failed", "E_INTERRUPTED"),
        )


def test_a_frozen_target_keeps_its_job(fleet: Fleet, transfer: dict[str, Any]) -> None:
    fleet.host("h2").freeze()
    wait_for(lambda: job(fleet, transfer)["state"] == "lost", "its lease runs out")
    assert fleet.witness.call("POST", "/sync-groups/g/sync", {})["jobs"] == [transfer["id"]]
    fleet.host("h2").thaw()
    ended = wait_for(lambda: (now := job(fleet, transfer))["state"] == "succeeded" and now, "the same job ends well")
    assert ended["epoch"] == transfer["epoch"]


def test_a_target_that_is_cut_off_from_the_witness_goes_on(fleet: Fleet, transfer: dict[str, Any]) -> None:
    fleet.lab.partition("h2", "controller")
    wait_for(lambda: job(fleet, transfer)["state"] == "lost", "its lease runs out")
    fleet.lab.heal("h2", "controller")
    ended = wait_for(lambda: (now := job(fleet, transfer))["state"] == "succeeded" and now, "the same job ends well")
    assert ended["epoch"] == transfer["epoch"]


def test_a_cancelled_job_ends_its_pipeline(fleet: Fleet, transfer: dict[str, Any]) -> None:
    fleet.witness.call("POST", f"/jobs/{transfer['id']}/cancel")
    wait_for(lambda: job(fleet, transfer)["state"] == "cancelled", "it is cancelled")
    processes = fleet.host("h2").ssh("pgrep -x -a zfs; pgrep -x -a ssh", check=False).stdout
    assert "receive" not in processes
    fleet.witness.call("POST", "/sync-groups/g/sync", {})


def test_a_target_that_was_written_to_is_refused_until_the_hint_is_followed(fleet: Fleet) -> None:
    target = fleet.host("h2")
    target.ssh("zfs set readonly=off backup/data && zfs mount backup/data && echo mine >/backup/data/mine; sync")
    fleet.host("h1").ssh("echo more >/tank/data/more && zfs snapshot tank/data@after-write")

    def refused() -> Any:
        item = fleet.witness.call("GET", "/status?group=g")["items"][0]
        return item if item["error"] and item["error"]["code"] == "E_TARGET_MODIFIED" else None

    hint = wait_for(refused, "it is refused")["error"]["hint"]
    assert target.ssh(["cat", "/backup/data/mine"]).stdout == "mine\n"
    target.ssh(hint)
    fleet.witness.call("POST", "/sync-groups/g/sync", {})
    wait_for(lambda: fleet.guids("h2", "backup/data") == fleet.guids("h1", "tank/data"), "it arrives")


def test_two_receives_into_one_dataset_would_be_seen(fleet: Fleet) -> None:
    host = fleet.host("h3")
    with Receives(host) as receives:
        host.ssh("for i in 1 2; do (sleep 2 | zfs receive safe/twice) & done; wait", check=False)
    with pytest.raises(AssertionError, match="safe/twice"):
        receives.check()
