# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""playbooks.md: every variable of the collection's playbooks, their own and those of the roles that they run."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from reference_pages.markdown import code, note, table
from reference_pages.options import options_table

ROOT = Path(__file__).resolve().parents[2]
_VARIABLE = re.compile(r"\bzfs_sync_[a-z_]+\b")
_PREFIX = "zfs_sync.fleet."
_WHOLE = (None, "drift")
"""The task files of a role to which all of its variables matter."""


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable of the playbooks themselves."""

    type: str
    default: str
    description: str


OWN: Mapping[str, Variable] = {
    "zfs_sync_witness_group": Variable("str", "`witness`", "The inventory group that holds the witness's host."),
    "zfs_sync_hosts_group": Variable("str", "`zfs_sync_hosts`", "The inventory group of the hosts with an agent."),
    "zfs_sync_fleet_file": Variable(
        "path",
        "`fleet.yml` beside the inventory",
        "The fleet document. A relative path counts from the working folder.",
    ),
    "zfs_sync_fleet": Variable("dict", "the content of that file", "The fleet document itself."),
    "zfs_sync_api_host": Variable(
        "str",
        "the first host of the witness's group, else `localhost`",
        "The host from which the witness's API is called.",
    ),
    "zfs_sync_witness_url": Variable(
        "str", "said by the role witness", "The witness's address. Needed where the inventory has no witness's group."
    ),
    "zfs_sync_witness_token": Variable("str", "none", "The API key, where the role witness has not said a file."),
    "zfs_sync_witness_token_file": Variable(
        "path", "said by the role witness", "A file with the API key, on the host that calls the API."
    ),
    "zfs_sync_witness_ca_path": Variable(
        "path", "said by the role witness", "The witness's CA certificate, on the host that calls the API."
    ),
    "zfs_sync_prune": Variable("bool", "`false`", "Delete this owner's objects that are not in the document."),
    "zfs_sync_prune_limit": Variable("int", "max(5, 20 %)", "How many objects prune may delete."),
    "zfs_sync_adopt": Variable("bool", "`false`", "Take over objects of other owners whose content differs."),
    "zfs_sync_if_match": Variable(
        "str", "none", "The state tag of a plan; the run refuses when desired state has moved on since."
    ),
    "zfs_sync_host": Variable("str", "none", "The host of the inventory that joins or leaves."),
    "zfs_sync_host_gone": Variable("bool", "`false`", "The host is lost: nothing is done on it."),
    "zfs_sync_system": Variable(
        "str", "the host's name in the inventory", "The name of a host in the fleet, of each host."
    ),
    "zfs_sync_upgrade_serial": Variable(
        "list", '`[1, "25%"]`', "How many hosts each batch has, as `serial` of a play."
    ),
    "zfs_sync_upgrade_patience": Variable("int", "`60`", "How many seconds an agent may take until it is well again."),
    "zfs_sync_agent_package_path": Variable("path", "the collection's own", "The agent's file on the controller."),
    "zfs_sync_agent_python": Variable("path", "the host's newest from 3.11 on", "The interpreter that runs the agent."),
    "zfs_sync_switch": Variable("str", "none", "The sync group that is switched over."),
    "zfs_sync_switch_quiet": Variable("bool", "`false`", "Nothing writes at the old source, though it is writable."),
    "zfs_sync_backup_dir": Variable("path", "`backups`", "The folder of the backups on the controller."),
    "zfs_sync_backup_file": Variable("path", "none", "The backup on the controller that is restored."),
    "zfs_sync_restore_replace": Variable("bool", "`false`", "Move a witness that lives there already aside."),
    "zfs_sync_witness_config": Variable("path", "`/etc/zfs-sync/witness.yml`", "The witness's settings, on its host."),
    "zfs_sync_witness_state_dir": Variable("path", "`/var/lib/zfs-sync-witness`", "The witness's state, on its host."),
    "zfs_sync_drift_report": Variable(
        "path",
        "`drift`",
        "The report's two files on the controller, without `.json` and `.txt`.",
    ),
    "zfs_sync_drift_fail": Variable("bool", "`true`", "Fail where something differs or a host could not be asked."),
}
_NAMES = {
    "zfs_sync_inventory_dir", "zfs_sync_witness_ready", "zfs_sync_status", "zfs_sync_status_lines",
    "zfs_sync_result_format", "zfs_sync_hosts",
    "zfs_sync_joining", "zfs_sync_joining_hosts", "zfs_sync_joining_peers", "zfs_sync_joined",
    "zfs_sync_leaving", "zfs_sync_leaving_groups", "zfs_sync_leaving_hosts", "zfs_sync_leaving_places", "zfs_sync_held",
    "zfs_sync_held_groups", "zfs_sync_left_behind", "zfs_sync_left_behind_hosts", "zfs_sync_trusts", "zfs_sync_trusted",
    "zfs_sync_pattern", "zfs_sync_nobody",
    "zfs_sync_doctor", "zfs_sync_installed", "zfs_sync_before", "zfs_sync_after", "zfs_sync_upgraded",
    "zfs_sync_troubles", "zfs_sync_troubles_before",
    "zfs_sync_switch_from", "zfs_sync_switch_held", "zfs_sync_switch_hosts", "zfs_sync_switch_old",
    "zfs_sync_switch_open", "zfs_sync_switched",
    "zfs_sync_switch_known", "zfs_sync_switch_over", "zfs_sync_switch_readonly", "zfs_sync_switch_snapshots",
    "zfs_sync_switch_there", "zfs_sync_switch_wanted",
    "zfs_sync_backups", "zfs_sync_backup", "zfs_sync_backup_arrival", "zfs_sync_backup_room",
    "zfs_sync_backup_file_there",
    "zfs_sync_restore_before", "zfs_sync_restore_room", "zfs_sync_restoring",
    "zfs_sync_drift", "zfs_sync_drift_asked", "zfs_sync_drift_files", "zfs_sync_drift_plan",
}  # fmt: skip
"""What has the form of a variable and is none that a user sets: results, facts of a role, a group of the inventory."""
_INTRODUCTION = """\
# Playbooks

`ansible-playbook -i INVENTORY zfs_sync.fleet.NAME`, from an installed collection. All of them work in check mode.
"""


def page() -> str:
    """The text of the page."""
    text = note("the playbooks and the roles' argument specifications") + _INTRODUCTION
    for path in sorted((ROOT / "playbooks").glob("*.yml")):
        text += f"\n## {_PREFIX}{path.stem}\n\n{_comment(path)}\n\n{_table(path)}"
        for role, options in roles_of(path).items():
            text += f"\n### Of the role {role}, in {path.stem}\n\n{options_table(options, 'variable')}"
    return text


def own_variables(path: Path) -> set[str]:
    """The variables that a playbook itself names, without those that it sets for itself."""
    text = path.read_text() + (ROOT / "playbooks" / "vars" / "fleet.yml").read_text()
    named = set(_VARIABLE.findall(re.sub(rf"{re.escape(_PREFIX)}\w+", "", text)))
    of_roles = {name for options in roles_of(path).values() for name in options}
    return named - _NAMES - (of_roles - set(OWN))


def roles_of(path: Path) -> Mapping[str, Mapping[str, Any]]:
    """The roles whose variables matter to a playbook, each with its options."""
    plays = yaml.safe_load(path.read_text())
    names = [name for play in plays for name in _roles(play)]
    return {name: _options(name) for name in names}


def _roles(play: Mapping[str, Any]) -> Iterator[str]:
    for role in play.get("roles", []):
        yield role["role"].removeprefix(_PREFIX)
    for task in play.get("tasks", []):
        included = task.get("ansible.builtin.include_role", {})
        if included and included.get("tasks_from") in _WHOLE:
            yield included["name"].removeprefix(_PREFIX)


def _options(role: str) -> Mapping[str, Any]:
    specification = yaml.safe_load((ROOT / "roles" / role / "meta" / "argument_specs.yml").read_text())
    options: Mapping[str, Any] = specification["argument_specs"]["main"]["options"]
    return options


def _comment(path: Path) -> str:
    """The first comment below the licence, which says what the playbook is for."""
    lines = path.read_text().partition("---\n")[2].splitlines()
    said = " ".join(line.removeprefix("# ") for line in lines[: next(i for i, x in enumerate(lines) if x[:1] != "#")])
    return re.sub(r"(-e '[^']*')", r"`\1`", said)


def _table(path: Path) -> str:
    rows = []
    for name in sorted(own_variables(path)):
        own = OWN[name]
        rows.append([code(name), own.type, own.default, own.description])
    return table(["variable", "type", "default", "what it is"], rows)
