# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Settings: file below environment, every fault at once, nothing unknown."""

from pathlib import Path

import pytest

from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.witness.settings import Settings, load


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "witness.yml"


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ZFS_SYNC_WITNESS_PORT", raising=False)


def test_every_setting_says_what_it_is() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_defaults_listen_on_loopback(file: Path) -> None:
    file.write_text("# nothing\n")
    settings = load({}, file)
    assert (settings.host, settings.port, settings.jobs_per_system) == ("127.0.0.1", 8462, 4)


def test_the_environment_stands_above_the_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text("port: 9000\nlog_level: debug\n")
    monkeypatch.setenv("ZFS_SYNC_WITNESS_PORT", "9001")
    settings = load(file=file)
    assert (settings.port, settings.log_level) == (9001, "debug")


def test_the_file_can_be_named_in_the_environment(file: Path) -> None:
    file.write_text("port: 9000\n")
    assert load({"ZFS_SYNC_WITNESS_CONFIG": str(file)}).port == 9000


def test_all_faults_are_told_at_once(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text("prot: 9000\nlease_seconds: soon\nlog_level: loud\n")
    variables = {"ZFS_SYNC_WITNESS_HOTS": "x", "ZFS_SYNC_WITNESS_PORT": "99999"}
    monkeypatch.setenv("ZFS_SYNC_WITNESS_PORT", "99999")
    with pytest.raises(ZfsSyncError) as caught:
        load(variables, file)
    assert caught.value.code == "E_CONFIG"
    assert {fault.pointer: fault.message for fault in caught.value.faults} == {
        "$ZFS_SYNC_WITNESS_HOTS": "this setting is not known; did you mean ZFS_SYNC_WITNESS_HOST?",
        "$ZFS_SYNC_WITNESS_PORT": "input should be less than or equal to 65535",
        "/prot": "this setting is not known; did you mean port?",
        "/lease_seconds": "this must be a whole number",
        "/log_level": "this must be 'debug', 'info', 'warning' or 'error'",
    }


def test_settings_that_contradict_each_other_are_refused(file: Path) -> None:
    file.write_text("tls_key: /k\nheartbeat_seconds: 90\nlease_seconds: 5\n")
    with pytest.raises(ZfsSyncError) as caught:
        load({}, file)
    assert [fault.pointer for fault in caught.value.faults] == ["/tls_key", "/offline_after_seconds", "/lease_seconds"]


@pytest.mark.parametrize("text", ["- a\n", "a: [", "1: 2\n", "\x00"])
def test_a_file_that_is_no_mapping_is_refused(file: Path, text: str) -> None:
    file.write_text(text)
    with pytest.raises(ZfsSyncError) as caught:
        load({}, file)
    assert caught.value.code == "E_CONFIG"


def test_a_named_file_must_be_there(file: Path) -> None:
    with pytest.raises(ZfsSyncError, match="cannot be read"):
        load({}, file)


def test_what_tells_front_ends_their_witness_is_no_setting_and_no_fault(tmp_path: Path) -> None:
    file = tmp_path / "empty.yml"
    file.write_text("")
    assert load({"ZFS_SYNC_WITNESS_URL": "https://nas1:8462", "ZFS_SYNC_WITNESS_TOKEN": "secret"}, file) == load(
        {}, file
    )
