# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""What a person reads when something is wrong: which object, what about it, and what to do. Nothing is changed then."""

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.collection.conftest import FLEET, MEMBERS
from tests.integration.collection.controller import TOOLS, Controller
from tests.integration.collection.old_python import old_python, packed

pytestmark = [pytest.mark.lab, pytest.mark.timeout(600)]


def refused(hosts: Controller, variables: Mapping[str, Any] | None = None, fleet: object = FLEET) -> str:
    """Run site.yml, which must fail without having changed anything; what it said."""
    file = hosts.folder / "fleet.yml"
    file.write_text(fleet if isinstance(fleet, str) else yaml.safe_dump(fleet))
    hosts.groups = {"zfs_sync_hosts": ["h1", "h2", "h3"]}
    run = hosts.playbook(
        "zfs_sync.fleet.site", variables={"zfs_sync_fleet_file": str(file), **(variables or {})}, check=False
    )
    assert run.status != 0
    assert run.changed == set()
    assert untouched(hosts)
    print(run.output)
    return "\n".join(run.faults) or run.output


def untouched(hosts: Controller) -> bool:
    present = [hosts.lab.host(name).ssh(["test", "-e", "/etc/zfs-sync"], check=False) for name in ("h1", "h2", "h3")]
    return all(each.returncode for each in present)


def test_a_witness_that_cannot_be_reached(hosts: Controller) -> None:
    said = refused(hosts, {"zfs_sync_witness_url": "https://127.0.0.1:1"})
    assert "E_WITNESS_UNREACHABLE: cannot reach the witness at https://127.0.0.1:1: " in said
    assert "Connection refused" in said
    assert "systemctl status zfs-sync-witness" in said


def test_another_ca(hosts: Controller, tmp_path: Path) -> None:
    subprocess.run(
        [TOOLS / "zfs-sync-witness", "tls", "init", "--host", "other", "--directory", tmp_path],
        check=True,
        capture_output=True,
    )
    said = refused(hosts, {"zfs_sync_witness_ca_path": str(tmp_path / "ca.crt")})
    assert "E_WITNESS_UNTRUSTED: the certificate of the witness at https://" in said
    assert "Give witness_ca_path the file ca.crt" in said


def test_a_key_file_that_is_not_there(hosts: Controller) -> None:
    said = refused(hosts, {"zfs_sync_witness_token_file": "/nowhere/admin.key"})
    assert "cannot read the key for the witness from /nowhere/admin.key: No such file or directory" in said
    assert "Give witness_token_file a file" in said


def test_a_fleet_document_that_is_not_well_formed_shows_all_its_faults_at_once(hosts: Controller) -> None:
    wrong = {
        **FLEET,
        "systems": {**FLEET["systems"], "h1": {"colour": "red"}},
        "sync_groups": {"data": {"members": MEMBERS, "interval": "often"}},
    }
    said = refused(hosts, fleet=wrong)
    assert "2 faults; nothing was changed" in said
    assert "/fleet/systems/h1/colour: this key is not known" in said
    assert "/fleet/sync_groups/data/interval: 'often' is not a duration" in said


def test_a_fleet_document_that_contradicts_itself_shows_all_its_faults_at_once(hosts: Controller) -> None:
    stranger = {"system": "h9", "dataset": "tank/x", "role": "target"}
    wrong = {**FLEET, "sync_groups": {"data": {"members": [*MEMBERS, stranger]}, "more": {"members": MEMBERS}}}
    said = refused(hosts, fleet=wrong)
    assert "/fleet/sync_groups/data/members/3/system" in said
    assert "h9" in said
    assert "/fleet/sync_groups/more/members/1" in said
    assert "backup/data" in said


def test_a_fleet_document_that_is_not_there(hosts: Controller) -> None:
    said = refused(hosts, {"zfs_sync_fleet_file": "/nowhere/fleet.yml"})
    assert "/nowhere/fleet.yml" in said


def test_a_fleet_document_that_is_no_yaml(hosts: Controller) -> None:
    said = refused(hosts, fleet="version: 1\nsystems: {h1: {}\n")
    assert "line 3" in said or "line 2" in said


def test_a_host_without_the_interpreter_that_was_given(hosts: Controller) -> None:
    run = hosts.role("agent", "h1", {"zfs_sync_agent_python": "/usr/bin/python3.99"}, check=False)
    assert run.faults == [
        "E_INSTALL: this host has no interpreter /usr/bin/python3.99\nGive python another path.",
    ]
    assert untouched(hosts)


def test_a_host_whose_python_is_too_old_for_the_agent_is_told_what_to_install(hosts: Controller) -> None:
    """The modules run with it, and change nothing."""
    old, host = old_python(), hosts.lab.host("h3")
    host.ssh("tar --extract --directory=/", input=packed(old))
    host.ssh(f"cd /usr/bin && mv python3.11 python3.11.away && ln -sf {old} python3")
    try:
        run = hosts.role("agent", "h3", {"ansible_python_interpreter": "/usr/bin/python3"}, check=False)
    finally:
        host.ssh("cd /usr/bin && mv python3.11.away python3.11 && ln -sf python3.11 python3")
    (said,) = run.faults
    assert said.startswith("E_INSTALL: this host has no Python 3.11 or later, which the agent needs")
    assert "Install the package python3.11 or a later one" in said
    assert run.changed == set()
    assert untouched(hosts)


def test_a_host_without_zfs_is_told_of(hosts: Controller) -> None:
    host = hosts.lab.host("h2")
    tools = host.ssh("readlink -f $(command -v zfs) $(command -v zpool)").stdout.split()
    for tool in tools:
        host.ssh(["mv", tool, f"{tool}.away"])
    run = hosts.role("agent", "h2", {}, "--check")
    for tool in tools:
        host.ssh(["mv", f"{tool}.away", tool])
    assert "this host has no command zfs and no command zpool" in " ".join(run.output.split())


@pytest.mark.long  # the installer waits for the enrolment
def test_a_host_whose_agent_cannot_reach_the_witness(hosts: Controller) -> None:
    run = hosts.role("agent", "h3", {"zfs_sync_agent_witness_url": "https://127.0.0.1:1"}, check=False)
    hosts.role("agent", "h3", {"zfs_sync_agent_state": "absent"})
    (said,) = run.faults
    assert "The agent on h3 has not enrolled as h3." in said
    assert "https://127.0.0.1:1" in said


def test_an_agent_configuration_with_faults_names_them_all(hosts: Controller) -> None:
    wrong = {"zfs_sync_agent_settings": {"scan_intervall": "2s", "log_level": "loud"}}
    run = hosts.role("agent", "h1", wrong, check=False)
    (said,) = run.faults
    assert "did you mean 'scan_interval'" in said
    assert "log_level" in said
    assert untouched(hosts)
