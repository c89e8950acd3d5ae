# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""One peer more: what was trusted stays, and the files are those that trust set would write."""

# ruff: noqa: F811 (parameters named after imported fixtures)

from pathlib import Path

import pytest

from tests.unit.agent.test_trust import document, keys, layout  # noqa: F401  (fixtures)
from zfs_sync.agent import trust
from zfs_sync.agent.config import AgentConfig
from zfs_sync.agent.install.layout import Layout
from zfs_sync.agent.trust_add import add_trust
from zfs_sync.core.errors import ZfsSyncError


@pytest.fixture
def written(keys: dict[str, str], layout: Layout, config: AgentConfig) -> AgentConfig:
    """A host that trusts nas3 both ways."""
    config.known_hosts_path.parent.mkdir()
    peer = {"name": "nas3", "public_key": keys["two"], "host": "nas3", "host_keys": [keys["host"]]}
    trust.set_trust(trust.read_document(document(peer)), config, layout, check=False)
    return config


def test_it_comes_out_as_trust_set_would_write_it(
    keys: dict[str, str],
    layout: Layout,
    written: AgentConfig,
) -> None:
    more = {"name": "nas2", "public_key": keys["one"], "host": "nas2", "host_keys": [keys["one"], keys["host"]]}
    answer = add_trust(trust.read_document(document(more)), written, layout, check=False)
    assert (answer["changed"], answer["peers"]) == (True, ["nas2", "nas3"])
    old = {"name": "nas3", "public_key": keys["two"], "host": "nas3", "host_keys": [keys["host"]]}
    both = trust.read_document(document(old, more))
    assert not trust.set_trust(both, written, layout, check=False)["changed"]
    assert not add_trust(both[:1], written, layout, check=False)["changed"]


def test_a_new_key_takes_the_place_of_the_old_one(
    keys: dict[str, str],
    layout: Layout,
    written: AgentConfig,
) -> None:
    changed = {"name": "nas3", "public_key": keys["one"], "host": "NAS3", "host_keys": [keys["two"]]}
    add_trust(trust.read_document(document(changed)), written, layout, check=False)
    assert trust.trusted_keys(layout) == {"nas3": " ".join(keys["one"].split()[:2])}
    assert trust.believed_keys(written) == {"nas3": [" ".join(keys["two"].split()[:2])]}


def test_what_is_not_said_of_a_peer_stays(keys: dict[str, str], layout: Layout, written: AgentConfig) -> None:
    before = layout.authorized_keys.read_text()
    only_host = {"name": "nas3", "host": "nas3", "host_keys": [keys["one"]]}
    assert add_trust(trust.read_document(document(only_host)), written, layout, check=True)["changed"]
    add_trust(trust.read_document(document(only_host)), written, layout, check=False)
    assert layout.authorized_keys.read_text() == before


def test_a_key_that_another_peer_has_is_refused(keys: dict[str, str], layout: Layout, written: AgentConfig) -> None:
    before = layout.authorized_keys.read_text()
    with pytest.raises(ZfsSyncError) as refused:
        add_trust(
            trust.read_document(document({"name": "nas2", "public_key": keys["two"]})), written, layout, check=False
        )
    assert [fault.pointer for fault in refused.value.faults] == ["/peers/0/public_key"]
    assert layout.authorized_keys.read_text() == before
    assert Path(written.known_hosts_path).is_file()
