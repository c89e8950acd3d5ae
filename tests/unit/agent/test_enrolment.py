# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""How an agent gets its key from a real witness, crashes and refusals included."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.agent.fleet import Fleet
from zfs_sync.agent.config import AgentConfig
from zfs_sync.agent.enrolment import agent_client, enrol
from zfs_sync.agent.identity import KeyFiles, ensure_seed, seed_path
from zfs_sync.core.errors import ZfsSyncError


@pytest.fixture
def host(fleet: Fleet, config: AgentConfig) -> AgentConfig:
    """A host that was declared, and has an enrol key."""
    configured = fleet.configured(config, fleet.declare())
    ensure_seed(configured.state)
    configured.enrol_key_path.write_text(fleet.enrol_key(configured.system))
    return configured


def refusal(config: AgentConfig) -> ZfsSyncError:
    with pytest.raises(ZfsSyncError) as caught:
        enrol(config)
    return caught.value


def test_a_host_enrols_once_and_speaks_with_a_key_that_it_made_itself(host: AgentConfig) -> None:
    single_use = host.enrol_key_path.read_text()
    assert enrol(host)
    assert not enrol(host)
    assert not host.enrol_key_path.exists()
    assert KeyFiles(host).own_token().text != single_use
    client = agent_client(host)
    assert client.version()["protocol"] == [1, 2]
    client.close()


def test_a_crash_before_the_answer_is_written_repeats_the_same_words(host: AgentConfig, tmp_path: Path) -> None:
    KeyFiles(host).propose()
    shutil.copytree(host.state, tmp_path / "before")
    assert enrol(host)
    own = KeyFiles(host).own_token()
    shutil.rmtree(host.state)
    shutil.copytree(tmp_path / "before", host.state)
    assert enrol(host)
    assert KeyFiles(host).own_token() == own


def test_a_used_key_is_of_no_use_to_another_installation(host: AgentConfig, tmp_path: Path) -> None:
    stolen = host.enrol_key_path.read_text()
    assert enrol(host)
    other = replace(host, state_dir=str(tmp_path / "other"))
    other.state.mkdir()
    ensure_seed(other.state)
    other.enrol_key_path.write_text(stolen)
    assert refusal(other).code == "E_ENROL_USED"
    assert not KeyFiles(other).enrolled


def test_a_key_of_another_system_is_refused(fleet: Fleet, host: AgentConfig) -> None:
    error = refusal(fleet.configured(host, fleet.declare()))
    assert error.code in ("E_FORBIDDEN", "E_CONFIG")
    assert not KeyFiles(host).enrolled


def test_without_an_enrol_key_the_host_says_what_is_missing(host: AgentConfig) -> None:
    host.enrol_key_path.unlink()
    assert refusal(host).code == "E_UNAUTHENTICATED"


def test_without_a_seed_nothing_is_said_to_the_witness(host: AgentConfig) -> None:
    seed_path(host.state).unlink()
    assert refusal(host).code == "E_INSTALL"


def test_a_clone_with_the_same_key_is_refused(fleet: Fleet, host: AgentConfig) -> None:
    from zfs_sync.api.reports import Heartbeat

    enrol(host)
    client = agent_client(host)
    beat = Heartbeat(protocol=1, installation="a clone", generation=None, agent_version="1", running=[])
    with pytest.raises(ZfsSyncError) as caught:
        client.heartbeat(host.system, beat)
    client.close()
    assert caught.value.code == "E_AGENT_CLONED"
