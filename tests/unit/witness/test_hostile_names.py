# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Whatever could be taken for a command, an option, a path or a second line is refused at every place of the API."""

import copy
from typing import Any
from urllib.parse import quote

import pytest
from sqlalchemy import func, select

from tests.unit.witness.conftest import Api
from tests.unit.witness.test_problems import assert_problem
from zfs_sync.witness.db.database import Database
from zfs_sync.witness.db.metadata import metadata

HOSTILE = (
    "x; touch /tmp/y",
    "x\ntouch /tmp/y",
    "x\n",
    "x\0",
    "../x",
    "tank/../x",
    "$(touch /tmp/y)",
    "`touch /tmp/y`",
    "-F",
    "-oProxyCommand=touch /tmp/y",
    "x|y",
    "x\u202ey",
    "x" * 300,
    "",
)
DOCUMENT: dict[str, Any] = {
    "version": 1,
    "systems": {"nas1": {"ssh": {"host": "nas1", "user": "zfs-sync"}}, "nas2": {}, "nas3": {}},
    "sync_groups": {
        "photos": {
            "members": [
                {"system": "nas1", "dataset": "tank/photos", "role": "source"},
                {"system": "nas2", "dataset": "backup/photos", "role": "target"},
                {"system": "nas3", "dataset": "safe/photos", "role": "target", "from": "nas2"},
            ]
        }
    },
}
PLACES: dict[str, tuple[str | int, ...]] = {
    "owner": ("owner",),
    "host": ("systems", "nas1", "ssh", "host"),
    "user": ("systems", "nas1", "ssh", "user"),
    "port": ("systems", "nas1", "ssh", "port"),
    "platform": ("systems", "nas1", "platform"),
    "interval": ("sync_groups", "photos", "interval"),
    "lag_limit": ("sync_groups", "photos", "lag_limit"),
    "mode": ("sync_groups", "photos", "mode"),
    "member": ("sync_groups", "photos", "members", 0, "system"),
    "source": ("sync_groups", "photos", "members", 0, "dataset"),
    "target": ("sync_groups", "photos", "members", 1, "dataset"),
    "from": ("sync_groups", "photos", "members", 2, "from"),
}


def changed(place: tuple[str | int, ...], value: Any) -> dict[str, Any]:
    document = copy.deepcopy(DOCUMENT)
    inner: Any = document
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    return document


def rows(database: Database) -> dict[str, int]:
    counted = ("systems", "sync_groups", "edges", "jobs", "api_keys", "audit")
    tables = {name: metadata.tables[name] for name in counted}
    return database.read(
        lambda connection: {
            name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for name, table in tables.items()
        }
    )


@pytest.mark.parametrize("place", sorted(PLACES))
def test_a_hostile_value_in_the_fleet_is_refused_where_it_stands(operator: Api, database: Database, place: str) -> None:
    path = PLACES[place]
    pointer = "/fleet/" + "/".join(map(str, path))
    before = rows(database)
    for value in HOSTILE:
        if place == "owner" and value in ("../x", "tank/../x"):
            continue  # a label of any number of parts, which is a path to nothing
        for route in ("plan", "apply"):
            body = assert_problem(
                operator.post(f"/api/v1/fleet/{route}", {"fleet": changed(path, value)}), 422, "E_VALIDATION"
            )
            assert pointer in {fault["pointer"] for fault in body["errors"]}, value
    assert rows(database) == before


@pytest.mark.parametrize("kind", ["systems", "sync_groups"])
def test_a_hostile_name_is_refused_in_the_fleet_and_in_a_path(operator: Api, database: Database, kind: str) -> None:
    before = rows(database)
    content = {"systems": {}, "sync_groups": DOCUMENT["sync_groups"]["photos"]}[kind]
    for name in HOSTILE:
        document = copy.deepcopy(DOCUMENT)
        document[kind][name] = content
        assert_problem(operator.post("/api/v1/fleet/apply", {"fleet": document}), 422, "E_VALIDATION")
        delete = {"fleet": {"version": 1}, "delete": {kind: [name]}}
        assert_problem(operator.post("/api/v1/fleet/apply", delete), 422, "E_VALIDATION")
        for method in ("PUT", "DELETE", "GET"):
            options = {"json": content} if method == "PUT" else {}
            answer = operator(method, f"/api/v1/{kind.replace('_', '-')}/{quote(name, safe='')}", **options)
            refused = answer.status_code in (404, 405, 422) and answer.json()["code"].startswith("E_")
            assert refused or (method == "GET" and name == ""), f"{method} {name!r}: {answer.text}"
    assert rows(database) == before


def test_a_hostile_name_is_found_by_no_reading_or_deciding_route(admin: Api, database: Database) -> None:
    admin.post("/api/v1/fleet/apply", {"fleet": DOCUMENT})
    before = rows(database)
    for name in HOSTILE[:-1]:
        part = quote(name, safe="")
        for method, path in (
            ("GET", f"/jobs/{part}"),
            ("POST", f"/jobs/{part}/cancel"),
            ("POST", f"/jobs/{part}/abandon"),
            ("POST", f"/sync-groups/{part}/sync"),
            ("GET", f"/api-keys/{part}"),
            ("POST", f"/api-keys/{part}/rotate"),
        ):
            answer = admin(method, f"/api/v1{path}", json={} if method == "POST" else None)
            assert answer.status_code in (404, 422), f"{method} {path}: {answer.text}"
            assert answer.json()["code"].startswith("E_")
        for asked in ("status?group=", "status?system=", "jobs?group=", "jobs?system=", "jobs?state="):
            answer = admin.get(f"/api/v1/{asked}{part}")
            found = answer.json()
            assert answer.status_code == 422 or found["items"] == [] or asked.startswith("status"), asked
        key = {"name": "x", "role": "enrol", "system": name}
        assert admin.post("/api/v1/api-keys", key).status_code in (404, 422)
        answer = admin.post("/api/v1/sync-groups/photos/sync", {"targets": [name]})
        assert answer.status_code in (404, 422), name
    assert rows(database) == before
