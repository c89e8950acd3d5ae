# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""A job waits a while for the host keys of its peer, and is then tried all the same."""

from pathlib import Path

import pytest

from tests.unit.agent.conftest import ManualClock
from zfs_sync.agent.known_hosts import GRACE_SECONDS, KnownHosts, host_pattern
from zfs_sync.api.work import Peer


def peer(host: str = "NAS2", port: int = 22) -> Peer:
    return Peer(system="nas2", host=host, user="zfs-sync", port=port)


@pytest.mark.parametrize(
    ("host", "port", "pattern"),
    [("NAS2", 22, "nas2"), ("nas2", 2222, "[nas2]:2222"), ("fe80::1", 22, "fe80::1"), ("fe80::1", 23, "[fe80::1]:23")],
)
def test_a_host_is_named_as_ssh_names_it(host: str, port: int, pattern: str) -> None:
    assert host_pattern(host, port) == pattern


def test_a_known_host_is_ready_at_once(tmp_path: Path, clock: ManualClock) -> None:
    (tmp_path / "known_hosts").write_text("# x\nnas20 ssh-ed25519 A\nnas2 ssh-ed25519 A\n[nas2]:23 ssh-ed25519 A\n")
    known = KnownHosts(tmp_path / "known_hosts", clock)
    assert known.ready_for(peer())
    assert known.ready_for(peer(port=23))
    assert not known.ready_for(peer(port=24))
    assert not known.ready_for(peer("nas"))


def test_a_host_that_is_not_known_is_waited_for_a_while(tmp_path: Path, clock: ManualClock) -> None:
    known = KnownHosts(tmp_path / "known_hosts", clock)
    assert not known.ready_for(peer())
    clock.now += GRACE_SECONDS - 1
    assert not known.ready_for(peer())
    clock.now += 1
    assert known.ready_for(peer()), "the witness has to hear why it does not work"


def test_the_wait_begins_anew_after_the_keys_had_come(tmp_path: Path, clock: ManualClock) -> None:
    path = tmp_path / "known_hosts"
    known = KnownHosts(path, clock)
    assert not known.ready_for(peer())
    path.write_text("nas2 ssh-ed25519 A\n")
    assert known.ready_for(peer())
    path.unlink()
    clock.now += GRACE_SECONDS
    assert not known.ready_for(peer())


def test_an_agent_that_does_not_stay_does_not_wait(tmp_path: Path, clock: ManualClock) -> None:
    assert KnownHosts(tmp_path / "known_hosts", clock, grace_seconds=0.0).ready_for(peer())
