# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which connection options win, and what is said where they are missing."""

from __future__ import annotations

import pytest
from ansible_collections.zfs_sync.fleet.plugins.module_utils import _options
from ansible_collections.zfs_sync.fleet.plugins.module_utils._client import WitnessError


class Module:
    """The part of AnsibleModule that the options need."""

    def __init__(self, **params):
        empty = dict.fromkeys(("witness_url", "witness_token", "witness_token_file", "witness_ca_path"))
        self.params = {**empty, "witness_timeout": 30, **params}
        self.no_log_values = set()
        self.warnings = []

    def warn(self, text):
        self.warnings.append(text)


@pytest.fixture(autouse=True)
def no_environment(monkeypatch):
    for name in ("TOKEN", "TOKEN_FILE"):
        monkeypatch.delenv("ZFS_SYNC_WITNESS_" + name, raising=False)


def token_of(module):
    module.params["witness_url"] = "http://localhost:1"
    return _options.witness_client(module)._token


def test_an_argument_wins_over_the_environment_and_a_key_over_a_file(monkeypatch, tmp_path):
    for name in ("argument", "environment"):
        (tmp_path / name).write_text("in-%s-file\n" % name)
    monkeypatch.setenv("ZFS_SYNC_WITNESS_TOKEN_FILE", str(tmp_path / "environment"))
    assert token_of(Module()) == "in-environment-file"
    monkeypatch.setenv("ZFS_SYNC_WITNESS_TOKEN", " in-environment\n")
    assert token_of(Module()) == "in-environment"
    assert token_of(Module(witness_token_file=str(tmp_path / "argument"))) == "in-argument-file"
    assert token_of(Module(witness_token="given", witness_token_file=str(tmp_path / "argument"))) == "given"


def test_a_key_from_anywhere_is_masked(monkeypatch):
    monkeypatch.setenv("ZFS_SYNC_WITNESS_TOKEN", "canary")
    module = Module()
    token_of(module)
    assert module.no_log_values == {"canary"}


def test_without_an_address_it_fails_and_says_the_three_ways_to_give_one():
    with pytest.raises(WitnessError) as caught:
        _options.witness_client(Module(witness_token="x"))
    for way in ("witness_url", "ZFS_SYNC_WITNESS_URL", "zfs_sync.fleet.witness"):
        assert way in caught.value.hint


def test_without_a_key_it_fails_and_says_how_to_give_one():
    with pytest.raises(WitnessError) as caught:
        token_of(Module())
    assert "witness_token_file" in caught.value.hint


def test_a_key_file_that_cannot_be_read_is_named(tmp_path):
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(WitnessError) as caught:
            token_of(Module(witness_token_file=str(path)))
        assert str(path) in caught.value.message


@pytest.mark.parametrize("token", ["a\nb", "a b", "käse"])
def test_a_key_that_would_break_a_header_is_refused_without_being_shown(token):
    with pytest.raises(WitnessError) as caught:
        token_of(Module(witness_token=token))
    assert caught.value.code == "E_KEY_MALFORMED"
    assert token not in caught.value.sentence()


def test_plain_http_beyond_loopback_is_warned_of():
    module = Module(witness_url="http://witness.example.org", witness_token="x")
    _options.witness_client(module)
    assert "plain HTTP" in module.warnings[0]
