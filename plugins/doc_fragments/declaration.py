# -*- coding: utf-8 -*-
# Copyright: (c) 2026, The ZFS Sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of what modules for desired state share. Private to this collection: no stable interface."""

from __future__ import annotations


class ModuleDocFragment(object):
    DOCUMENTATION = r"""
options:
  name:
    description:
      - The name, which is also the id. Lower case letters, digits, dots, dashes and underscores, up to 63 characters.
    type: str
    required: true
  state:
    description:
      - V(present) declares the object, V(absent) takes it out of the fleet.
      - Taking something out of the fleet removes no data anywhere.
    type: str
    choices: [present, absent]
    default: present
  owner:
    description:
      - Whose declaration this is, as tool/name. An object of another owner with other content is refused unless
        O(adopt=true).
    type: str
    default: ansible/default
  adopt:
    description:
      - Take over an object of another owner.
    type: bool
    default: false
  create_only:
    description:
      - Fail where the object exists already.
    type: bool
    default: false
"""
