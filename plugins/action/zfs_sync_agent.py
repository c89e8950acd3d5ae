# -*- coding: utf-8 -*-
# Copyright: (c) 2026, The ZFS Sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings the agent's file to a host that does not have it, and leaves all else to the module there.

The module masks what is secret and sets the invocation, so the result is its own; nothing is added from the task's
arguments here, which are not masked.
"""

from __future__ import annotations

from pathlib import Path

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.zfs_sync.fleet.plugins.module_utils._agent import archive_digest

MODULE = "zfs_sync.fleet.zfs_sync_agent"
FILE = "zfs-sync-agent.pyz"
# The collection's folder is found from this file, wherever the collection is installed.
OWN_PACKAGE = Path(__file__).resolve().parents[2] / "roles" / "agent" / "files" / FILE


class ActionModule(ActionBase):
    """The controller's half of the module of the same name."""

    _supports_check_mode = True
    _requires_connection = True

    def run(self, tmp=None, task_vars=None):
        super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        given = arguments.get("package_path")
        package = Path(given).expanduser() if given else OWN_PACKAGE
        digest = archive_digest(package)
        if digest is None:
            raise AnsibleActionFail(_missing(package, bool(given)))
        arguments["package_digest"] = digest
        result = self._execute_module(module_name=MODULE, module_args=arguments, task_vars=task_vars)
        if result.get("package_needed"):
            arguments["package"] = self._transfer(package)
            result = self._execute_module(module_name=MODULE, module_args=arguments, task_vars=task_vars)
        return result

    def _transfer(self, package):
        """Put the file into the task's temporary folder on the host, which goes with the task."""
        shell = self._connection._shell
        if shell.tmpdir is None:
            self._make_tmp_path()
        remote = shell.join_path(shell.tmpdir, FILE)
        self._transfer_file(str(package), remote)
        self._fixup_perms2((shell.tmpdir, remote))
        return remote


def _missing(package, given):
    if given:
        return "package_path names no zfs-sync-agent.pyz: %s" % package
    return (
        "the collection is incomplete: there is no %s. Install the collection from its tarball "
        "(make collection in a clone builds it), or give package_path." % package
    )
