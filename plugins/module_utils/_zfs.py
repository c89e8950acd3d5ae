# -*- coding: utf-8 -*-
# Copyright: (c) 2026, The ZFS Sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What zfs(8) and zpool(8) of this host say of datasets and snapshots. Private: no stable interface.

What the tools can do is found by trying, not by comparing versions. A probe names a pool that is not there, so that
nothing can change: a command that knows the option complains about the pool, one that does not about the option.
"""

from __future__ import annotations

import re

from ansible_collections.zfs_sync.fleet.plugins.module_utils._client import WitnessError

FOLDERS = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"]
NOWHERE = "zfs-sync-probe-of-no-pool"
USAGE = 2
MARKER = "zfs-sync:group"
NONE = ("-", "")
DATASET = re.compile(r"[A-Za-z][A-Za-z0-9 _.:/-]*\Z")
INTERNAL = "%"  # libzfs refuses it in names; the kernel uses it (tank/a/%recv)


class Zfs:
    """The tools of this host, called by argument lists, in the C locale."""

    def __init__(self, module):
        self._module = module
        self._tools = {name: module.get_bin_path(name, opt_dirs=FOLDERS) for name in ("zfs", "zpool")}
        missing = sorted(name for name, path in self._tools.items() if path is None)
        if missing:
            raise WitnessError(
                "E_ZFS_MISSING",
                "this host has no command %s" % " and no command ".join(missing),
                "Run the task on the host whose snapshots are to be reported, and install ZFS there.",
            )

    def pools(self):
        """The pools as a report says them."""
        rows = [line.split("\t") for line in _lines(self._demand("zpool", "list", "-H", "-o", "name,guid,health"))]
        return [{"name": name, "guid": guid, "health": health} for name, guid, health in rows]

    def datasets(self, roots):
        """The datasets at and below the roots, by path, as a full report says them; each root must exist."""
        records = self._records(_outermost(_checked(roots))) if roots else {}
        snapshots = _snapshots(records)
        return [
            _dataset(path, record, snapshots.get(path, []))
            for path, record in sorted(records.items())
            if "@" not in path and INTERNAL not in path and _value(record, "guid")
        ]

    def _records(self, roots):
        """Name to property to (source, value). Where lists are exact, snapshots are listed: it takes less time."""
        asked = ["type", "guid", "used", "referenced", MARKER]
        asked += ["encryptionroot"] if self._knows("get", "-H", "-o", "value", "encryptionroot", NOWHERE) else []
        shown = ["-o", "name,property,source,value"]
        listable = self._knows("list", "-Hp", "-o", "name", NOWHERE)
        if not (listable and self._knows("get", "-t", "filesystem", "type", NOWHERE)):
            asked += ["createtxg", "creation"]
            return _gathered(self._demand("zfs", "get", "-Hp", "-r", *shown, ",".join(asked), *roots))
        kinds = ["-t", "filesystem,volume"]
        records = _gathered(self._demand("zfs", "get", "-Hp", "-r", *kinds, *shown, ",".join(asked), *roots))
        columns = ("guid", "createtxg", "creation")
        listing = ["list", "-Hp", "-t", "snapshot", "-r", "-o", ",".join(("name", *columns))]
        for line in _lines(self._demand("zfs", *listing, *roots)):
            name, *values = line.split("\t")
            records[name] = {column: ("-", value) for column, value in zip(columns, values)}
        return records

    def _knows(self, *words):
        code, _output, errors = self._run("zfs", *words)
        return code != USAGE and "invalid option" not in errors

    def _demand(self, tool, *words):
        code, output, errors = self._run(tool, *words)
        if code:
            raise WitnessError(
                "E_ZFS_FAILED",
                "%s %s failed: %s" % (tool, words[0], " ".join((errors or output).split())[:600]),
                "Check the names of the datasets, that their pools are imported, and that this user may run %s." % tool,
            )
        return output

    def _run(self, tool, *words):
        return self._module.run_command([self._tools[tool], *words], environ_update={"LC_ALL": "C", "LANG": "C"})


def _lines(output):
    """Without splitlines: a value may hold what Unicode calls the end of a line."""
    return [line for line in output.split("\n") if line]


def _gathered(output):
    """Lines of name, property, source, value, gathered by name; a line of another form is part of a foreign value.

    A value may hold line breaks, so whoever may set a user property can print lines about another dataset. What is said
    of one dataset in two ways is not taken for its own.
    """
    found = {}
    for line in output.split("\n"):
        fields = line.split("\t", 3)
        if len(fields) == 4:
            name, prop, source, value = fields
            if found.setdefault(name, {}).setdefault(prop, (source, value)) != (source, value):
                raise WitnessError(
                    "E_ZFS_FAILED",
                    "zfs get says two things of %s of %s" % (prop, name),
                    "Look for a line break in a user property: zfs get -r -s local all %s" % name.split("/")[0],
                )
    return found


def _value(record, name):
    value = record.get(name, ("-", "-"))[1]
    return None if value in NONE else value


def _number(record, name):
    value = _value(record, name)
    return int(value) if value is not None and value.isdigit() else None


def _snapshots(records):
    """Path to its snapshots in the pool's order; one that was destroyed meanwhile has no GUID and is left out."""
    found = {}
    for name, record in records.items():
        path, at, label = name.rpartition("@")
        guid, createtxg = _value(record, "guid"), _value(record, "createtxg")
        if at and guid and createtxg:
            entry = {"guid": guid, "createtxg": createtxg, "name": label, "creation": _number(record, "creation")}
            found.setdefault(path, []).append(entry)
    return {path: sorted(each, key=lambda one: int(one["createtxg"])) for path, each in found.items()}


def _dataset(path, record, snapshots):
    source, marker = record.get(MARKER, ("-", "-"))
    return {
        "path": path,
        "guid": _value(record, "guid"),
        "type": _value(record, "type") or "filesystem",
        "used": _number(record, "used"),
        "referenced": _number(record, "referenced"),
        "encryption_root": _value(record, "encryptionroot"),
        "marker": marker if source == "local" else None,
        "add": snapshots,
    }


def _checked(roots):
    """The roots, if they are names of datasets and nothing that zfs could take for an option."""
    wrong = [each for each in roots if not DATASET.match(each)]
    if wrong:
        raise WitnessError(
            "E_VALIDATION",
            "not names of datasets: %s" % ", ".join(ascii(each)[:80] for each in wrong),
            "Give them as zfs list shows them, such as tank/photos.",
        )
    return roots


def _outermost(roots):
    """The roots without those inside another one, which would be reported twice."""
    kept = []
    for root in sorted(set(roots)):
        if not any(root.startswith(other + "/") for other in kept):
            kept.append(root)
    return kept
