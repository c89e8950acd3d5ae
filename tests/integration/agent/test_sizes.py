# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Many snapshots, many datasets, many hosts; and a host that is more than the witness takes."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.agent.conftest import bare
from tests.integration.agent.fleet import Fleet, wait_for
from tests.lab.fixtures import LabFactory

pytestmark = [pytest.mark.lab, pytest.mark.story, pytest.mark.timeout(1800)]

SNAPSHOTS = 500
LIMIT = 20
PATIENCE = 900.0


def group(target: str, name: str) -> dict[str, Any]:
    source = {"system": "h1", "dataset": f"tank/{name}", "role": "source"}
    return {"members": [source, {"system": target, "dataset": f"backup/{name}", "role": "target"}]}


@pytest.fixture(scope="module")
def fleet(lab_factory: LabFactory, package: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """Two hosts that trust each other, with nothing to do yet."""
    with bare(lab_factory, package, tmp_path_factory, {"h1": "tank", "h2": "backup"}) as fleet:
        fleet.configure("h1", [{"dataset": "tank", "operations": ["send"]}])
        fleet.configure("h2", [{"dataset": "backup", "operations": ["receive"]}], parallel_jobs=4)
        fleet.witness.apply({"version": 1, "systems": {"h1": {}, "h2": {}}})
        for name in ("h1", "h2"):
            assert fleet.install(name)["enrolled"], fleet.journal(name)
        fleet.trust("h1", "h2")
        yield fleet


def test_a_dataset_with_500_snapshots(fleet: Fleet) -> None:
    host = fleet.host("h1")
    host.ssh("zfs create tank/many")
    host.ssh(f"for i in $(seq {SNAPSHOTS}); do zfs snapshot tank/many@$i || exit; done", timeout_seconds=PATIENCE)
    fleet.witness.call("PUT", "/sync-groups/many", group("h2", "many"))
    fleet.witness.in_sync(1, "many", PATIENCE)
    assert fleet.guids("h2", "backup/many") == fleet.guids("h1", "tank/many")
    assert len(fleet.guids("h2", "backup/many")) == SNAPSHOTS
    host.ssh("zfs snapshot tank/many@next")
    wanted = fleet.guids("h1", "tank/many")
    wait_for(lambda: fleet.guids("h2", "backup/many") == wanted, "one more arrives", PATIENCE)


@pytest.mark.parametrize("count", [25, pytest.param(300, marks=pytest.mark.long)])
def test_a_group_with_many_datasets(fleet: Fleet, count: int) -> None:
    name = f"tree{count}"
    host = fleet.host("h1")
    host.ssh(f"zfs create tank/{name} && for i in $(seq {count - 1}); do zfs create tank/{name}/$i || exit; done",
             timeout_seconds=PATIENCE)  # fmt: skip
    host.ssh(f"zfs snapshot -r tank/{name}@all")
    fleet.witness.call("PUT", f"/sync-groups/{name}", group("h2", name))
    fleet.witness.in_sync(count, name, PATIENCE)
    for each in ("", "/1", f"/{count - 1}"):
        assert fleet.guids("h2", f"backup/{name}{each}") == fleet.guids("h1", f"tank/{name}{each}") != []


def test_a_host_that_is_more_than_the_witness_takes(fleet: Fleet) -> None:
    """It says so in its journal, to its doctor and to the witness, and its last good report stands."""
    host, witness = fleet.host("h1"), fleet.witness
    before = held(fleet)
    witness.settings["report_max_snapshots"] = before + LIMIT
    witness.kill()
    witness.start()
    host.ssh(f"zfs create tank/more && for i in $(seq {LIMIT + 1}); do zfs snapshot tank/more@$i || exit; done")
    wanted = f"at most {before + LIMIT} are taken"

    def warnings() -> list[str]:
        systems = witness.call("GET", "/status")["systems"]
        return [text for each in systems if each["name"] == "h1" for text in each["warnings"] if wanted in text]

    (warning,) = wait_for(warnings, "the witness is told")
    assert "E_REPORT_TOO_LARGE" in warning
    assert held(fleet) <= before + LIMIT
    assert any(wanted in each["MESSAGE"] for each in fleet.entries("h1", "ZFS_SYNC_CODE=E_REPORT_TOO_LARGE"))
    answer = json.loads(host.ssh("zfs-sync-agent doctor --json", check=False).stdout)
    (found,) = [each for each in answer["checks"] if each["id"] == "report-refused"]
    assert wanted in found["message"]
    assert found["where"] == "the witness's host"

    witness.settings.clear()
    witness.kill()
    witness.start()
    wait_for(lambda: not warnings() and held(fleet) == before + LIMIT + 1, "all of it is known", PATIENCE)
    assert fleet.agent("h1", "doctor", "--json")["ok"]


def held(fleet: Fleet) -> int:
    """The snapshots of h1 that the witness knows."""
    systems = fleet.witness.call("GET", "/status")["systems"]
    return next(int(each["snapshots"]) for each in systems if each["name"] == "h1")


@pytest.mark.long
def test_ten_hosts(lab_factory: LabFactory, package: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """One source feeds nine targets, directly and through each other."""
    names = [f"h{number}" for number in range(1, 11)]
    with bare(lab_factory, package, tmp_path_factory, dict.fromkeys(names, "pool")) as fleet:
        fleet.host("h1").ssh("zfs create pool/data && echo hello >/pool/data/file && zfs snapshot pool/data@first")
        targets = [
            {"system": name, "dataset": "pool/data", "role": "target", "from": names[(place - 1) // 3]}
            for place, name in enumerate(names)
            if place
        ]
        members = [{"system": "h1", "dataset": "pool/data", "role": "source"}, *targets]
        systems: dict[str, Any] = {name: {} for name in names}
        fleet.witness.apply({"version": 1, "systems": systems, "sync_groups": {"g": {"members": members}}})
        for name in names:
            fleet.configure(name, [{"dataset": "pool/data", "operations": ["send", "receive"]}])
            assert fleet.install(name)["enrolled"], fleet.journal(name)
        fleet.trust(*names)
        for label in ("first", "second"):
            fleet.host("h1").ssh(f"echo {label} >/pool/data/{label}; zfs snapshot pool/data@x{label}")
            wanted = fleet.guids("h1", "pool/data")
            for name in names:
                wait_for(
                    lambda name=name, wanted=wanted: fleet.guids(name, "pool/data") == wanted,
                    f"{name} has it",
                    PATIENCE,
                )  # type: ignore[misc]
        fleet.witness.in_sync(9, "g", PATIENCE)
        for name in names:
            assert fleet.files(name, "pool/data") == fleet.files("h1", "pool/data")
