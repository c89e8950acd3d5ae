# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which file and which interpreter install an agent, and how a refusal is passed on."""

from __future__ import annotations

import json
import sys

import pytest
from ansible_collections.zfs_sync.fleet.plugins.module_utils import _agent
from ansible_collections.zfs_sync.fleet.plugins.module_utils._client import WitnessError

ARCHIVE = b"PK\x03\x04 and so on"


class Module:
    """The part of AnsibleModule that the installer needs; commands answer as a test says."""

    def __init__(self, answers=(), check_mode=False, **params):
        self.params = {**{name: spec.get("default") for name, spec in _agent.agent_options().items()}, **params}
        self.check_mode = check_mode
        self.answers = list(answers)
        self.calls = []

    def run_command(self, argv, data=None):
        self.calls.append((argv, data))
        return self.answers.pop(0)


@pytest.fixture
def installed(tmp_path, monkeypatch):
    path = tmp_path / "zfs-sync-agent.pyz"
    monkeypatch.setattr(_agent, "INSTALLED", str(path))
    return path


def test_the_line_of_the_interpreter_does_not_count(tmp_path):
    for name, line in (("a", b"#!/usr/bin/python3 -I\n"), ("b", b"#!/opt/python\n"), ("c", b"")):
        (tmp_path / name).write_bytes(line + ARCHIVE)
    assert len({_agent.archive_digest(str(tmp_path / name)) for name in "abc"}) == 1
    (tmp_path / "d").write_bytes(b"no archive")
    assert _agent.archive_digest(str(tmp_path / "d")) is None
    assert _agent.archive_digest(str(tmp_path / "none")) is None


def test_the_installed_file_is_used_where_it_is_the_wanted_one(installed):
    installed.write_bytes(b"#!x\n" + ARCHIVE)
    digest = _agent.archive_digest(str(installed))
    assert _agent.Installer(Module(package_digest=digest)).package == str(installed)
    assert _agent.Installer(Module(package_digest="other")).package is None
    assert _agent.Installer(Module(package_digest="other", package="/tmp/p")).package == "/tmp/p"


def test_an_agent_is_removed_by_itself_whatever_its_version(installed):
    assert _agent.Installer(Module(state="absent")).package is None
    installed.write_bytes(ARCHIVE)
    assert _agent.Installer(Module(state="absent")).package == str(installed)


def test_the_installer_gets_its_document_on_standard_input():
    answer = (0, json.dumps({"changed": False}), "")
    module = Module([answer], package="/tmp/p", python=sys.executable, config={"system": "a"}, enrol_key="secret")
    assert _agent.Installer(module).run() == {"changed": False}
    argv, data = module.calls[0]
    assert argv == [sys.executable, "-I", "/tmp/p", "install", "--document", "-", "--json", "--diff"]
    assert json.loads(data) == {"config": {"system": "a"}, "enrol_key": "secret"}


def test_to_enrol_anew_is_said_only_where_it_is_wanted():
    module = Module([(0, "{}", "")], package="/tmp/p", python=sys.executable, reenrol=True)
    _agent.Installer(module).run()
    assert json.loads(module.calls[0][1]) == {"reenrol": True}


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"start": False}, ["install", "--document", "-", "--no-start", "--json", "--diff", "--check"]),
        ({"state": "absent", "purge": True}, ["uninstall", "--purge", "--json", "--diff", "--check"]),
    ],
)
def test_options_become_words(params, words):
    module = Module([(0, "{}", "")], check_mode=True, package="/p", python=sys.executable, **params)
    _agent.Installer(module).run()
    assert module.calls[0][0][3:] == words


def test_a_refusal_is_passed_on_with_its_code():
    refused = {
        "error": {"code": "E_CONFIG", "message": "m", "hint": "h", "faults": [{"pointer": "/x", "message": "y"}]}
    }
    with pytest.raises(WitnessError) as caught:
        _agent.Installer(Module([(1, json.dumps(refused), "")], package="/p", python=sys.executable)).run()
    assert (caught.value.code, caught.value.hint, len(caught.value.errors)) == ("E_CONFIG", "h", 1)


def test_an_installer_that_breaks_shows_its_last_words():
    with pytest.raises(WitnessError) as caught:
        _agent.Installer(Module([(1, "", "Traceback: it broke")], package="/p", python=sys.executable)).run()
    assert caught.value.code == "E_INSTALL"
    assert "it broke" in caught.value.message


def test_the_first_interpreter_that_is_new_enough_is_taken(monkeypatch):
    monkeypatch.setattr(_agent, "_interpreters", lambda: ["/usr/bin/python3", "/usr/bin/python3.12"])
    module = Module([(0, "3 9\n", ""), (0, "3 12\n", ""), (0, "{}", "")], package="/p")
    _agent.Installer(module).run()
    assert module.calls[-1][0][0] == "/usr/bin/python3.12"


def test_without_any_it_says_which_one_is_needed(monkeypatch):
    monkeypatch.setattr(_agent, "_interpreters", lambda: ["/usr/bin/python3"])
    with pytest.raises(WitnessError) as caught:
        _agent.Installer(Module([(1, "", "")], package="/p")).run()
    assert "3.11" in caught.value.message


def test_an_interpreter_that_is_not_there_is_named():
    with pytest.raises(WitnessError) as caught:
        _agent.Installer(Module(package="/p", python="/nowhere/python3.99")).run()
    assert "no interpreter /nowhere/python3.99" in caught.value.message
