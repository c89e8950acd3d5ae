# -*- coding: utf-8 -*-
# Copyright: (c) 2026, The ZFS Sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of what modules can do. Private to this collection: no stable interface."""

from __future__ import annotations


class ModuleDocFragment(object):
    # What a module supports, it says itself.
    DOCUMENTATION = r"""
attributes:
  check_mode:
    description: Can run in check mode and predict whether it would change anything.
  diff_mode:
    description: Shows what changed, or would change, when in diff mode.
  idempotent:
    description: Run twice in a row with the same options, the second run changes nothing.
"""

    # For modules that speak to the witness.
    WITNESS = r"""
attributes:
  action_group:
    description: Use C(group/zfs_sync.fleet.witness) in C(module_defaults) to set the connection options of the module.
    support: full
    membership:
      - zfs_sync.fleet.witness
  platform:
    description: The systems that the module runs on.
    support: full
    platforms: posix
"""

    # For modules that declare what the witness plans and applies; stands in place of the first one.
    WRITER = r"""
attributes:
  check_mode:
    description: Can run in check mode and predict whether it would change anything.
    support: full
    details:
      - The witness plans; nothing is written. Check mode calls its plan route and reads, nothing else.
  diff_mode:
    description: Shows what changed, or would change, when in diff mode.
    support: full
    details:
      - The difference is the witness's own, between normalised objects.
  idempotent:
    description: Run twice in a row with the same options, the second run changes nothing.
    support: full
"""

    # For modules that only look; stands in place of the first one.
    READER = r"""
attributes:
  check_mode:
    description: Can run in check mode and predict whether it would change anything.
    support: full
    details:
      - It changes nothing, in check mode or otherwise.
  diff_mode:
    description: Shows what changed, or would change, when in diff mode.
    support: N/A
    details:
      - It changes nothing.
  idempotent:
    description: Run twice in a row with the same options, the second run changes nothing.
    support: N/A
    details:
      - It changes nothing.
"""
