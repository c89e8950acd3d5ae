# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Who an agent is: its installation id, and the files that hold its keys."""

from pathlib import Path

import pytest

from zfs_sync.agent.config import AgentConfig
from zfs_sync.agent.identity import KeyFiles, ensure_seed, installation_id, seed_path
from zfs_sync.core import tokens
from zfs_sync.core.errors import ZfsSyncError

ENROL = tokens.mint("enrol", lambda count: b"\x01" * count)


def test_the_id_stays_as_long_as_seed_and_machine_do(tmp_path: Path) -> None:
    machine = tmp_path / "machine-id"
    machine.write_text("one\n")
    assert ensure_seed(tmp_path)
    assert not ensure_seed(tmp_path)
    first = installation_id(tmp_path, [machine])
    assert installation_id(tmp_path, [tmp_path / "none", machine]) == first
    assert len(first) == 32
    assert seed_path(tmp_path).stat().st_mode & 0o777 == 0o600


def test_a_clone_on_another_machine_is_another_installation(tmp_path: Path) -> None:
    ensure_seed(tmp_path)
    machine = tmp_path / "machine-id"
    ids = set()
    for text in ("one\n", "two\n", ""):
        machine.write_text(text)
        ids.add(installation_id(tmp_path, [machine]))
    assert len(ids) == 3


@pytest.mark.parametrize("seed", [None, "", "\n"])
def test_without_a_seed_there_is_no_id(tmp_path: Path, seed: str | None) -> None:
    if seed is not None:
        seed_path(tmp_path).write_text(seed)
    with pytest.raises(ZfsSyncError) as caught:
        installation_id(tmp_path, [])
    assert caught.value.code == "E_INSTALL"
    assert ensure_seed(tmp_path), "an empty one is written anew"


def test_a_proposed_key_is_on_disk_first_and_the_same_after_a_crash(config: AgentConfig) -> None:
    proposed = KeyFiles(config).propose()
    assert KeyFiles(config).propose().text == proposed.text
    assert KeyFiles(config).pending.stat().st_mode & 0o777 == 0o600
    assert not KeyFiles(config).enrolled


def test_a_key_that_was_accepted_is_our_own_and_the_enrol_key_is_gone(config: AgentConfig) -> None:
    files = KeyFiles(config)
    config.enrol_key_path.write_text(ENROL.text + "\n")
    assert files.enrol_token() == ENROL
    own = files.propose()
    files.accept()
    assert files.enrolled
    assert files.own_token() == own
    assert files.enrol_token() is None
    assert not files.pending.exists()


def test_a_host_that_is_not_enrolled_says_what_to_do(config: AgentConfig) -> None:
    with pytest.raises(ZfsSyncError) as caught:
        KeyFiles(config).own_token()
    assert caught.value.code == "E_UNAUTHENTICATED"
    assert str(config.enrol_key_path) in caught.value.hint


def test_a_broken_key_is_named_by_its_file_and_not_shown(config: AgentConfig) -> None:
    config.enrol_key_path.write_text(ENROL.text[:-1])
    with pytest.raises(ZfsSyncError) as caught:
        KeyFiles(config).enrol_token()
    assert caught.value.code == "E_KEY_MALFORMED"
    assert str(config.enrol_key_path) in caught.value.message
    assert ENROL.text[12:40] not in str(caught.value)
