# -*- coding: utf-8 -*-
# Copyright: (c) 2026, The ZFS Sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reporting for a system without an agent, over the agents' own route. Private: no stable interface.

The name of a report is a hash of what identifies its content: GUIDs, paths and names, not sizes, which move all the
time. So the witness itself tells whether anything is new, and a report that was taken before changes nothing.
"""

from __future__ import annotations

import hashlib
import json

from ansible_collections.zfs_sync.fleet.plugins.module_utils._client import WitnessError, segment

PROTOCOL = 1
# What the witness knows the speaker for such a system by (zfs_sync.api.reports.NO_AGENT).
INSTALLATION = "no-agent"
VERSION = "none"
MOST_SNAPSHOTS = 5000
FEWEST_SNAPSHOTS = 50
TOO_LARGE = ("E_REPORT_TOO_LARGE", "E_BODY_TOO_LARGE")
IDENTIFYING = ("path", "guid", "type", "encryption_root", "marker")


class Report:
    """What a host has now, and what the witness holds of it."""

    def __init__(self, client, system, host, pools, datasets):
        self._client = client
        self._route = "/api/v1/systems/%s/reports" % segment(system)
        self._beat = "/api/v1/systems/%s/heartbeat" % segment(system)
        self._host = host
        self._pools = pools
        self._datasets = datasets
        self.system = system
        self.generation = _generation(host, pools, datasets)

    def is_held(self):
        """Whether the witness holds exactly this. Raises WitnessError where an agent reports for the system."""
        known = self._client.get(self._route, {"limit": 1})
        if known["installation"] not in (None, INSTALLATION):
            raise WitnessError(
                "E_SYSTEM_HAS_AGENT",
                "system %s has an agent, which reports for it" % self.system,
                "Leave reporting to the agent. Where the host has none any more, take the system out of the fleet and "
                "declare it anew.",
                status=409,
            )
        return known["generation"] == self.generation

    def before(self):
        """One line for each dataset and snapshot that the witness holds."""
        return _listing((each["path"], each["guid"], each["snapshots"]) for each in self._client.pages(self._route))

    def after(self):
        """The same of what the host has."""
        return _listing((each["path"], each["guid"], each["add"]) for each in self._datasets)

    def confirm(self):
        """Tell the witness that what it holds is still so."""
        self._client.post(self._beat, dict(self._speaker(), generation=self.generation), repeatable=True)

    def send(self, most=MOST_SNAPSHOTS):
        """Report all of it, in smaller parts where the witness wants them smaller. Raises WitnessError."""
        try:
            self._send(list(parts(self._datasets, most)))
        except WitnessError as error:
            if error.code not in TOO_LARGE or most <= FEWEST_SNAPSHOTS:
                raise
            self.send(max(FEWEST_SNAPSHOTS, most // 4))

    def _send(self, chunks):
        for seq, chunk in enumerate(chunks):
            body = dict(self._speaker(), generation=self.generation, kind="full", seq=seq, host=self._host)
            body.update(last=seq == len(chunks) - 1, pools=[] if seq else self._pools, datasets=chunk)
            self._client.post(self._route, body, repeatable=True)

    def _speaker(self):
        return {"protocol": PROTOCOL, "installation": INSTALLATION, "agent_version": VERSION}


def parts(datasets, most):
    """The datasets in groups of about ``most`` snapshots; one with more is split, its path said again. At least one."""
    chunk, weight = [], 0
    for dataset in datasets:
        for start in range(0, max(1, len(dataset["add"])), most):
            piece = dict(dataset, add=dataset["add"][start : start + most])
            if chunk and weight + 1 + len(piece["add"]) > most:
                yield chunk
                chunk, weight = [], 0
            chunk.append(piece)
            weight += 1 + len(piece["add"])
    yield chunk


def _generation(host, pools, datasets):
    content = [
        [[each[name] for name in IDENTIFYING], [[one["guid"], one["createtxg"], one["name"]] for one in each["add"]]]
        for each in datasets
    ]
    said = [host, [[each["name"], each["guid"]] for each in pools], content]
    return "no-agent-" + hashlib.sha256(json.dumps(said, sort_keys=True).encode("utf-8")).hexdigest()[:40]


def _listing(datasets):
    lines = []
    for path, guid, snapshots in datasets:
        lines.append("%s %s" % (path, guid))
        lines += ["%s@%s %s" % (path, each["name"], each["guid"]) for each in snapshots]
    return lines
