# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""What an agent's key is worth: asked of a real witness, which knows it, has ended it, or is away."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.agent.fleet import Fleet
from zfs_sync.agent.config import AgentConfig, WitnessConfig
from zfs_sync.agent.enrolment import enrol
from zfs_sync.agent.identity import KeyFiles, ensure_seed, seed_path
from zfs_sync.agent.standing import standing
from zfs_sync.core.errors import ZfsSyncError


@pytest.fixture
def host(fleet: Fleet, config: AgentConfig) -> AgentConfig:
    """A host that has enrolled."""
    configured = fleet.configured(config, fleet.declare())
    ensure_seed(configured.state)
    configured.enrol_key_path.write_text(fleet.enrol_key(configured.system))
    enrol(configured)
    return configured


def code(config: AgentConfig) -> tuple[str, str | None]:
    found = standing(config)
    return found.state, found.answer()["code"]


def test_a_host_without_a_key_asks_nobody(config: AgentConfig) -> None:
    found = standing(config)
    assert found.answer() == {"state": "none", "code": None, "message": None, "hint": None}
    assert not found.enrolled


def test_a_key_that_the_witness_takes(host: AgentConfig) -> None:
    assert code(host) == ("enrolled", None)


def test_a_revoked_key_is_refused(fleet: Fleet, host: AgentConfig) -> None:
    fleet.call("DELETE", f"/api-keys/{KeyFiles(host).own_token().lookup}")
    assert code(host) == ("refused", "E_UNAUTHENTICATED")
    assert not standing(host).enrolled


def test_a_damaged_key_is_refused(host: AgentConfig) -> None:
    host.key_path.write_text("zs_agent_damaged\n")
    assert code(host) == ("refused", "E_KEY_MALFORMED")


def test_a_key_of_another_system_is_refused(fleet: Fleet, host: AgentConfig) -> None:
    assert code(replace(host, system=fleet.declare())) == ("refused", "E_FORBIDDEN")


def test_the_key_of_another_installation_is_refused(host: AgentConfig) -> None:
    seed_path(host.state).write_text("a copy\n")
    assert code(host) == ("refused", "E_AGENT_CLONED")


def test_a_witness_that_is_away_says_nothing_of_the_key(host: AgentConfig) -> None:
    found = standing(replace(host, witness=WitnessConfig(url="https://127.0.0.1:1")))
    assert found.enrolled
    assert (found.state, found.answer()["code"]) == ("unknown", "E_WITNESS_UNREACHABLE")


def test_the_ca_may_be_one_that_is_still_to_be_installed(host: AgentConfig, fleet: Fleet, tmp_path: Path) -> None:
    later = replace(host, witness=replace(host.witness, ca_file=str(tmp_path / "later.pem")))
    assert code(later) == ("unknown", "E_WITNESS_UNTRUSTED")
    assert standing(later, ca=fleet.ca.read_text()).state == "enrolled"


def test_asking_settles_nothing(fleet: Fleet, config: AgentConfig) -> None:
    system = fleet.declare()
    client = fleet.client(fleet.agent_key(system))
    client.enrolment(system, "one")
    client.enrolment(system, "another")
    client.close()
    shown = fleet.call("GET", f"/systems/{system}")
    assert not shown.get("observed", {}).get("enrolled", False)
    with pytest.raises(ZfsSyncError):
        fleet.client("zs_x").enrolment(system, "one")
