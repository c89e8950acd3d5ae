# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""roles.md: every role of the collection with its variables."""

from pathlib import Path

import yaml

from reference_pages.markdown import note
from reference_pages.options import options_table, plain

ROLES = Path(__file__).resolve().parents[2] / "roles"
_INTRODUCTION = """\
# Roles

The playbooks run them in the right order; each can also be run by itself, as `zfs_sync.fleet.NAME`. Arguments are
checked before anything happens.
"""


def page() -> str:
    """The text of the page."""
    text = note("the roles' argument specifications") + _INTRODUCTION
    for path in sorted(ROLES.glob("*/meta/argument_specs.yml")):
        specification = yaml.safe_load(path.read_text())["argument_specs"]["main"]
        text += f"\n## {path.parents[1].name}\n\n{plain(specification['description'])}\n\n"
        text += options_table(specification["options"], "variable")
    return text
