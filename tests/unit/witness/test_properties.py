# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Properties of new targets, from the document to what the target's host is told."""

from typing import Any

from tests.unit.witness.conftest import Api
from tests.unit.witness.documents import MEMBERS, fleet
from tests.unit.witness.hosts import dataset, full
from tests.unit.witness.test_fleet_apply import apply, refused
from tests.unit.witness.test_work import claim, nas1, nas2, report, work

__all__ = ["nas1", "nas2"]

DEFAULT = {"canmount": "noauto", "readonly": "on"}


def declare(operator: Api, properties: Any) -> dict[str, Any]:
    answer = apply(operator, fleet(sync_groups={"photos": {"members": MEMBERS, "properties": properties}}))
    return dict(answer["changes"][-1])


def test_targets_are_read_only_and_not_mounted_unless_it_is_said(operator: Api) -> None:
    assert declare(operator, None)["after"]["properties"] == {"set": DEFAULT}
    changed = declare(operator, {"set": {"compression": "lz4", "quota": "1024 GiB", "com.sun:auto-snapshot": False}})
    wanted = {**DEFAULT, "com.sun:auto-snapshot": "off", "compression": "lz4", "quota": "1TiB"}
    assert changed["after"]["properties"] == {"set": wanted}
    assert declare(operator, {"set": wanted})["action"] == "unchanged"
    assert declare(operator, {"set": {"readonly": False, "canmount": True}})["after"]["properties"] == {
        "set": {"canmount": "on", "readonly": "off"}
    }
    assert declare(operator, {"set": None})["after"]["properties"] == {"set": DEFAULT}


def test_the_host_that_receives_is_told_with_the_job(operator: Api, nas1: Api, nas2: Api) -> None:
    report(nas1, "nas1", full(dataset("tank/photos", 1)))
    report(nas2, "nas2", full())
    declare(operator, {"set": {"compression": "lz4"}})
    (job,) = work(nas2, "nas2")["jobs"]
    assert claim(nas2, job["id"])["edge"]["properties"] == {**DEFAULT, "compression": "lz4"}


def test_what_may_not_be_set_is_a_fault_that_names_what_may(operator: Api) -> None:
    bad = {"mountpoint": "/etc", "sharenfs": "on", "zfs-sync:group": "x", "copies": "9", "quota": "10"}
    document = fleet(sync_groups={"photos": {"members": MEMBERS, "properties": {"set": bad, "carry": []}}})
    found = refused(operator, document, "E_VALIDATION")
    at = "/fleet/sync_groups/photos/properties"
    assert set(found) == {f"{at}/set/sharenfs", f"{at}/set/zfs-sync:group", f"{at}/carry"}
    assert "take acltype, atime" in found[f"{at}/set/sharenfs"]
    sound = {name: value for name, value in bad.items() if name not in ("sharenfs", "zfs-sync:group")}
    document = fleet(sync_groups={"photos": {"members": MEMBERS, "properties": {"set": sound}}})
    (sentence,) = refused(operator, document, "E_VALIDATION").values()
    assert sentence == (
        "mountpoint must be one of legacy, none; copies must be one of 1, 2, 3;"
        " quota must be none or a size such as 10GiB: '10' is not a size: write a unit, such as 500MB or 1GiB"
    )
