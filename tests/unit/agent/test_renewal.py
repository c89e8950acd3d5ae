# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""An agent that is asked for a new key makes one, and speaks without a gap, wherever it is killed meanwhile."""

from collections.abc import Iterator

import pytest

from tests.unit.agent.conftest import until
from tests.unit.agent.fleet import Fleet
from zfs_sync.agent.config import AgentConfig
from zfs_sync.agent.enrolment import agent_client, enrol, renew, settle_renewal
from zfs_sync.agent.identity import KeyFiles, ensure_seed, installation_id
from zfs_sync.api.reports import Heartbeat, Succession
from zfs_sync.client.witness import WitnessClient
from zfs_sync.core.errors import ZfsSyncError


@pytest.fixture
def host(fleet: Fleet, config: AgentConfig) -> AgentConfig:
    configured = fleet.configured(config, fleet.declare())
    ensure_seed(configured.state)
    configured.enrol_key_path.write_text(fleet.enrol_key(configured.system))
    enrol(configured)
    return configured


@pytest.fixture
def client(host: AgentConfig) -> Iterator[WitnessClient]:
    made = agent_client(host)
    yield made
    made.close()


def beat(host: AgentConfig, client: WitnessClient) -> str:
    heartbeat = Heartbeat(protocol=2, installation=installation_id(host.state), agent_version="1")
    return client.heartbeat(host.system, heartbeat).key


def ask(fleet: Fleet, host: AgentConfig, overlap: str = "1h") -> str:
    """Ask for a new key; the id of the old one."""
    lookup = KeyFiles(host).own_token().lookup
    key = fleet.call("POST", f"/api-keys/{lookup}/rotate", {"overlap": overlap})
    assert (key["token"], key["renewal"]) == (None, True)
    return lookup


def propose(host: AgentConfig, client: WitnessClient) -> None:
    """What an agent does before it is killed: the witness has taken its new key."""
    new = KeyFiles(host).propose()
    words = Succession(installation=installation_id(host.state), token_lookup=new.lookup, token_sha256=new.sha256)
    client.succeed(host.system, words)


def ended(client: WitnessClient) -> bool:
    """Whether the key is taken no more."""
    try:
        client.version()
    except ZfsSyncError as error:
        return error.code == "E_UNAUTHENTICATED"
    return False


def test_it_is_told_and_changes_over_and_the_old_key_goes_on(
    fleet: Fleet, host: AgentConfig, client: WitnessClient
) -> None:
    assert beat(host, client) == "ok"
    before = KeyFiles(host).own_token()
    ask(fleet, host)
    assert beat(host, client) == "renew"
    renew(host, client)
    after = KeyFiles(host).own_token()
    assert after != before
    assert not KeyFiles(host).pending.exists()
    assert beat(host, client) == "ok"
    old = fleet.client(before.text)
    assert old.version()
    old.close()
    assert fleet.call("GET", f"/api-keys/{before.lookup}")["superseded_by"] == after.lookup


def test_killed_before_the_witness_heard_it_starts_again(
    fleet: Fleet, host: AgentConfig, client: WitnessClient
) -> None:
    ask(fleet, host)
    new = KeyFiles(host).propose()
    settle_renewal(host, client)
    assert KeyFiles(host).own_token() == new
    assert beat(host, client) == "ok"


def test_killed_after_the_witness_heard_it_goes_on(fleet: Fleet, host: AgentConfig, client: WitnessClient) -> None:
    ask(fleet, host)
    propose(host, client)
    settle_renewal(host, client)
    assert beat(host, client) == "ok"


def test_killed_and_away_for_longer_than_the_overlap_it_speaks_with_the_new_key(
    fleet: Fleet, host: AgentConfig, client: WitnessClient
) -> None:
    ask(fleet, host, overlap="1s")
    propose(host, client)
    until(lambda: ended(client))
    settle_renewal(host, client)
    assert beat(host, client) == "ok"


def test_nobody_renews_unasked(host: AgentConfig, client: WitnessClient) -> None:
    before = KeyFiles(host).own_token()
    with pytest.raises(ZfsSyncError) as caught:
        renew(host, client)
    assert caught.value.code == "E_FORBIDDEN"
    settle_renewal(host, client)
    assert KeyFiles(host).own_token() == before
    assert not KeyFiles(host).pending.exists()


def test_without_a_proposal_there_is_nothing_to_settle(host: AgentConfig, client: WitnessClient) -> None:
    before = KeyFiles(host).own_token()
    settle_renewal(host, client)
    assert KeyFiles(host).own_token() == before


def test_a_revoked_key_makes_no_successor(fleet: Fleet, host: AgentConfig, client: WitnessClient) -> None:
    lookup = ask(fleet, host)
    fleet.call("DELETE", f"/api-keys/{lookup}")
    KeyFiles(host).propose()
    with pytest.raises(ZfsSyncError) as caught:
        settle_renewal(host, client)
    assert caught.value.code == "E_UNAUTHENTICATED"
