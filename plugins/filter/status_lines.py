# -*- coding: utf-8 -*-
# Copyright: (c) 2026, The ZFS Sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fleet's status as lines that a person reads."""

from __future__ import annotations

DOCUMENTATION = r"""
name: status_lines
short_description: The fleet's status as a table
version_added: 0.1.0
author:
  - The ZFS Sync authors (@zfs-sync)
description:
  - Turns the result of M(zfs_sync.fleet.zfs_sync_sync) with O(zfs_sync.fleet.zfs_sync_sync#module:check=true) into
    lines, one for each host and one for each dataset of each edge, with what to do about what is wrong.
options:
  _input:
    description:
      - The module's result.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Who is behind, and why
  ansible.builtin.debug:
    msg: "{{ result_of_check | zfs_sync.fleet.status_lines }}"
"""

RETURN = r"""
_value:
  description: The lines.
  type: list
  elements: str
  sample: ["nas1:tank/photos -> nas2:backup/photos  IN_SYNC"]
"""


def status_lines(result):
    """The lines of a table for the result of the module."""
    hosts = [_host(each) for each in result.get("systems", [])]
    edges = [_edge(each) for each in result["edges"]]
    hosts += [_pending(each) for each in result.get("pending", [])]
    lines = [*_table(["HOST", "STATE", "AGENT", "DATASETS", "LAST SEEN"], hosts), ""] if hosts else []
    warnings = ["%s: %s" % (each["name"], text) for each in result.get("systems", []) for text in each["warnings"]]
    lines += [*warnings, ""] if warnings else []
    lines += _table(["FROM", "TO", "OUTCOME", "LAG", "WHY"], edges)
    for each in result["edges"]:
        lines += _remedy(each)
    return lines


def _host(system):
    state = "online" if system["online"] else "offline" if system["enrolled"] else "not enrolled"
    if system["maintenance"]:
        state += ", maintenance"
    seen = system["last_seen"] or "never"
    return [system["name"], state, system["agent_version"] or "-", str(system["datasets"]), seen]


def _pending(agent):
    return [agent["name"], "waits for approval", agent["agent_version"], "-", agent["last_seen"] or agent["since"]]


def _edge(edge):
    below = "/" + edge["relative"] if edge["relative"] else ""
    lag = "%d snapshots" % edge["lag_snapshots"] if edge["lag_snapshots"] else "-"
    if edge["job"]:
        why = "%s %s" % (edge["job"]["state"], _progress(edge["job"]))
    else:
        why = edge["error"]["message"] if edge["error"] else edge["message"]
    return [
        "%s:%s%s" % (edge["from_system"], edge["from_root"], below),
        "%s:%s%s" % (edge["to_system"], edge["to_root"], below),
        edge["outcome"] + (" (late)" if edge["late"] else ""),
        lag,
        why,
    ]


def _progress(job):
    if job["bytes_total"]:
        return "%d%%" % min(100, 100 * job["bytes_done"] // job["bytes_total"])
    return "%d bytes" % job["bytes_done"]


def _remedy(edge):
    """What to do about the edge, on lines of their own, so that a command can be copied."""
    error = edge["error"]
    if not error:
        return []
    title = "%s %s:%s/%s" % (error["code"], edge["to_system"], edge["to_root"], edge["relative"])
    return ["", title.rstrip("/"), "  " + error["message"], *("  " + line for line in error["hint"].splitlines())]


def _table(header, rows):
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in [header, *rows]]


class FilterModule:
    """The filters of this file."""

    def filters(self):
        return {"status_lines": status_lines}
