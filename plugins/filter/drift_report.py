# -*- coding: utf-8 -*-
# Copyright: (c) 2026, The ZFS Sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where witness and hosts differ from the fleet document, for programs and for people."""

from __future__ import annotations

import json

DOCUMENTATION = r"""
name: drift_report
short_description: Where witness and hosts differ from the fleet document
version_added: 0.1.0
author:
  - The ZFS Sync authors (@zfs-sync)
description:
  - Makes a report of a plan of the fleet document and of what hosts said of their agents and trust. The playbook
    C(zfs_sync.fleet.drift) gathers both.
positional: hosts
options:
  _input:
    description:
      - The result of M(zfs_sync.fleet.zfs_sync_fleet) in check mode.
    type: dict
    required: true
  hosts:
    description:
      - The variables of each host by its name, with what the roles' task files C(drift) have left there.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: What differs
  ansible.builtin.debug:
    msg: "{{ (plan | zfs_sync.fleet.drift_report({'nas1': hostvars['nas1']})).lines }}"
"""

RETURN = r"""
_value:
  description: The report.
  type: dict
  contains:
    report:
      description:
        - For programs. C(drift) says whether anything differs, C(unknown) whether a host could not be asked.
        - C(fleet) has the changes that the witness would make.
        - C(hosts) has for each host what its agent and its trust lack, and why it could not be asked.
      type: dict
      sample: {"drift": false, "unknown": false, "fleet": [], "hosts": {}}
    lines:
      description: For people.
      type: list
      elements: str
      sample: ["Nothing differs from the fleet document."]
"""


def drift_report(plan, hosts):
    """The report and its lines."""
    changes = [each for each in plan.get("changes") or [] if each["action"] != "unchanged"]
    fleet = [{name: each[name] for name in ("kind", "name", "action", "fields")} for each in changes]
    asked = {name: _host(facts) for name, facts in sorted(hosts.items())}
    report = {
        "drift": bool(fleet) or any(each["agent"] or each["trust"] for each in asked.values()),
        "unknown": any(each["faults"] for each in asked.values()),
        "fleet": fleet,
        "hosts": asked,
    }
    return {"report": report, "lines": _lines(report)}


def _host(facts):
    agent, trust = facts.get("zfs_sync_agent_drift") or {}, facts.get("zfs_sync_ssh_trust_drift") or {}
    if not agent or agent.get("unreachable"):
        return {"agent": [], "trust": [], "faults": [agent.get("msg") or "the host was not asked"]}
    if "actions" not in agent:
        return {"agent": [], "trust": [], "faults": [agent.get("msg") or "the installer said nothing"]}
    actions = list(agent["actions"]) + ([] if agent.get("enrolled") else ["enrol"])
    if trust.get("skipped"):
        return {"agent": actions, "trust": ["trust its peers"], "faults": []}
    said = _decoded(trust.get("stdout"))
    if said is None or "actions" not in said:
        return {"agent": actions, "trust": [], "faults": ["trust set said: " + _told(trust, said)]}
    return {"agent": actions, "trust": list(said["actions"]), "faults": []}


def _decoded(text):
    try:
        return json.loads(text or "")
    except ValueError:
        return None


def _told(result, said):
    error = (said or {}).get("error") or {}
    return error.get("message") or result.get("stderr") or result.get("msg") or "nothing"


def _lines(report):
    count = len(report["fleet"]) + sum(len(each["agent"]) + len(each["trust"]) for each in report["hosts"].values())
    unknown = sum(bool(each["faults"]) for each in report["hosts"].values())
    head = (
        "%d things differ from the fleet document" % count if count != 1 else "1 thing differs from the fleet document"
    )
    head = head if count else "Nothing differs from the fleet document"
    lines = [head + (", and %d of the hosts could not be asked." % unknown if unknown else ".")]
    for each in report["fleet"]:
        fields = " (%s)" % ", ".join(each["fields"]) if each["fields"] and each["action"] == "updated" else ""
        lines.append(
            "witness: %s %s would be %s%s" % (each["kind"].replace("_", " "), each["name"], each["action"], fields)
        )
    for name, host in report["hosts"].items():
        lines += ["%s: agent: %s" % (name, action) for action in host["agent"]]
        lines += ["%s: trust: %s" % (name, action) for action in host["trust"]]
        lines += ["%s: not asked: %s" % (name, fault) for fault in host["faults"]]
    return lines


class FilterModule:
    """The filters of this file."""

    def filters(self):
        return {"drift_report": drift_report}
