# -*- coding: utf-8 -*-
# Copyright: (c) 2026, The ZFS Sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which source a sync group has, and which one it shall have."""

from __future__ import annotations

from ansible.errors import AnsibleFilterError

DOCUMENTATION = r"""
name: switchover
short_description: Which source a sync group has, and which one it shall have
version_added: 0.1.0
author:
  - The ZFS Sync authors (@zfs-sync)
description:
  - Compares the members of a sync group as the witness has them with those that the fleet document says, and tells
    whether they differ by a switchover only, which makes a target the source.
positional: wanted
options:
  _input:
    description:
      - The members as they are.
    type: list
    elements: dict
    required: true
  wanted:
    description:
      - The members as they shall be.
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Who is to be the source
  ansible.builtin.debug:
    msg: "{{ (held.members | zfs_sync.fleet.switchover(document.members)).new }}"
"""

RETURN = r"""
_value:
  description: The two sources.
  type: dict
  contains:
    old:
      description: The source as it is, with system and dataset; V(null) where there is none.
      type: dict
    new:
      description: The source as it shall be; V(null) where there is none.
      type: dict
    same:
      description: Whether both lists have the same datasets of the same systems.
      type: bool
    due:
      description: Whether the sources differ.
      type: bool
"""


def switchover(held, wanted):
    """The two sources. Raises AnsibleFilterError for what is no list of members."""
    old, new = _source(held), _source(wanted)
    return {"old": old, "new": new, "same": _datasets(held) == _datasets(wanted), "due": old != new}


def _source(members):
    found = [each for each in _checked(members) if each.get("role") == "source"]
    return _dataset(found[0]) if len(found) == 1 else None


def _datasets(members):
    return sorted((each.get("system"), each.get("dataset")) for each in _checked(members))


def _dataset(member):
    return {"system": member.get("system"), "dataset": member.get("dataset")}


def _checked(members):
    if not isinstance(members, list) or not all(isinstance(each, dict) for each in members):
        raise AnsibleFilterError("switchover takes two lists of members of a sync group")
    return members


class FilterModule:
    """The filters of this file."""

    def filters(self):
        return {"switchover": switchover}
