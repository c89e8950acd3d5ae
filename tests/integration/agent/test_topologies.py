# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Every shape of replication at once, in one fleet of four hosts, and what arrives compared with where it comes from.

No two pools have the same name, and no snapshot has a name that this project would give.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.agent.conftest import bare
from tests.integration.agent.evidence import check_jobs
from tests.integration.agent.fleet import Fleet, wait_for
from tests.lab.fixtures import LabFactory

pytestmark = pytest.mark.lab

POOLS = {"h1": "tank", "h2": "backup", "h3": "safe", "h4": "origin"}
LABELS = ("zfs-auto-snap_hourly-2026-11-24-0800", "0", "-y", "a b:c.d_e-f", "autosnap_2026-11-24_08:00:00_daily")
TREE = ("", "/child", "/child/grand child", "/other")
LONGEST = "n" * (255 - len("tank/") - len("@s"))
"""With its snapshot's name, this dataset has as many bytes as ZFS allows."""
ODD = ("a b", "-x", "a:b.c_d-e", LONGEST)
BEHIND = 200
AGENT_MIB = 50

Place = tuple[str, str]
GROUPS: dict[str, tuple[Place, ...]] = {
    "tree": (("h1", "tank/tree"), ("h2", "backup/of-h1/tree"), ("h3", "safe/another name")),
    "chain": (("h1", "tank/chain"), ("h2", "backup/chain"), ("h3", "safe/chain")),
    "local": (("h1", "tank/local"), ("h1", "attic/local")),
    "empty": (("h1", "tank/empty"), ("h2", "backup/empty")),
    "unsnapped": (("h1", "tank/unsnapped"), ("h2", "backup/unsnapped")),
    "first": (("h4", "origin/data"), ("h2", "backup/first")),
    "behind": (("h1", "tank/behind"), ("h2", "backup/behind")),
    "grown": (("h1", "tank/grown"), ("h2", "backup/grown"), ("h3", "safe/grown")),
    **{f"odd{number}": (("h1", f"tank/{name}"), ("h3", f"safe/{name}")) for number, name in enumerate(ODD)},
}


def document() -> dict[str, Any]:
    groups: dict[str, Any] = {}
    for name, ((system, dataset), *targets) in GROUPS.items():
        members = [{"system": system, "dataset": dataset, "role": "source"}]
        members += [{"system": each, "dataset": path, "role": "target"} for each, path in targets]
        groups[name] = {"members": members}
    groups["chain"]["members"][2]["from"] = "h2"
    return {"version": 1, "systems": {name: {} for name in POOLS}, "sync_groups": groups}


def fill(fleet: Fleet) -> None:
    """The sources: files in all but two, snapshots in all but two."""
    host = fleet.host("h1")
    host.create_pool("attic")
    fleet.host("h2").ssh("zfs create backup/of-h1")
    fleet.host("h4").ssh("zfs create origin/data && echo first >/origin/data/file")
    for dataset in (*(f"tank/tree{below}" for below in TREE), *sorted(sources())):
        host.ssh(["zfs", "create", dataset])
    for dataset in (*(f"tank/tree{below}" for below in TREE), *sources() - {"tank/empty"}):
        write(fleet, dataset, "first")
    for label in LABELS:
        write(fleet, "tank/tree/child", label)
        host.ssh(["zfs", "snapshot", "-r", f"tank/tree@{label}"])
    for dataset in sources() - {"tank/unsnapped"}:
        host.ssh(["zfs", "snapshot", f"{dataset}@s"])


def sources() -> set[str]:
    """The sources on h1 that are no tree."""
    return {place[1] for place, *_ in GROUPS.values() if place[0] == "h1"} - {"tank/tree"}


def write(fleet: Fleet, dataset: str, name: str) -> None:
    fleet.host("h1").ssh(["dd", "if=/dev/urandom", f"of=/{dataset}/{name}", "bs=64k", "count=5", "status=none"])


@pytest.fixture(scope="module")
def fleet(lab_factory: LabFactory, package: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """All groups, in sync."""
    with bare(lab_factory, package, tmp_path_factory, POOLS) as fleet:
        fill(fleet)
        fleet.witness.apply(document())
        for name, pool in POOLS.items():
            allow = [
                {"dataset": each, "operations": ["send", "receive"]} for each in {pool, *("attic",) * (name == "h1")}
            ]
            fleet.configure(name, allow)
            assert fleet.install(name)["enrolled"], fleet.journal(name)
        fleet.trust(*POOLS)
        settled(fleet)
        yield fleet
        check_jobs(fleet.witness.database)


def settled(fleet: Fleet, *groups: str) -> None:
    """Wait until the targets of these groups, or of all, are where their sources are."""
    for group in groups or GROUPS:
        (system, dataset), *targets = GROUPS[group]
        below = [path.removeprefix(dataset) for path in datasets(fleet, system, dataset)]
        wanted = {each: fleet.guids(system, dataset + each) for each in below}

        def arrived(targets: list[Place] = targets, wanted: dict[str, list[str]] = wanted) -> bool:
            return all(
                fleet.guids(name, root + each) == guids for name, root in targets for each, guids in wanted.items()
            )

        try:
            wait_for(arrived, f"{group} is in sync")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{fleet.witness.call('GET', f'/status?group={group}')['items']}") from None
        fleet.witness.in_sync(len(wanted) * len(targets), group)
        wait_for(lambda group=group: not at_work(fleet, group), "its jobs have ended")  # type: ignore[misc]


def at_work(fleet: Fleet, group: str) -> list[Any]:
    """The jobs that have not ended: a report says what has arrived before its job's result does."""
    return [item["job"] for item in fleet.witness.call("GET", f"/status?group={group}")["items"] if item["job"]]


def datasets(fleet: Fleet, name: str, root: str) -> list[str]:
    return fleet.host(name).ssh(["zfs", "list", "-H", "-o", "name", "-r", root], check=False).stdout.splitlines()


@pytest.mark.parametrize("group", sorted(set(GROUPS) - {"unsnapped", "first"}))
def test_every_target_has_the_bytes_and_the_snapshots_of_its_source(fleet: Fleet, group: str) -> None:
    settled(fleet, group)
    (system, dataset), *targets = GROUPS[group]
    below = [path.removeprefix(dataset) for path in datasets(fleet, system, dataset)]
    for each in below:
        files, guids = fleet.files(system, dataset + each), fleet.guids(system, dataset + each)
        assert guids
        assert (files == {}) == (group == "empty")
        for name, root in targets:
            assert fleet.files(name, root + each) == files
            assert fleet.guids(name, root + each) == guids
    for name, root in targets:
        assert datasets(fleet, name, root) == [root + each for each in below]


def test_the_snapshots_of_a_tree_keep_names_that_are_nobodys(fleet: Fleet) -> None:
    for name, root in GROUPS["tree"][1:]:
        listed = fleet.host(name).ssh(["zfs", "list", "-H", "-o", "name", "-t", "snapshot", "-r", root]).stdout
        for below in TREE:
            assert {line for line in listed.splitlines() if line.startswith(f"{root}{below}@")} == {
                f"{root}{below}@{label}" for label in LABELS
            }


def test_children_that_are_made_later_arrive_at_every_target(fleet: Fleet) -> None:
    host = fleet.host("h1")
    for dataset in ("tank/grown/new", "tank/grown/new/below it"):
        host.ssh(["zfs", "create", dataset])
        write(fleet, dataset, "file")
    host.ssh("zfs snapshot -r tank/grown@later")
    settled(fleet, "grown")
    for below in ("/new", "/new/below it"):
        files = fleet.files("h1", f"tank/grown{below}")
        assert files
        assert fleet.files("h2", f"backup/grown{below}") == fleet.files("h3", f"safe/grown{below}") == files


@pytest.mark.parametrize("group", ["unsnapped", "first"])
def test_a_source_without_snapshots_waits_for_its_first_one(fleet: Fleet, group: str) -> None:
    """Of ``first``, the whole host has none."""
    (system, dataset), (name, root) = GROUPS[group]
    (item,) = fleet.witness.call("GET", f"/status?group={group}")["items"]
    assert (item["outcome"], item["source_head"], item["error"]) == ("IN_SYNC", None, None)
    assert "no snapshots" in item["message"]
    assert datasets(fleet, name, root) == []
    fleet.host(system).ssh(["zfs", "snapshot", f"{dataset}@first of all"])
    settled(fleet, group)
    assert fleet.files(name, root) == fleet.files(system, dataset) != {}


def test_a_target_that_is_200_snapshots_behind_gets_them_in_one_job(fleet: Fleet) -> None:
    spec = {"members": document()["sync_groups"]["behind"]["members"]}
    fleet.witness.call("PUT", "/sync-groups/behind", {**spec, "enabled": False})
    write(fleet, "tank/behind", "more")
    fleet.host("h1").ssh(f"for i in $(seq {BEHIND}); do zfs snapshot tank/behind@$i || exit; done")

    def lag() -> int:
        return int(fleet.witness.call("GET", "/status?group=behind")["items"][0]["lag_snapshots"])

    wait_for(lambda: lag() == BEHIND, "all of them are known")
    before = jobs(fleet)
    fleet.witness.call("PUT", "/sync-groups/behind", {**spec, "enabled": True})
    settled(fleet, "behind")
    found = fleet.witness.call("GET", "/jobs?group=behind&limit=500")["items"]
    made = [(job["state"], job["moved_snapshots"], job["error"]) for job in found if job["id"] not in before]
    assert made == [("succeeded", BEHIND, None)]
    assert fleet.files("h2", "backup/behind") == fleet.files("h1", "tank/behind")


def test_a_second_round_moves_nothing(fleet: Fleet) -> None:
    """Neither when it is asked for, nor when every agent begins anew and reports everything."""
    settled(fleet)
    before = jobs(fleet)
    for group in GROUPS:
        assert fleet.witness.call("POST", f"/sync-groups/{group}/sync", {})["jobs"] == []
    reports = {name: fleet.journal(name).count("full report sent") for name in POOLS}
    for name in POOLS:
        fleet.host(name).ssh(["systemctl", "restart", "zfs-sync-agent"])
    for name, count in reports.items():
        wait_for(lambda name=name, count=count: fleet.journal(name).count("full report sent") > count, "it reports")  # type: ignore[misc]
    assert set(fleet.witness.outcomes().values()) == {"IN_SYNC"}
    assert jobs(fleet) == before


def jobs(fleet: Fleet) -> dict[str, str]:
    return {job["id"]: job["state"] for job in fleet.witness.call("GET", "/jobs?limit=500")["items"]}


def test_agents_are_small_when_they_idle(fleet: Fleet) -> None:
    settled(fleet)
    agents = {name: round(fleet.pss_mib(name), 1) for name in POOLS}
    print(f"PSS in MiB: agents {agents}; the witness {fleet.witness.pss_mib():.1f}, with what is here for development")
    print(f"The witness was ready in {fleet.witness.ready_seconds:.2f} s")
    assert max(agents.values()) < AGENT_MIB
