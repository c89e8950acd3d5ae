# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""/docs and the OpenAPI document: complete, and without a word to the internet."""

import re
from typing import Any

from starlette.testclient import TestClient

from zfs_sync.witness.routes.docs import STATIC


def test_the_page_and_what_it_names_come_from_the_witness(client: TestClient) -> None:
    page = client.get("/docs")
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    names = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(names) == 3
    for name in names:
        assert name.startswith("/static/")
        assert client.get(name).status_code == 200


def test_only_named_files_are_served(client: TestClient) -> None:
    for name in ("%2e%2e%2fmain.py", "docs.js.license", "swagger-ui.css.license"):
        assert client.get(f"/static/{name}").status_code == 404


def test_vendored_files_carry_their_licence() -> None:
    for name in ("swagger-ui-bundle.js", "swagger-ui.css"):
        assert "Apache-2.0" in (STATIC / f"{name}.license").read_text()


def _references(value: Any) -> set[str]:
    if isinstance(value, dict):
        found = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
        return found.union(*(_references(each) for each in value.values()))
    if isinstance(value, list):
        return set().union(*(_references(each) for each in value))
    return set()


def test_every_operation_names_its_role_and_its_error(client: TestClient) -> None:
    document = client.get("/api/v1/openapi.json").json()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            what = f"{method} {path}"
            assert re.search(r"(Role: \w+( or \w+)*\.|Needs no key\.)$", operation["description"]), what
            assert operation["description"].count("Role: ") <= 1, what
            assert bool(operation.get("security")) == ("Role: " in operation["description"]), what
            assert "default" in operation["responses"], what
            assert operation["summary"], what


def test_every_reference_of_the_document_leads_somewhere(client: TestClient) -> None:
    document = client.get("/api/v1/openapi.json").json()
    names = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert _references(document) <= names
    assert {"#/components/schemas/FleetRequest", "#/components/schemas/Problem"} <= _references(document)


def test_operation_ids_are_unique(client: TestClient) -> None:
    document = client.get("/api/v1/openapi.json").json()
    ids = [operation["operationId"] for operations in document["paths"].values() for operation in operations.values()]
    assert len(ids) == len(set(ids))
