# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""What the pages say can be true: links lead somewhere, programs take the commands, documents validate."""

import json
import re
import shlex
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
import yaml
from reference_pages.commands import every_command, programs, refusal
from sqlalchemy import Connection

from tests.unit.docs.pages import ROOT, Page, pages
from tests.unit.witness.test_authorization import CONTRACT
from zfs_sync.core.errors import CATALOGUE
from zfs_sync.witness.db.database import Database
from zfs_sync.witness.db.metadata import metadata
from zfs_sync.witness.metric_names import METRICS
from zfs_sync.witness.services.desired import service
from zfs_sync.witness.services.desired.request import read_fleet_request

PAGES = pages()
NAMES = {command.prog for program in programs() for command, _ in every_command(program)}
"""What prose calls a command, without the options that it must have."""
_TARGET = re.compile(r"^([a-z-]+):", re.MULTILINE)
_PLAYBOOK = re.compile(r"\bzfs_sync\.fleet\.(\w+)")
_VARIABLE = re.compile(r"\bzfs_sync_[a-z_]+\b")
_CODE = re.compile(r"\bE_[A-Z]+(?:_[A-Z]+)*\b")
_ROUTE = re.compile(r"\b(GET|POST|PUT|DELETE) (/api/v1/[^\s?]+|/metrics|/health/\w+)")
_SHELL = re.compile(r"[;|<>&]")

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda each: each.name)


def test_there_are_pages() -> None:
    assert {"README.md", "docs/reference/api.md"} < {page.name for page in PAGES}


@every_page
def test_links_lead_somewhere(page: Page) -> None:
    assert [link for link in page.links if not _leads(page, link)] == []


def _leads(page: Page, link: str) -> bool:
    if re.match(r"[a-z]+:", link):
        return link.startswith("https://")
    path, _, fragment = link.partition("#")
    target = (page.path.parent / path).resolve() if path else page.path
    if not target.exists() or not target.is_relative_to(ROOT):
        return False
    return not fragment or fragment in Page(target).anchors


@every_page
def test_tasks_of_make_exist(page: Page) -> None:
    targets = set(_TARGET.findall((ROOT / "Makefile").read_text()))
    named = {word for line in page.commands + page.spans for word in re.findall(r"\bmake ([a-z][a-z-]*)", line)}
    assert named - targets == set()


@every_page
def test_commands_are_ones_that_the_programs_take(page: Page) -> None:
    lines = page.commands + [span for span in page.spans if span not in NAMES]
    refused = {" ".join(words): fault for line in lines for words in _commands(line) if (fault := refusal(words))}
    assert refused == {}


def _commands(line: str) -> list[list[str]]:
    """The words of each command of a line."""
    found: list[list[str]] = [[]]
    try:
        words = shlex.split(line, comments=True)
    except ValueError:  # not a command, but a piece of prose with an apostrophe
        return []
    for word in words:
        if _SHELL.match(word):
            found.append([])
        else:
            found[-1].append(word)
    return found


@every_page
def test_playbooks_modules_and_roles_exist(page: Page) -> None:
    places = ("playbooks/{}.yml", "plugins/modules/{}.py", "roles/{}", "plugins/filter/{}.py")
    named = set(_PLAYBOOK.findall(page.text)) - {"NAME"}
    assert [name for name in sorted(named) if not any((ROOT / place.format(name)).exists() for place in places)] == []


@every_page
def test_variables_and_metrics_exist(page: Page) -> None:
    assert set(_VARIABLE.findall(page.text)) - _variables() - {metric.name for metric in METRICS} == set()


@cache
def _variables() -> set[str]:
    """The variables that the collection knows."""
    found = [path for folder in ("roles", "playbooks", "plugins") for path in (ROOT / folder).rglob("*.[yp]*[ly]")]
    return {name for path in found for name in _VARIABLE.findall(path.read_text())}


@every_page
def test_code_in_prose_stands_on_one_line(page: Page) -> None:
    assert [line for line in page.prose.splitlines() if line.count("`") % 2] == []


@every_page
def test_routes_exist(page: Page) -> None:
    known = {(method, re.sub(r"{[^}]*}", "{}", path)) for method, path in CONTRACT}
    named = [found for span in page.spans for found in _ROUTE.findall(span)]
    assert [each for each in named if (each[0], re.sub(r"{[^}]*}", "{}", each[1])) not in known] == []


@every_page
def test_error_codes_exist(page: Page) -> None:
    assert set(_CODE.findall(page.text)) - set(CATALOGUE) == set()


@every_page
def test_fleet_documents_are_valid(page: Page, database: Database) -> None:
    documents = [yaml.safe_load(block) for block in page.blocks("yaml")]
    for document in documents:
        if isinstance(document, dict) and "version" in document:
            database.read(lambda connection, document=document: _plan(connection, document))


def test_the_example_is_valid(database: Database) -> None:
    document = yaml.safe_load((ROOT / "examples" / "fleet.yml").read_text())
    answer = database.read(lambda connection: _plan(connection, document))
    assert answer["summary"]["created"] == 6


def _plan(connection: Connection, document: dict[str, Any]) -> dict[str, Any]:
    """What the witness says of the document. Raises ZfsSyncError for a faulty one."""
    return service.plan(connection, read_fleet_request(json.dumps({"fleet": document}).encode()))


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    opened = Database(f"sqlite:///{tmp_path_factory.mktemp('documents') / 'witness.db'}")
    opened.write(metadata.create_all)
    yield opened
    opened.close()


def test_every_page_of_the_documentation_is_in_its_index() -> None:
    index = Page(ROOT / "docs" / "README.md")
    linked = {str((index.path.parent / link).resolve().relative_to(ROOT)) for link in index.links}
    own = {page.name for page in PAGES if page.name.startswith("docs/")}
    series = ("docs/errors/", "docs/adr/")  # indices of their own
    assert {name for name in own - linked if not name.startswith(series)} == {"docs/README.md"}
