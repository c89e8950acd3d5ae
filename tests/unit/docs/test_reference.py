# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The reference pages are what the code says, and the code says something of everything that it offers."""

import argparse
import dataclasses
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import pytest
import yaml
from reference_pages import PAGES, api, commands, modules, playbooks
from reference_pages.raised import codes
from reference_pages.schema import undescribed

from tests.lab import cli as lab
from tests.unit.witness.test_authorization import CONTRACT
from zfs_sync.agent import commands as agent
from zfs_sync.agent.config import AgentConfig
from zfs_sync.api.audit import AuditEntry
from zfs_sync.api.fleet import FleetDocument
from zfs_sync.api.jobs import Job
from zfs_sync.api.snapshots import Snapshot
from zfs_sync.api.status import EdgeStatus, SystemStatus
from zfs_sync.core.errors import CATALOGUE
from zfs_sync.witness import main as witness
from zfs_sync.witness import metric_names, metrics
from zfs_sync.witness.openapi import document
from zfs_sync.witness.routes import ROUTERS, jobs
from zfs_sync.witness.settings import Settings

ROOT = Path(__file__).parents[3]
REFERENCE = ROOT / "docs" / "reference"
PROGRAMS = (witness.make_parser, agent.make_parser, lab.make_parser)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_what_the_code_says(name: str) -> None:
    assert (REFERENCE / name).read_text() == PAGES[name](), "run make docs"


def test_the_command_behind_make_docs_finds_nothing_to_write() -> None:
    command = [sys.executable, ROOT / "packaging" / "reference.py", REFERENCE, "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_command_behind_make_docs_writes_what_is_missing(tmp_path: Path) -> None:
    command = [sys.executable, ROOT / "packaging" / "reference.py", tmp_path]
    found = subprocess.run([*command, "--check"], capture_output=True, text=True, check=False)
    assert found.returncode == 1
    assert found.stderr.count("run make docs") == len(PAGES)
    subprocess.run(command, check=True)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        name: make() for name, make in PAGES.items()
    }


def test_every_route_is_described() -> None:
    text = (REFERENCE / "api.md").read_text()
    found = [(api.title(route), route.description.partition("\n\n")[0]) for route in api.routes()]
    assert len(found) == len(CONTRACT)
    assert [route for route, said in found if not said or f"\n## {route}\n\n{said}" not in text] == []


def test_every_field_on_the_wire_is_described() -> None:
    models = document([route for router in ROUTERS for route in router.routes])["components"]["schemas"]
    assert {name: missing for name, each in models.items() if (missing := undescribed(each))} == {}


def test_every_error_that_a_route_raises_is_in_the_catalogue() -> None:
    raised = {code for route in api.routes() for code in codes(route.endpoint)}
    assert len(raised) > 15
    assert raised <= set(CATALOGUE)


def test_the_errors_of_a_route_are_found_through_what_it_calls() -> None:
    assert codes(jobs.claim) >= {"E_JOB_NOT_CLAIMABLE", "E_JOB_NOT_YOURS", "E_AGENT_CLONED"}


def test_every_error_has_its_page() -> None:
    pages = {path.stem for path in (ROOT / "docs" / "errors").glob("E_*.md")}
    assert pages == set(CATALOGUE)


def test_every_setting_of_the_witness_is_described() -> None:
    text = (REFERENCE / "configuration.md").read_text()
    missing = [
        name for name, each in Settings.model_fields.items() if not each.description or f"| `{name}` |" not in text
    ]
    assert missing == []


def test_every_metric_is_described() -> None:
    text = (REFERENCE / "metrics.md").read_text()
    source = Path(metrics.__file__).read_text()
    families = set(re.findall(r"names\.([A-Z_]+)", source))
    assert families == {name for name, each in vars(metric_names).items() if isinstance(each, metric_names.Metric)}
    assert len(metric_names.METRICS) == len(families)
    assert [each.name for each in metric_names.METRICS if not each.text or f"| `{each.name}` |" not in text] == []


@pytest.mark.parametrize(("root", "page"), [(AgentConfig, "configuration.md"), (FleetDocument, "fleet-document.md")])
def test_every_field_of_a_file_is_described(root: type, page: str) -> None:
    text = (REFERENCE / page).read_text()
    rows = [line.split(" | ") for line in text.splitlines() if line.startswith("| `")]
    described = {row[0].strip("| `") for row in rows if row[-1].strip("| ")}
    wanted = {field.name.rstrip("_") for each in _dataclasses(root) for field in dataclasses.fields(each)}
    assert wanted - described == set()


def _dataclasses(root: type) -> Iterator[type]:
    """The dataclass and those that its fields hold."""
    yield root
    for hint in get_type_hints(root).values():
        for each in _parts(hint):
            if dataclasses.is_dataclass(each):
                yield from _dataclasses(each)


def _parts(hint: Any) -> Iterator[Any]:
    if get_origin(hint) is None:
        yield hint
    for each in get_args(hint):
        yield from _parts(each)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda each: each.__module__)
def test_every_command_and_option_is_described(program: Any) -> None:
    text = (REFERENCE / "commands.md").read_text()
    missing = []
    for command, said in commands.every_command(program()):
        missing += [command.prog] * (not said or f"\n### {command.prog}\n" not in text)
        missing += [f"{command.prog} {each.dest}" for each in _options(command) if not each.help]
    assert missing == []


def _options(command: argparse.ArgumentParser) -> list[argparse.Action]:
    return [each for each in command._actions if each.dest != "help"]


@pytest.mark.parametrize("path", sorted((ROOT / "playbooks").glob("*.yml")), ids=lambda each: each.stem)
def test_every_variable_of_a_playbook_is_described(path: Path) -> None:
    text = (REFERENCE / "playbooks.md").read_text()
    section = text.partition(f"\n## zfs_sync.fleet.{path.stem}\n")[2].partition("\n## ")[0]
    variables = playbooks.own_variables(path) | {name for each in playbooks.roles_of(path).values() for name in each}
    assert variables - set(playbooks.OWN) <= {name for each in playbooks.roles_of(path).values() for name in each}
    assert [name for name in sorted(variables) if f"| `{name}` |" not in section] == []


def test_every_playbook_variable_that_is_described_is_used() -> None:
    used = {name for path in (ROOT / "playbooks").glob("*.yml") for name in playbooks.own_variables(path)}
    assert set(playbooks.OWN) == used


def test_the_playbooks_that_are_described_are_those_that_ship() -> None:
    text = (REFERENCE / "playbooks.md").read_text()
    for path in (ROOT / "playbooks").glob("*.yml"):
        assert yaml.safe_load(path.read_text())
        assert f"\n## zfs_sync.fleet.{path.stem}\n" in text


@pytest.mark.parametrize("path", sorted((ROOT / "plugins" / "modules").glob("*.py")), ids=lambda each: each.stem)
def test_every_option_that_a_module_documents_is_on_its_page(path: Path) -> None:
    section = (REFERENCE / "modules.md").read_text().partition(f"\n## {path.stem}\n")[2].partition("\n## ")[0]
    assert [name for name in modules.options_of(path) if f"| `{name}` |" not in section] == []


@pytest.mark.parametrize(
    ("module", "value", "model"),
    [
        ("zfs_sync_audit_info", "entries", AuditEntry),
        ("zfs_sync_job_info", "jobs", Job),
        ("zfs_sync_snapshot_info", "snapshots", Snapshot),
        ("zfs_sync_status_info", "edges", EdgeStatus),
        ("zfs_sync_status_info", "systems", SystemStatus),
    ],
)
def test_what_a_module_returns_of_an_answer_is_described_field_by_field(module: str, value: str, model: type) -> None:
    described = modules.returned(ROOT / "plugins" / "modules" / f"{module}.py")[value]["contains"]
    assert set(described) == {field.name for field in dataclasses.fields(model)}, "bring the RETURN block up to date"
