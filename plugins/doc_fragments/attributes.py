# -*- coding: utf-8 -*-
# Copyright: (c) 2026, The ZFS Sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of what modules can do. Private to this collection: no stable interface."""

from __future__ import annotations


class ModuleDocFragment(object):
    DOCUMENTATION = r"""
attributes:
  check_mode:
    description: Can run in check mode and predict whether it would change anything.
  diff_mode:
    description: Shows what changed, or would change, when in diff mode.
  idempotent:
    description: Run twice in a row with the same options, the second run changes nothing.
  action_group:
    description: Use C(group/zfs_sync.fleet.witness) in C(module_defaults) to set the connection options of the module.
  platform:
    description: The systems that the module runs on.
"""

    WITNESS = r"""
attributes:
  action_group:
    support: full
    membership:
      - zfs_sync.fleet.witness
  platform:
    support: full
    platforms: posix
"""

    WRITER = r"""
attributes:
  check_mode:
    support: full
    details:
      - The witness plans; nothing is written. Check mode calls its plan route and reads, nothing else.
  diff_mode:
    support: full
    details:
      - The difference is the witness's own, between normalised objects.
  idempotent:
    support: full
"""
