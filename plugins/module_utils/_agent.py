# -*- coding: utf-8 -*-
# Copyright: (c) 2026, The ZFS Sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calling the agent's own installer on this host. Private to this collection: no stable interface."""

from __future__ import annotations

import hashlib
import json
import os
import re

from ansible_collections.zfs_sync.fleet.plugins.module_utils._client import WitnessError

INSTALLED = "/usr/lib/zfs-sync/current/zfs-sync-agent.pyz"
OLDEST_PYTHON = (3, 11)
# Where a zip archive begins (APPNOTE.TXT, 4.3.7). What stands before it is the interpreter's line, which the installer
# writes anew for each host.
ARCHIVE_BEGIN = b"PK\x03\x04"


def agent_options():
    """The argument specification of the agent's module."""
    return {
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "config": {"type": "dict"},
        "ca_certificate": {"type": "str"},
        "enrol_key": {"type": "str", "no_log": True},
        "reenrol": {"type": "bool", "default": False},
        "start": {"type": "bool", "default": True},
        "purge": {"type": "bool", "default": False},
        "python": {"type": "path"},
        "package_path": {"type": "path"},
        "package": {"type": "path"},
        "package_digest": {"type": "str"},
    }


def archive_digest(path):
    """The SHA-256 of the archive in the file, the interpreter's line left out; None where there is no such archive."""
    try:
        with open(path, "rb") as stream:
            content = stream.read()
    except (FileNotFoundError, NotADirectoryError):
        return None
    start = content.find(ARCHIVE_BEGIN)
    return None if start < 0 else hashlib.sha256(content[start:]).hexdigest()


class Installer:
    """The installer of one module call."""

    def __init__(self, module):
        self._module = module
        self._params = module.params
        self.package = self._params["package"] or self._fitting_installed()

    def run(self):
        """The installer's answer. Raises WitnessError with what it refused."""
        argv = [self._python(), "-I", self.package, *self._command(), "--json", "--diff"]
        if self._module.check_mode:
            argv.append("--check")
        code, output, errors = self._module.run_command(argv, data=json.dumps(self._document()))
        try:
            answer = json.loads(output)
        except ValueError:
            raise WitnessError(
                "E_INSTALL",
                "the agent's installer ended with status %d and said: %s" % (code, (errors or output).strip()[-2000:]),
                "Run it by hand on the host to see what is wrong.",
            ) from None
        if "error" in answer:
            refused = answer["error"]
            raise WitnessError(refused["code"], refused["message"], refused["hint"], refused["faults"])
        return answer

    def _fitting_installed(self):
        """The file on this host, if it is the one that is wanted; to remove an agent, its own does."""
        digest = archive_digest(INSTALLED)
        wanted = (digest,) if self._params["state"] == "absent" else (self._params["package_digest"],)
        return INSTALLED if digest is not None and digest in wanted else None

    def _command(self):
        if self._params["state"] == "absent":
            return ["uninstall"] + (["--purge"] if self._params["purge"] else [])
        return ["install", "--document", "-"] + ([] if self._params["start"] else ["--no-start"])

    def _document(self):
        names = ("config", "ca_certificate", "enrol_key")
        given = {name: self._params[name] for name in names if self._params[name] is not None}
        return dict(given, reenrol=True) if self._params["reenrol"] else given

    def _python(self):
        given = self._params["python"]
        if given and not os.access(given, os.X_OK):
            raise WitnessError("E_INSTALL", "this host has no interpreter %s" % given, "Give python another path.")
        if given:
            return given
        for path in _interpreters():
            if self._version(path) >= OLDEST_PYTHON:
                return path
        raise WitnessError(
            "E_INSTALL",
            "this host has no Python %d.%d or later, which the agent needs" % OLDEST_PYTHON,
            "Install the package python3.11 or a later one beside the host's own (python3 of Debian 12 is one), "
            "and give its path as python if it is not in /usr/bin or /usr/local/bin.",
        )

    def _version(self, path):
        argv = [path, "-I", "-c", "import sys; print('%d %d' % sys.version_info[:2])"]
        code, output = self._module.run_command(argv)[:2]
        return tuple(int(word) for word in output.split()) if code == 0 else (0, 0)


def _interpreters():
    """The system's python3, then any python3.N, the newest first: the same on every run, whoever runs the module."""
    usual = [path for path in ("/usr/bin/python3", "/usr/local/bin/python3") if os.access(path, os.X_OK)]
    found = []
    for folder in ("/usr/bin", "/usr/local/bin"):
        for name in os.listdir(folder) if os.path.isdir(folder) else []:
            match = re.match(r"python3\.(\d+)$", name)
            if match:
                found.append((int(match.group(1)), os.path.join(folder, name)))
    return usual + [each[1] for each in sorted(found, reverse=True)]
