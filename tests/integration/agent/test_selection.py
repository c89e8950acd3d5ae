# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""What is replicated and what is not, with which properties and how much at once: on real hosts, by files and GUIDs."""

import contextlib
import json
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.agent.conftest import bare
from tests.integration.agent.evidence import check_jobs
from tests.integration.agent.fleet import Fleet, wait_for
from tests.integration.agent.test_gate import LOGIN, code_of
from tests.lab.fixtures import LabFactory

pytestmark = pytest.mark.lab

POOLS = {"h1": "tank", "h2": "backup"}
LABELS = ("auto-1", "scratch-1", "auto-2", "auto-3", "scratch-2", "auto-4", "scratch-3")
TREE = ("", "/a", "/a/cache", "/a/cache/below", "/tmp", "/tmp/x", "/mytmp", "/cache")
KEPT = ["", "/a", "/mytmp", "/tmp"]
BELOW = ("/one", "/one/more", "/two", "/skipped")
SET = {"compression": "gzip-2", "atime": "off", "quota": "100MiB", "com.sun:auto-snapshot": "false"}
MANY = 4

GROUPS: dict[str, dict[str, Any]] = {
    "excluding": {"exclude": ["**/cache", "tmp/*"]},
    "below": {"include_root": False, "exclude": ["skipped"]},
    "rootless": {"include_root": False},
    "filtered": {"snapshots": {"exclude": ["scratch-*"]}},
    "newest": {"snapshots": {"include": ["auto-*"], "intermediate": False}},
    "dressed": {"properties": {"set": SET}},
    "refused": {"properties": {"set": {"xattr": "sa"}}, "enabled": False},
    "high": {"priority": 90, "enabled": False},
    "low": {"priority": 10, "enabled": False},
}


def document(**more: dict[str, Any]) -> dict[str, Any]:
    """Every group from tank/GROUP to backup/GROUP, with ``more`` on top."""
    groups = {}
    for name, fields in GROUPS.items():
        members = [{"system": "h1", "dataset": f"tank/{name}", "role": "source"}]
        members += [{"system": "h2", "dataset": f"backup/{name}", "role": "target"}]
        groups[name] = {"members": members, **fields, **more.pop(name, {})}
    groups["local"] = {
        "members": [
            {"system": "h1", "dataset": "tank/seeded", "role": "source"},
            {"system": "h1", "dataset": "attic/seeded", "role": "target"},
        ],
        "snapshots": {"include": ["auto-*"]},
    }
    return {"version": 1, "systems": {name: more.pop(name, {}) for name in POOLS}, "sync_groups": groups}


def fill(fleet: Fleet) -> None:
    """The sources, each with a file of its own before each snapshot; and what the targets' host has already."""
    host = fleet.host("h1")
    host.create_pool("attic")
    trees = {"excluding": TREE, "below": ("", *BELOW), "rootless": ("", "/a"), "dressed": ("", "/child")}
    trees |= {name: ("", *(f"/{number}" for number in range(MANY))) for name in ("high", "low")}
    for name in (*GROUPS, "seeded"):
        for below in trees.get(name, ("",)):
            host.ssh(["zfs", "create", f"tank/{name}{below}"])
            write(fleet, f"tank/{name}{below}", "first")
    for name in (*GROUPS, "seeded"):
        labels = LABELS if name in ("filtered", "newest", "seeded") else ("s",)
        for label in labels:
            write(fleet, f"tank/{name}", label)
            host.ssh(["zfs", "snapshot", "-r", f"tank/{name}@{label}"])
    host.ssh("zfs send tank/seeded@scratch-1 | zfs receive attic/seeded && zfs set readonly=on attic/seeded")
    host.ssh("zfs set zfs-sync:group=local attic/seeded")
    fleet.host("h2").ssh("zfs create backup/below && echo mine >/backup/below/mine && zfs snapshot backup/below@mine")


def write(fleet: Fleet, dataset: str, name: str) -> None:
    fleet.host("h1").ssh(["dd", "if=/dev/urandom", f"of=/{dataset}/{name}", "bs=64k", "count=3", "status=none"])


@pytest.fixture(scope="module")
def fleet(lab_factory: LabFactory, package: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    with bare(lab_factory, package, tmp_path_factory, POOLS) as fleet:
        fill(fleet)
        fleet.witness.apply(document())
        for name, pools in (("h1", ("tank", "attic")), ("h2", ("backup",))):
            fleet.configure(name, [{"dataset": pool, "operations": ["send", "receive"]} for pool in pools])
            assert fleet.install(name)["enrolled"], fleet.journal(name)
        fleet.trust(*POOLS)
        yield fleet
        check_jobs(fleet.witness.database)


def settled(fleet: Fleet, group: str, condition: Callable[[], Any]) -> None:
    """Wait for a condition, then until nothing of the group is at work and all of it is in sync."""

    def quiet() -> bool:
        items = fleet.witness.call("GET", f"/status?group={group}")["items"]
        return all(each["outcome"] == "IN_SYNC" and each["job"] is None for each in items)

    try:
        wait_for(condition, f"{group} has what it should have", 180)
        wait_for(quiet, f"{group} is quiet", 60)
    except AssertionError as error:
        raise AssertionError(f"{error}\n{fleet.witness.call('GET', f'/status?group={group}')['items']}") from None


def below(fleet: Fleet, name: str, root: str) -> list[str]:
    """The datasets of a host at and below a root, relative to it."""
    listed = fleet.host(name).ssh(["zfs", "list", "-rH", "-o", "name", root], check=False).stdout.splitlines()
    return sorted(each.removeprefix(root) for each in listed)


def labels(fleet: Fleet, name: str, dataset: str) -> list[str]:
    command = ["zfs", "list", "-H", "-t", "snapshot", "-o", "name", "-s", "creation", "-d", "1", "-r", dataset]
    return [each.partition("@")[2] for each in fleet.host(name).ssh(command, check=False).stdout.splitlines()]


def value(fleet: Fleet, name: str, dataset: str, prop: str) -> tuple[str, str]:
    done = fleet.host(name).ssh(["zfs", "get", "-Hp", "-o", "value,source", prop, dataset], check=False)
    found, _, source = done.stdout.strip().partition("\t")
    return found, source


def same(fleet: Fleet, source: str, target: str) -> bool:
    """Whether h2's dataset has the snapshots and the files of h1's."""
    return fleet.guids("h2", target) == fleet.guids("h1", source) != []


def ask(fleet: Fleet, request: dict[str, Any]) -> tuple[int, str, str]:
    """What h1's gate answers to h2, whose agent was rewritten to ask as it likes."""
    line = json.dumps({"v": 1, **request}).encode()
    done = fleet.host("h2").ssh(f"{LOGIN} zfs-sync@h1", input=line + b"\n", check=False)
    return done.returncode, done.stdout, done.stderr


def test_an_excluded_dataset_is_not_on_the_target_nor_what_lies_below_it(fleet: Fleet) -> None:
    settled(fleet, "excluding", lambda: below(fleet, "h2", "backup/excluding") == KEPT)
    for each in KEPT:
        assert same(fleet, f"tank/excluding{each}", f"backup/excluding{each}")
        assert fleet.files("h2", f"backup/excluding{each}") == fleet.files("h1", f"tank/excluding{each}") != {}
    shown = {item["relative"] for item in fleet.witness.call("GET", "/status?group=excluding")["items"]}
    assert shown == {each.removeprefix("/") for each in KEPT}


def test_the_gate_gives_away_nothing_that_is_excluded(fleet: Fleet) -> None:
    (edge,) = {item["edge"] for item in fleet.witness.call("GET", "/status?group=excluding")["items"]}
    wait_for(lambda: ask(fleet, {"op": "list", "edge": edge, "relative": "a"})[0] == 0, "h1 knows the edge")
    guid = fleet.guids("h1", "tank/excluding/a/cache")[0]
    for relative in ("a/cache", "a/cache/below", "tmp/x", "cache"):
        for request in ({"op": "list"}, {"op": "send", "to_guid": guid}, {"op": "estimate", "to_guid": guid}):
            status, out, said = ask(fleet, {"edge": edge, "relative": relative, **request})
            assert (status, out, code_of(said)) == (1, "", "E_EDGE_UNKNOWN")


def test_a_child_that_is_made_later_is_excluded_too(fleet: Fleet) -> None:
    host = fleet.host("h1")
    host.ssh("zfs create tank/excluding/new && zfs create tank/excluding/new/cache && zfs snapshot -r tank/excluding@t")
    settled(fleet, "excluding", lambda: same(fleet, "tank/excluding/new", "backup/excluding/new"))
    settled(fleet, "excluding", lambda: same(fleet, "tank/excluding/tmp", "backup/excluding/tmp"))
    assert below(fleet, "h2", "backup/excluding") == sorted([*KEPT, "/new"])


def test_without_its_root_a_group_fills_a_dataset_that_stays_as_it_is(fleet: Fleet) -> None:
    kept = ["", "/one", "/one/more", "/two"]
    settled(fleet, "below", lambda: below(fleet, "h2", "backup/below") == kept)
    for each in kept[1:]:
        settled(fleet, "below", lambda each=each: same(fleet, f"tank/below{each}", f"backup/below{each}"))  # type: ignore[misc]
        assert fleet.files("h2", f"backup/below{each}") == fleet.files("h1", f"tank/below{each}") != {}
    assert fleet.host("h2").ssh(["cat", "/backup/below/mine"]).stdout == "mine\n"
    assert labels(fleet, "h2", "backup/below") == ["mine"]
    assert value(fleet, "h2", "backup/below", "readonly") == ("off", "default")
    assert value(fleet, "h2", "backup/below", "zfs-sync:group")[0] == "-"


def test_a_root_that_is_not_there_is_asked_for_and_never_made(fleet: Fleet) -> None:
    def blocked() -> dict[str, Any] | None:
        items = fleet.witness.call("GET", "/status?group=rootless")["items"]
        found = {item["relative"]: item for item in items if item["outcome"] == "BLOCKED_BY_PARENT"}
        return found[""] if set(found) == {"", "a"} else None

    item = wait_for(blocked, "it is blocked")
    assert item["error"]["code"] == "E_PARENT_MISSING"
    assert below(fleet, "h2", "backup/rootless") == []
    fleet.host("h2").ssh(item["error"]["hint"].partition("run on h2: ")[2])
    settled(fleet, "rootless", lambda: same(fleet, "tank/rootless/a", "backup/rootless/a"))
    assert labels(fleet, "h2", "backup/rootless") == []


def test_snapshots_that_are_left_out_never_travel(fleet: Fleet) -> None:
    taken = [label for label in LABELS if label.startswith("auto")]
    settled(fleet, "filtered", lambda: labels(fleet, "h2", "backup/filtered") == taken)
    host = fleet.host("h1")
    for label in ("scratch-4", "auto-5", "auto-6", "scratch-5"):
        write(fleet, "tank/filtered", label)
        host.ssh(["zfs", "snapshot", f"tank/filtered@{label}"])
    taken += ["auto-5", "auto-6"]
    settled(fleet, "filtered", lambda: labels(fleet, "h2", "backup/filtered") == taken)
    guids = dict(zip(labels(fleet, "h1", "tank/filtered"), fleet.guids("h1", "tank/filtered"), strict=True))
    assert fleet.guids("h2", "backup/filtered") == [guids[label] for label in taken]
    host.ssh("zfs clone tank/filtered@auto-6 tank/look")
    assert fleet.files("h2", "backup/filtered") == fleet.files("h1", "tank/look") != {}
    (item,) = fleet.witness.call("GET", "/status?group=filtered")["items"]
    assert (item["lag_snapshots"], item["source_head"]["name"]) == (0, "auto-6")


def test_the_gate_gives_away_no_snapshot_that_is_left_out(fleet: Fleet) -> None:
    """Neither by itself, nor between two others."""
    (item,) = fleet.witness.call("GET", "/status?group=filtered")["items"]
    guids = dict(zip(labels(fleet, "h1", "tank/filtered"), fleet.guids("h1", "tank/filtered"), strict=True))
    for base, to in ((None, "scratch-1"), ("auto-1", "scratch-1"), ("auto-1", "auto-2")):
        request = {"op": "send", "edge": item["edge"], "relative": "", "to_guid": guids[to]}
        status, out, said = ask(fleet, request | ({"base_guid": guids[base]} if base else {}))
        assert (status, out, code_of(said)) == (1, "", "E_EDGE_UNKNOWN")
        assert "tank/filtered@scratch-1" in said


def test_only_the_newest_snapshot_travels_where_that_is_wanted(fleet: Fleet) -> None:
    settled(fleet, "newest", lambda: labels(fleet, "h2", "backup/newest") == ["auto-4"])
    spec = document()["sync_groups"]["newest"]
    fleet.witness.call("PUT", "/sync-groups/newest", {**spec, "enabled": False})
    for label in ("auto-5", "scratch-4", "auto-6", "scratch-5"):
        write(fleet, "tank/newest", label)
        fleet.host("h1").ssh(["zfs", "snapshot", f"tank/newest@{label}"])

    def lag() -> int:
        return int(fleet.witness.call("GET", "/status?group=newest")["items"][0]["lag_snapshots"])

    wait_for(lambda: lag() == 2, "both are known")
    fleet.witness.call("PUT", "/sync-groups/newest", {**spec, "enabled": True})
    settled(fleet, "newest", lambda: labels(fleet, "h2", "backup/newest") == ["auto-4", "auto-6"])
    guids = dict(zip(labels(fleet, "h1", "tank/newest"), fleet.guids("h1", "tank/newest"), strict=True))
    assert fleet.guids("h2", "backup/newest") == [guids["auto-4"], guids["auto-6"]]


def test_a_snapshot_that_both_have_is_a_base_though_it_would_not_travel(fleet: Fleet) -> None:
    wanted = ["scratch-1", "auto-2", "auto-3", "auto-4"]
    settled(fleet, "local", lambda: labels(fleet, "h1", "attic/seeded") == wanted)


def test_new_targets_get_the_properties_of_their_group_and_old_ones_keep_theirs(fleet: Fleet) -> None:
    settled(fleet, "dressed", lambda: same(fleet, "tank/dressed/child", "backup/dressed/child"))
    wanted = {**SET, "quota": str(100 * 1024**2), "readonly": "on", "canmount": "noauto", "zfs-sync:group": "dressed"}
    for dataset in ("backup/dressed", "backup/dressed/child"):
        assert {name: value(fleet, "h2", dataset, name) for name in wanted} == {
            name: (each, "local") for name, each in wanted.items()
        }
    fleet.host("h2").ssh(["zfs", "set", "compression=off", "backup/dressed"])
    fleet.witness.apply(document(dressed={"properties": {"set": {**SET, "copies": "2"}}}))
    write(fleet, "tank/dressed", "more")
    fleet.host("h1").ssh("zfs create tank/dressed/later && zfs snapshot -r tank/dressed@later")
    settled(fleet, "dressed", lambda: same(fleet, "tank/dressed/later", "backup/dressed/later"))
    settled(fleet, "dressed", lambda: same(fleet, "tank/dressed", "backup/dressed"))
    assert value(fleet, "h2", "backup/dressed", "compression") == ("off", "local")
    assert value(fleet, "h2", "backup/dressed", "copies")[0] == "1"
    assert value(fleet, "h2", "backup/dressed/later", "copies") == ("2", "local")


def test_a_property_that_the_platform_does_not_know_is_told_and_mended_by_a_declaration(fleet: Fleet) -> None:
    """The data has arrived by then, and is not sent again."""
    fleet.witness.apply(document(refused={"enabled": True}))

    def error() -> dict[str, Any] | None:
        (item,) = fleet.witness.call("GET", "/status?group=refused")["items"]
        found: dict[str, Any] | None = item["error"]
        return found

    found = wait_for(error, "it is refused")
    assert (found["code"], "backup/refused does not take xattr=sa" in found["message"]) == ("E_PROPERTY_REFUSED", True)
    before = fleet.guids("h2", "backup/refused")
    assert before == fleet.guids("h1", "tank/refused")
    assert value(fleet, "h2", "backup/refused", "readonly") == ("on", "local")
    fleet.host("h2").ssh(["systemctl", "restart", "zfs-sync-agent"])
    fleet.witness.apply(document(refused={"enabled": True, "properties": None}))
    fleet.witness.call("POST", "/sync-groups/refused/sync", {})
    marked = ("refused", "local")
    settled(fleet, "refused", lambda: value(fleet, "h2", "backup/refused", "zfs-sync:group") == marked)
    assert fleet.guids("h2", "backup/refused") == before


def test_no_more_jobs_run_at_once_than_the_limit_says_and_the_urgent_ones_first(fleet: Fleet) -> None:
    enabled = {"enabled": True}
    fleet.witness.apply(document(high=enabled, low=enabled, h2={"limits": {"jobs": 1}}))
    for group in ("low", "high"):
        last = f"{group}/{MANY - 1}"
        settled(fleet, group, lambda last=last: same(fleet, f"tank/{last}", f"backup/{last}"))  # type: ignore[misc]
    order, most = history(fleet, {"high", "low"})
    assert most == 1
    assert [group for group, _ in order] == ["high"] * (MANY + 1) + ["low"] * (MANY + 1)


def history(fleet: Fleet, groups: set[str]) -> tuple[list[tuple[str, str]], int]:
    """The datasets of these groups in the order in which their jobs began, and how many ran at once at the most."""
    with contextlib.closing(sqlite3.connect(f"file:{fleet.witness.database}?mode=ro", uri=True)) as connection:
        rows = connection.execute(
            'SELECT job_events.state, job, jobs."group", relative FROM job_events JOIN jobs ON jobs.id = job'
            " ORDER BY job_events.id"
        ).fetchall()
    order, running, most = [], set(), 0
    for state, job, group, relative in rows:
        if group in groups:
            if state == "running":
                running.add(job)
                order.append((group, relative))
            elif state != "queued":
                running.discard(job)
            most = max(most, len(running))
    return order, most
