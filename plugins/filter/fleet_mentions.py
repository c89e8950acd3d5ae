# -*- coding: utf-8 -*-
# Copyright: (c) 2026, The ZFS Sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a fleet document speaks of a system."""

from __future__ import annotations

from ansible.errors import AnsibleFilterError

DOCUMENTATION = r"""
name: fleet_mentions
short_description: Where a fleet document speaks of a system
version_added: 0.1.0
author:
  - The ZFS Sync authors (@zfs-sync)
description:
  - Tells each place of a fleet document that names a system, as a JSON pointer, with the names of the sync groups that
    it is a member of.
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
- name: Refuse while the document still has it
  ansible.builtin.assert:
    that: (fleet | zfs_sync.fleet.fleet_mentions('nas4')).places | length == 0
"""

RETURN = r"""
_value:
  description: Where the document names the system.
  type: dict
  contains:
    places:
      description: The places, as JSON pointers into the document.
      type: list
      elements: str
      sample: [/systems/nas4, /sync_groups/photos/members/1]
    sync_groups:
      description: The sync groups that it is a member of.
      type: list
      elements: str
      sample: [photos]
"""


def fleet_mentions(fleet, system):
    """Where the document names the system. Raises AnsibleFilterError for what is no document."""
    if not isinstance(fleet, dict):
        raise AnsibleFilterError(
            "fleet_mentions takes a fleet document, which is a mapping with systems and sync_groups"
        )
    places = ["/systems/" + system] if system in (fleet.get("systems") or {}) else []
    groups = []
    for name, group in (fleet.get("sync_groups") or {}).items():
        members = _members(fleet, group)
        found = [index for index, member in enumerate(members) if isinstance(member, dict) and _names(member, system)]
        places += ["/sync_groups/%s/members/%d" % (name, index) for index in found]
        groups += [name] if found else []
    return {"places": places, "sync_groups": groups}


def _members(fleet, group):
    default = ((fleet.get("defaults") or {}).get("sync_group") or {}).get("members")
    return (group or {}).get("members", default) or []


def _names(member, system):
    """Whether a member is the system's, or is fed by it."""
    feeder = str(member.get("from") or "")
    return system in (member.get("system"), feeder, feeder.partition(":")[0])


class FilterModule:
    """The filters of this file."""

    def filters(self):
        return {"fleet_mentions": fleet_mentions}
