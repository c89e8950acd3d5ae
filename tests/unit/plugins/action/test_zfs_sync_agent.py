# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's half of the agent's module."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleActionFail
from ansible_collections.zfs_sync.fleet.plugins.action import zfs_sync_agent as action
from ansible_collections.zfs_sync.fleet.plugins.module_utils._agent import archive_digest


class Shell:
    tmpdir = None

    def join_path(self, *parts):
        return "/".join(parts)


class Plugin(action.ActionModule):
    """The action without a connection: modules answer as a test says."""

    def __init__(self, arguments, answers):
        self._task = type("Task", (), {"args": arguments, "async_val": 0, "check_mode": False})()
        self._connection = type("Connection", (), {"_shell": Shell()})()
        self.answers = answers
        self.modules, self.transfers = [], []

    def _execute_module(self, module_name, module_args, task_vars):
        self.modules.append((module_name, dict(module_args)))
        return self.answers.pop(0)

    def _make_tmp_path(self, remote_user=None):
        self._connection._shell.tmpdir = "/tmp/t"
        return "/tmp/t"

    def _transfer_file(self, local_path, remote_path):
        self.transfers.append((local_path, remote_path))
        return remote_path

    def _fixup_perms2(self, remote_paths, remote_user=None, execute=True):
        pass


@pytest.fixture(autouse=True)
def only_this_class(monkeypatch):
    monkeypatch.setattr(action.ActionBase, "run", lambda self, tmp=None, task_vars=None: {})


@pytest.fixture
def package(tmp_path):
    path = tmp_path / "agent.pyz"
    path.write_bytes(b"PK\x03\x04 archive")
    return str(path)


def test_a_host_that_has_the_file_gets_no_transfer(package):
    plugin = Plugin({"package_path": package, "state": "present"}, [{"changed": False}])
    assert plugin.run() == {"changed": False}
    assert not plugin.transfers
    assert plugin.modules[0][1]["package_digest"] == archive_digest(package)


def test_a_host_that_lacks_it_gets_it_once(package):
    plugin = Plugin({"package_path": package}, [{"package_needed": True}, {"changed": True}])
    assert plugin.run() == {"changed": True}
    assert plugin.transfers == [(package, "/tmp/t/zfs-sync-agent.pyz")]
    assert plugin.modules[1][1]["package"] == "/tmp/t/zfs-sync-agent.pyz"


def test_a_file_that_is_not_there_is_told_before_anything_is_done(tmp_path):
    plugin = Plugin({"package_path": str(tmp_path / "none")}, [])
    with pytest.raises(AnsibleActionFail, match="package_path"):
        plugin.run()


def test_a_collection_without_the_agent_is_called_incomplete(monkeypatch, tmp_path):
    monkeypatch.setattr(action, "OWN_PACKAGE", tmp_path / "none")
    with pytest.raises(AnsibleActionFail, match="incomplete"):
        Plugin({}, []).run()
