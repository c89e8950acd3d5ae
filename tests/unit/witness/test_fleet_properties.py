# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""What holds of every fleet document: it applies, once; its export is the same fleet; a plan tells what apply does."""

import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from tests.unit.witness.conftest import Api, ManualClock
from tests.unit.witness.documents import OWNER, fleet
from tests.unit.witness.fleet_documents import GROUP_FIELDS, SYSTEM_FIELDS, documents
from zfs_sync.api.fleet import SyncGroupSpec, SystemSpec
from zfs_sync.witness.app import create_app
from zfs_sync.witness.db.database import Database
from zfs_sync.witness.db.schema import metadata
from zfs_sync.witness.logs import make_logger
from zfs_sync.witness.principal import COMMAND_LINE
from zfs_sync.witness.services import keys
from zfs_sync.witness.services.keys import NewKey
from zfs_sync.witness.settings import Settings

KINDS = {"systems": "system", "sync_groups": "sync_group"}
Document = dict[str, Any]


class Witness:
    """A real witness whose desired state an example moves from document to document."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def plan(self, document: Document) -> dict[str, Any]:
        return self._ask("plan", document)

    def apply(self, document: Document) -> dict[str, Any]:
        return self._ask("apply", document)

    def empty(self) -> None:
        self.apply(fleet({}, {}))

    def export(self) -> Document:
        exported: Document = self._api.get("/api/v1/fleet").json()["fleet"]
        return exported

    def _ask(self, verb: str, document: Document) -> dict[str, Any]:
        request = {"fleet": document, "prune": True, "prune_limit": 100}
        answer = self._api.post(f"/api/v1/fleet/{verb}", request)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body


@pytest.fixture(scope="module")
def witness(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Witness]:
    file = tmp_path_factory.mktemp("witness") / "witness.db"
    database = Database(f"sqlite:///{file}")
    database.write(metadata.create_all)
    clock = ManualClock()
    app = create_app(Settings(database=Path(file)), clock, database, make_logger("error", io.StringIO()))
    new = NewKey("operator", "operator", None)
    token = database.write(lambda each: keys.create(each, COMMAND_LINE, new, clock())[1].text)
    with TestClient(app, raise_server_exceptions=False) as client:
        yield Witness(Api(client, token))
    database.close()


def changed(answer: Mapping[str, Any]) -> list[str]:
    return [each["name"] for each in answer["changes"] if each["action"] != "unchanged"]


def declared(document: Document, plural: str, name: str) -> set[str]:
    """The fields that the document speaks of: its own and those of its defaults."""
    under = ((document.get("defaults") or {}).get(KINDS[plural])) or {}
    return set(under) | set(document[plural][name] or {})


def moved(before: Document, alone: Document, document: Document) -> Document:
    """Where ``document`` leads from ``before``, given where it leads from nothing: undeclared fields stay."""
    result: Document = {"version": 1}
    for plural in KINDS:
        result[plural] = {}
        for name, spec in alone[plural].items():
            kept = before[plural].get(name, spec)
            spoken_of = declared(document, plural, name)
            result[plural][name] = {field: (spec if field in spoken_of else kept)[field] for field in spec}
    return result


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=documents(OWNER), second=documents(OWNER))
def test_any_two_documents_move_into_each_other_by_one_exactly_planned_apply(
    witness: Witness, first: Document, second: Document
) -> None:
    witness.empty()
    witness.apply(second)
    alone = witness.export()
    witness.empty()
    witness.apply(first)
    before = witness.export()
    planned, applied = witness.plan(second), witness.apply(second)
    assert {**applied, "state": ""} == {**planned, "state": ""}
    after = witness.export()
    assert after == moved(before, alone, second)
    for spelling in (second, {**after, "owner": OWNER}):
        again = witness.apply(spelling)
        assert changed(again) == []
        assert again["state"] == applied["state"]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(document=documents(OWNER), owner=st.sampled_from([OWNER, "gitops/other"]))
def test_a_document_applies_once_and_its_export_applies_as_unchanged_whoever_brings_it(
    witness: Witness, document: Document, owner: str
) -> None:
    witness.empty()
    first = witness.apply(document)
    assert sorted(changed(first)) == sorted([*document["systems"], *document["sync_groups"]])
    exported = witness.export()
    for spelling in (document, exported, {**exported, "owner": owner}):
        answer = witness.apply(spelling)
        assert changed(answer) == []
        assert answer["state"] == first["state"]
    assert witness.export() == exported


def test_every_field_of_the_contract_is_drawn() -> None:
    assert set(SYSTEM_FIELDS) == set(SystemSpec.__dataclass_fields__)
    assert {*GROUP_FIELDS, "members"} == set(SyncGroupSpec.__dataclass_fields__)
