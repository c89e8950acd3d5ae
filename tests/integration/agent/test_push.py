# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""A group that is pushed: the source's agent runs it, the target's receives, and what breaks is caught up."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.integration.agent.evidence import Receives, check_jobs
from tests.integration.agent.fleet import Fleet, wait_for
from tests.integration.agent.test_faults import moving

pytestmark = [pytest.mark.lab, pytest.mark.story]

MEGABYTES = 24
SLOW = 3_000  # kB/s: about eight seconds for the whole
KILL = ["systemctl", "kill", "--kill-whom=main", "-s", "KILL", "zfs-sync-agent"]
LOGIN = "ssh -F none -i /var/lib/zfs-sync/agent/ssh/id_ed25519 -o BatchMode=yes -o StrictHostKeyChecking=yes"
LOGIN += " -o UserKnownHostsFile=/var/lib/zfs-sync/agent/ssh/known_hosts -o ControlPath=none"


@pytest.fixture(scope="module")
def fleet(bare_fleet: Fleet) -> Iterator[Fleet]:
    """h1 pushes a tree to h2, which trusts it and cannot log in there."""
    fleet = bare_fleet
    source = fleet.host("h1")
    source.ssh("zfs create tank/data && zfs create 'tank/data/a b' && echo one >/tank/data/file")
    for label in ("first", "second"):
        source.ssh(["zfs", "snapshot", "-r", f"tank/data@{label}"])
    fleet.configure("h1", [{"dataset": "tank/data", "operations": ["send"]}])
    fleet.configure("h2", [{"dataset": "backup/data", "operations": ["receive"]}])
    members = [
        {"system": "h1", "dataset": "tank/data", "role": "source"},
        {"system": "h2", "dataset": "backup/data", "role": "target"},
    ]
    groups = {"g": {"members": members, "direction": "push"}}
    fleet.witness.apply({"version": 1, "systems": {"h1": {}, "h2": {}}, "sync_groups": groups})
    for name in ("h1", "h2"):
        assert fleet.install(name)["enrolled"], fleet.journal(name)
    trust_for_push(fleet)
    yield fleet
    check_jobs(fleet.witness.database)


def trust_for_push(fleet: Fleet) -> None:
    """What role ssh_trust gives for an edge that is pushed: only the source logs in."""
    known = {name: fleet.agent(name, "trust", "show", "--json") for name in ("h1", "h2")}
    reached = {"name": "h2", "host": "h2", "port": 22, "host_keys": known["h2"]["host_keys"]}
    fleet.agent("h1", "trust", "set", "--json", document={"peers": [reached]})
    guest = {"name": "h1", "public_key": known["h1"]["public_key"]}
    fleet.agent("h2", "trust", "set", "--json", document={"peers": [guest]})


def settled(fleet: Fleet, below: str = "", seconds: float = 180) -> None:
    wanted = fleet.guids("h1", f"tank/data{below}")
    assert wanted
    wait_for(lambda: fleet.guids("h2", f"backup/data{below}") == wanted, "it arrives", seconds)


def test_a_tree_is_pushed_and_marked_as_a_pulled_one_is(fleet: Fleet) -> None:
    fleet.witness.in_sync(2)
    for below in ("", "/a b"):
        settled(fleet, below)
        asked = ["zfs", "get", "-H", "-o", "property,value,source", "readonly,canmount,zfs-sync:group"]
        said = fleet.host("h2").ssh([*asked, f"backup/data{below}"]).stdout
        assert said == "readonly\ton\tlocal\ncanmount\tnoauto\tlocal\nzfs-sync:group\tg\tlocal\n"
    assert fleet.files("h2", "backup/data") == fleet.files("h1", "tank/data") != {}
    assert "push" not in fleet.journal("h2") or "Traceback" not in fleet.journal("h2")
    job = fleet.witness.call("GET", "/jobs?group=g")["items"][-1]
    assert (job["state"], job["moved_snapshots"]) == ("succeeded", 2)


def test_a_new_snapshot_is_pushed_by_itself(fleet: Fleet) -> None:
    fleet.host("h1").ssh("echo more >/tank/data/more && zfs snapshot tank/data@third")
    settled(fleet)


def test_both_sides_hold_the_base(fleet: Fleet) -> None:
    fleet.witness.in_sync(2)
    for name, dataset in (("h1", "tank/data"), ("h2", "backup/data")):
        done = fleet.host(name).ssh(["zfs", "destroy", f"{dataset}@third"], check=False)
        assert done.returncode != 0, f"the base on {name} was not held"


def ask(fleet: Fleet, request: dict[str, Any], rest: bytes = b"") -> tuple[int, str]:
    line = json.dumps({"v": 1, "edge": "g:h2:backup/data", "relative": "", **request}).encode() + b"\n"
    done = fleet.host("h1").ssh(f"{LOGIN} zfs-sync@h2", input=line + rest, check=False)
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    ("request_", "rest", "code"),
    [
        ({"op": "send", "to_guid": "1"}, b"", "E_EDGE_UNKNOWN"),
        ({"op": "estimate", "to_guid": "1"}, b"", "E_EDGE_UNKNOWN"),
        ({"op": "receive", "to_guid": "1"}, b"", "E_VALIDATION"),
        ({"op": "receive", "to_guid": "1", "source_bytes": 5}, b"null\n", "E_VALIDATION"),
        ({"op": "receive", "to_guid": "1", "source_bytes": 17}, b'{"dataset":null}\n', "E_SOURCE_GONE"),
        ({"op": "receive", "to_guid": "1", "source_bytes": 9, "relative": "../x"}, b"", "E_VALIDATION"),
        ({"op": "receive", "to_guid": "1", "source_bytes": 9, "edge": "g:h1:tank/data"}, b"", "E_EDGE_UNKNOWN"),
    ],
)
def test_what_a_pusher_may_not_ask_for_is_refused(
    fleet: Fleet, request_: dict[str, Any], rest: bytes, code: str
) -> None:
    before = fleet.guids("h2", "backup/data")
    status, said = ask(fleet, request_, rest)
    assert status != 0
    assert code in said
    assert fleet.guids("h2", "backup/data") == before


def kill_source(fleet: Fleet) -> None:
    fleet.host("h1").ssh(KILL)


def kill_target(fleet: Fleet) -> None:
    fleet.host("h2").ssh(KILL)


def kill_ssh(fleet: Fleet) -> None:
    fleet.host("h1").ssh("pkill -9 -x ssh")


def kill_receive(fleet: Fleet) -> None:
    fleet.host("h2").ssh("pkill -9 -x zfs")


def kill_witness(fleet: Fleet) -> None:
    fleet.witness.kill()
    fleet.witness.start()


def cut_target(fleet: Fleet) -> None:
    fleet.host("h2").power_cut()
    fleet.host("h2").power_on()


def cut_source(fleet: Fleet) -> None:
    fleet.host("h1").power_cut()
    fleet.host("h1").power_on()


FAULTS = [kill_source, kill_target, kill_ssh, kill_receive, kill_witness, cut_target, cut_source]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_push_that_was_broken_off_is_caught_up(fleet: Fleet, fault: Callable[[Fleet], None]) -> None:
    source, name = fleet.host("h1"), fault.__name__
    source.delay(rate_kilobytes_per_second=SLOW)
    source.ssh(["zfs", "create", f"tank/data/{name}"])
    source.ssh(f"dd if=/dev/urandom of=/tank/data/{name}/file bs=1M count={MEGABYTES} 2>/dev/null")
    source.ssh(["zfs", "snapshot", f"tank/data/{name}@one"])
    with Receives(fleet.host("h2")) as receives:
        wait_for(lambda: moving(fleet), "bytes move")
        fault(fleet)
        fleet.lab.heal_all()
        settled(fleet, f"/{name}")
        wait_for(lambda: ended(fleet, name), "its job has ended")
    receives.check()
    assert fleet.files("h2", f"backup/data/{name}") == fleet.files("h1", f"tank/data/{name}") != {}
    marker = ["zfs", "get", "-rH", "-s", "local", "-o", "name,value", "zfs-sync:group", f"backup/data/{name}"]
    assert fleet.host("h2").ssh(marker).stdout == f"backup/data/{name}\tg\n"


def ended(fleet: Fleet, relative: str) -> bool:
    items = fleet.witness.call("GET", "/status?group=g")["items"]
    (item,) = [each for each in items if each["relative"] == relative]
    return item["outcome"] == "IN_SYNC" and item["job"] is None


def test_a_target_that_was_written_to_is_refused_and_keeps_what_was_written(fleet: Fleet) -> None:
    target = fleet.host("h2")
    target.ssh("zfs set readonly=off backup/data && zfs mount backup/data && echo mine >/backup/data/mine; sync")
    fleet.host("h1").ssh("echo yet more >/tank/data/more && zfs snapshot tank/data@after-write")

    def refused() -> Any:
        items = fleet.witness.call("GET", "/status?group=g")["items"]
        errors = [each["error"] for each in items if each["relative"] == "" and each["error"]]
        return next((each for each in errors if each["code"] == "E_TARGET_MODIFIED"), None)

    hint = wait_for(refused, "it is refused")["hint"]
    assert "zfs rollback backup/data@" in hint
    assert target.ssh(["cat", "/backup/data/mine"]).stdout == "mine\n"
    target.ssh(hint.partition("On h2: ")[2] or hint)
    fleet.witness.call("POST", "/sync-groups/g/sync", {})
    settled(fleet)


def test_a_group_that_is_pulled_from_now_on_goes_on_where_it_was(fleet: Fleet) -> None:
    fleet.trust("h1", "h2")
    fleet.witness.apply({"version": 1, "sync_groups": {"g": {"direction": "pull"}}})
    fleet.host("h1").ssh("zfs snapshot tank/data@pulled")
    settled(fleet)
    fleet.witness.apply({"version": 1, "sync_groups": {"g": {"direction": "push"}}})
    fleet.host("h1").ssh("zfs snapshot tank/data@pushed")
    settled(fleet)
