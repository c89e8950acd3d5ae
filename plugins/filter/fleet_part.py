# -*- coding: utf-8 -*-
# Copyright: (c) 2026, The ZFS Sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A part of a fleet document, so that a playbook for one host or group declares nothing else."""

from __future__ import annotations

from ansible.errors import AnsibleFilterError

DOCUMENTATION = r"""
name: fleet_part
short_description: Some systems and sync groups of a fleet document
version_added: 0.1.0
author:
  - The ZFS Sync authors (@zfs-sync)
description:
  - Takes a fleet document and leaves of its systems and sync groups those that are named, so that a part can be applied
    while other edits wait. Its version, owner and defaults stay.
  - What the document does not have is left out.
options:
  _input:
    description:
      - The fleet document.
    type: dict
    required: true
  systems:
    description:
      - The systems that stay.
    type: list
    elements: str
    default: []
  sync_groups:
    description:
      - The sync groups that stay.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Declare one group, and nothing else that the document says
  zfs_sync.fleet.zfs_sync_fleet:
    fleet: "{{ fleet | zfs_sync.fleet.fleet_part(sync_groups=['photos']) }}"
  vars:
    fleet: "{{ lookup('ansible.builtin.file', 'fleet.yml') | from_yaml }}"
"""

RETURN = r"""
_value:
  description: The document without the others.
  type: dict
  sample: {"version": 1, "systems": {}, "sync_groups": {"photos": {"members": []}}}
"""


def fleet_part(fleet, systems=(), sync_groups=()):
    """The document with these systems and groups only. Raises AnsibleFilterError for what is no document."""
    if not isinstance(fleet, dict):
        raise AnsibleFilterError("fleet_part takes a fleet document, which is a mapping with systems and sync_groups")
    kept = {"systems": systems, "sync_groups": sync_groups}
    return dict(
        fleet,
        **{key: {name: each for name, each in (fleet.get(key) or {}).items() if name in kept[key]} for key in kept},
    )


class FilterModule:
    """The filters of this file."""

    def filters(self):
        return {"fleet_part": fleet_part}
