# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection as a whole: nothing forgotten in a list that is kept by hand."""

from __future__ import annotations

import re
from pathlib import Path

import ansible_collections.zfs_sync.fleet.plugins.module_utils._options as anchor
import pytest
import yaml

COLLECTION = Path(anchor.__file__).resolve().parents[2]
MODULES = sorted((COLLECTION / "plugins" / "modules").glob("*.py"))
ROLES = sorted(path.parent.name for path in (COLLECTION / "roles").glob("*/defaults"))


def text_of(path):
    return path.read_text(encoding="utf-8")


def test_the_action_group_has_every_module_that_speaks_to_the_witness():
    runtime = yaml.safe_load(text_of(COLLECTION / "meta" / "runtime.yml"))
    speaking = [path.stem for path in MODULES if "witness_options()" in text_of(path)]
    assert runtime["action_groups"] == {"witness": speaking}
    documented = [path.stem for path in MODULES if "- zfs_sync.fleet.attributes.witness\n" in text_of(path)]
    assert documented == speaking


def test_private_code_says_that_it_is_private():
    for path in (COLLECTION / "plugins" / "module_utils").glob("*.py"):
        assert path.name.startswith("_")
        assert "Private" in text_of(path).split('"""')[1]


def test_nothing_is_trusted_blindly_and_nothing_unpinned_is_fetched():
    folders = [COLLECTION / name for name in ("roles", "playbooks", "plugins")]
    for path in (each for folder in folders for each in folder.rglob("*") if each.suffix in (".yml", ".j2", ".py")):
        found = re.search(
            r"trusted=yes|StrictHostKeyChecking[ =]no|get_url|validate_certs: false|curl |wget ", text_of(path)
        )
        assert not found, "%s: %s" % (path, found)


def test_every_task_with_a_token_in_its_result_hides_it():
    for path in (COLLECTION / "roles").rglob("tasks/*.yml"):
        for task in yaml.safe_load(text_of(path)):
            if "zfs_sync.fleet.zfs_sync_api_key" in task:
                assert task["no_log"] is True


@pytest.mark.parametrize("role", ROLES)
def test_defaults_specification_and_reference_of_a_role_agree(role):
    folder = COLLECTION / "roles" / role
    defaults = yaml.safe_load(text_of(folder / "defaults" / "main.yml"))
    options = yaml.safe_load(text_of(folder / "meta" / "argument_specs.yml"))["argument_specs"]["main"]["options"]
    assert sorted(defaults) == sorted(options)
    for name, option in options.items():
        if "default" in option:
            assert option["default"] == defaults[name], name
        else:
            assert "{{" in str(defaults[name]), "%s has a constant default that the specification does not tell" % name
    described = re.findall(r"^\| `(\w+)` \|", text_of(folder / "README.md"), re.MULTILINE)
    assert described == list(options)
