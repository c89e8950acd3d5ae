# -*- coding: utf-8 -*-
# Copyright: (c) 2026, The ZFS Sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a fleet document means for one host: what it may do, and who its peers are."""

from __future__ import annotations

import re

from ansible.errors import AnsibleFilterError

DOCUMENTATION = r"""
name: fleet_host
short_description: What a fleet document means for one host
version_added: 0.1.0
author:
  - The ZFS Sync authors (@zfs-sync)
description:
  - Reads from a fleet document which datasets of a system are sent and received, and with which systems it shares an
    edge.
  - The roles P(zfs_sync.fleet.agent#role) and P(zfs_sync.fleet.ssh_trust#role) derive the allow-list and the peers from
    it.
positional: system
options:
  _input:
    description:
      - The fleet document.
    type: dict
    required: true
  system:
    description:
      - The system's name.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: What may be done on nas2
  ansible.builtin.debug:
    msg: "{{ (lookup('ansible.builtin.file', 'fleet.yml') | from_yaml | zfs_sync.fleet.fleet_host('nas2')).allow }}"
"""

RETURN = r"""
_value:
  description: What the document means for the system.
  type: dict
  contains:
    declared:
      description: Whether the document has the system.
      type: bool
    allow:
      description: The allow-list for C(agent.conf), by dataset.
      type: list
      elements: dict
      sample: [{"dataset": "tank/photos", "operations": ["send"]}]
    peers:
      description:
        - The systems that share an edge with it, by name, how they are reached over SSH, and who connects to whom.
        - C(logs_in) says that the peer connects to this system, since it pulls from it or pushes to it; C(reached) that
          this system connects to the peer.
        - C(jump) is the host on the way to it, where there is one, with the C(system) that this is. C(forwards) are the
          hosts and ports that the peer reaches through this system, where there are any.
      type: list
      elements: dict
      sample: [{"system": "nas1", "host": "nas1", "port": 22, "logs_in": false, "reached": true}]
"""


JUMP = re.compile(r"(?:[^@]*@)?(?:\[([^\[\]]*)\]|([^:@\[\]]+))(?::([0-9]{1,5}))?$")


def fleet_host(fleet, system):
    """What the document means for the system. Raises AnsibleFilterError for a document that cannot be read."""
    if not isinstance(fleet, dict):
        raise AnsibleFilterError("fleet_host takes a fleet document, which is a mapping with systems and sync_groups")
    groups = [(group, _edges(name, group)) for name, group in _groups(fleet)]
    calls = [call for group, edges in groups for call in _calls(group, edges)]
    guests = {caller for caller, called in calls if called == system} - {system}
    hosts = {called for caller, called in calls if caller == system} - {system}
    forwards = _forwards(fleet, calls, system)
    return {
        "declared": system in (fleet.get("systems") or {}),
        "allow": _allowed(system, [edge for _group, edges in groups for edge in edges]),
        "peers": [
            dict(
                _address(fleet, name),
                logs_in=name in guests,
                reached=name in hosts,
                **_on_the_way(_jump(fleet, name) if name in hosts else None, forwards.get(name)),
            )
            for name in sorted(guests | hosts | set(forwards))
        ],
    }


def _jump(fleet, system):
    """The host on the way to a system: where it is, and which system of the fleet it is; None where there is none."""
    declared = _ssh(fleet, system).get("jump")
    if not declared:
        return None
    match = JUMP.match(declared)
    if match is None:
        raise AnsibleFilterError("ssh.jump of system %s is no user@host:port: %s" % (system, declared))
    host, port = match.group(1) or match.group(2), int(match.group(3) or 22)
    names = [name for name in fleet.get("systems") or {} if (_host(fleet, name), _port(fleet, name)) == (host, port)]
    return {"host": host, "port": port, "system": min(names) if names else None}


def _on_the_way(jump, forwards):
    return dict({"jump": jump} if jump else {}, **({"forwards": sorted(forwards)} if forwards else {}))


def _forwards(fleet, calls, system):
    """By peer, the hosts that it reaches through ``system``, as host:port."""
    found = {}
    for caller, called in calls:
        jump = _jump(fleet, called)
        if jump is not None and jump["system"] == system and caller != called:
            host = _host(fleet, called)
            place = "[%s]:%d" % (host, _port(fleet, called)) if ":" in host else "%s:%d" % (host, _port(fleet, called))
            found.setdefault(caller, set()).add(place)
    return found


def _calls(group, edges):
    """Who connects to whom: the fed system to its feeder, or the other way where the group is pushed."""
    if group.get("direction") == "push":
        return [(feeder["system"], target["system"]) for feeder, target in edges]
    return [(target["system"], feeder["system"]) for feeder, target in edges]


def _groups(fleet):
    defaults = (fleet.get("defaults") or {}).get("sync_group") or {}
    return [(name, {**defaults, **(group or {})}) for name, group in (fleet.get("sync_groups") or {}).items()]


def _edges(name, group):
    """Pairs of members, feeder first. A fault is the witness's to explain; here it must only not pass unnoticed."""
    members = group.get("members") or []
    try:
        peers = [each for each in members if each["role"] == "peer"]
        if peers:
            return [(feeder, fed) for fed in peers for feeder in peers if feeder is not fed]
        return [(_feeder(members, each), each) for each in members if each["role"] == "target"]
    except (KeyError, TypeError, ValueError) as error:
        raise AnsibleFilterError("the members of sync group %s form no edges: %s" % (name, error)) from error


def _feeder(members, target):
    wanted = target.get("from")
    others = [each for each in members if each is not target]
    if wanted is None:
        found = [each for each in others if each["role"] == "source"]
    else:
        exact = [each for each in others if "%s:%s" % (each["system"], each["dataset"]) == wanted]
        found = exact or [each for each in others if each["system"] == wanted]
    if len(found) != 1:
        raise ValueError("%d members feed %s:%s, not one" % (len(found), target["system"], target["dataset"]))
    return found[0]


def _allowed(system, edges):
    rules = {}
    for feeder, target in edges:
        for member, operation in ((feeder, "send"), (target, "receive")):
            if member["system"] == system:
                rules.setdefault(member["dataset"], set()).add(operation)
    order = ("send", "receive")
    return [{"dataset": each, "operations": [one for one in order if one in rules[each]]} for each in sorted(rules)]


def _address(fleet, system):
    return {"system": system, "host": _host(fleet, system), "port": _port(fleet, system)}


def _host(fleet, system):
    return _ssh(fleet, system).get("host") or system


def _port(fleet, system):
    return _ssh(fleet, system).get("port") or 22


def _ssh(fleet, system):
    default = ((fleet.get("defaults") or {}).get("system") or {}).get("ssh") or {}
    declared = (fleet.get("systems") or {}).get(system) or {}
    own = declared.get("ssh", {})
    return {} if own is None else {**default, **own}


class FilterModule:
    """The filters of this file."""

    def filters(self):
        return {"fleet_host": fleet_host}
