# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The modules that only look, with connection options from the action group, against a real witness."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.integration.collection.conftest import FLEET
from tests.integration.collection.controller import Controller

pytestmark = [pytest.mark.lab, pytest.mark.timeout(600)]

MODULES: Mapping[str, Mapping[str, Any]] = {
    "systems": {"zfs_sync_system_info": {}},
    "a system": {"zfs_sync_system_info": {"name": "h2"}},
    "no system": {"zfs_sync_system_info": {"name": "h9"}},
    "groups": {"zfs_sync_sync_group_info": {}},
    "a group": {"zfs_sync_sync_group_info": {"name": "data"}},
    "no group": {"zfs_sync_sync_group_info": {"name": "nothing"}},
    "status": {"zfs_sync_status_info": {}},
    "status of h3": {"zfs_sync_status_info": {"system": "h3"}},
    "status of another group": {"zfs_sync_status_info": {"group": "nothing"}},
    "jobs": {"zfs_sync_job_info": {"state": ["failed", "running"], "group": "data", "limit": 5}},
    "no job": {"zfs_sync_job_info": {"id": "0f8c1f9be0a54f0d"}},
    "snapshots": {"zfs_sync_snapshot_info": {"system": "h1", "dataset": "tank/data", "guid": "18446744073709551615"}},
    "audit": {"zfs_sync_audit_info": {}},
    "newest of the audit": {"zfs_sync_audit_info": {"limit": 2}},
    "audit of h1": {"zfs_sync_audit_info": {"system": "h1", "event": "system"}},
    "audit of nobody": {"zfs_sync_audit_info": {"actor": "nobody", "since": "2026-01-01T00:00:00Z"}},
}
WRONG = {
    "since": {"zfs_sync_audit_info": {"since": "yesterday"}},
    "guid": {"zfs_sync_snapshot_info": {"guid": "18446744073709551616"}},
    "limit": {"zfs_sync_job_info": {"limit": 0}},
}
CONNECTION = {f"witness_{name}": f"{{{{ zfs_sync_witness_{name} }}}}" for name in ("url", "token_file", "ca_path")}


def look(hosts: Controller, asked: Mapping[str, Mapping[str, Any]], *arguments: str) -> dict[str, Mapping[str, Any]]:
    """What each module answered."""
    tasks = [
        {"name": title, "ignore_errors": True, **{f"zfs_sync.fleet.{name}": options for name, options in each.items()}}
        for title, each in asked.items()
    ]
    defaults = {"group/zfs_sync.fleet.witness": CONNECTION}
    run = hosts.play(*tasks, hosts="localhost", module_defaults=defaults, arguments=arguments)
    assert run.changed == set()
    return {title: run.of(title)[0].result for title in asked}


@pytest.fixture(scope="module")
def found(hosts: Controller) -> dict[str, Mapping[str, Any]]:
    return look(hosts, MODULES)


def test_objects_are_listed_by_name_with_what_is_declared(found: Mapping[str, Any]) -> None:
    assert [each["name"] for each in found["systems"]["systems"]] == list(FLEET["systems"])
    (group,) = found["groups"]["sync_groups"]
    assert (group["name"], group["mode"], len(group["members"])) == ("data", "manual", 3)


def test_one_object_comes_with_what_is_observed(found: Mapping[str, Any]) -> None:
    (system,) = found["a system"]["systems"]
    assert (system["name"], system["observed"]["enrolled"]) == ("h2", False)
    (group,) = found["a group"]["sync_groups"]
    assert group["observed"]["summary"] == {"UNREPORTED": 2}


def test_what_is_not_there_is_an_empty_list_and_no_failure(found: Mapping[str, Any]) -> None:
    assert found["no system"]["systems"] == found["no group"]["sync_groups"] == found["no job"]["jobs"] == []
    assert found["snapshots"]["snapshots"] == []


def test_the_status_is_filtered_by_the_witness(found: Mapping[str, Any]) -> None:
    assert [each["to_system"] for each in found["status"]["edges"]] == ["h2", "h3"]
    assert [each["to_system"] for each in found["status of h3"]["edges"]] == ["h3"]
    assert found["status of another group"]["edges"] == []
    assert [each["name"] for each in found["status"]["systems"]] == ["h1", "h2", "h3"]


def test_the_audit_is_told_from_its_newest_entry(found: Mapping[str, Any]) -> None:
    entries = found["audit"]["entries"]
    assert entries[:2] == found["newest of the audit"]["entries"]
    assert {each["object_name"] for each in found["audit of h1"]["entries"]} == {"h1"}
    assert found["audit of nobody"]["entries"] == found["jobs"]["jobs"] == []


def test_a_check_sees_the_same(hosts: Controller, found: Mapping[str, Any]) -> None:
    checked = look(hosts, MODULES, "--check", "--diff")
    for title in MODULES:
        assert checked[title] == found[title], title


def test_what_the_witness_refuses_is_said(hosts: Controller) -> None:
    said = look(hosts, WRONG)
    assert "E_VALIDATION" in said["since"]["msg"]
    assert "from" in said["since"]["msg"]
    assert "E_VALIDATION" in said["guid"]["msg"]
    assert "guid" in said["guid"]["msg"]
    assert "limit is 0" in said["limit"]["msg"]
