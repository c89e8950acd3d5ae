#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright: (c) 2026, The ZFS Sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is declared of sync groups, and what is known of it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: zfs_sync_sync_group_info
short_description: What is declared of sync groups
version_added: 0.1.0
description:
  - Tells what the witness has of sync groups, all of them or one by its name.
  - It changes nothing.
author:
  - The ZFS Sync authors (@zfs-sync)
options:
  name:
    description:
      - Only the sync group of this name, with what is observed of it.
      - One that is not there is no failure; the list is empty.
    type: str
extends_documentation_fragment:
  - zfs_sync.fleet.witness
  - zfs_sync.fleet.attributes.witness
  - zfs_sync.fleet.attributes.reader
seealso:
  - module: zfs_sync.fleet.zfs_sync_sync_group
  - module: zfs_sync.fleet.zfs_sync_status_info
"""

EXAMPLES = r"""
- name: All sync groups
  zfs_sync.fleet.zfs_sync_sync_group_info:
    witness_url: https://witness.example.org:8462
    witness_token_file: /etc/zfs-sync/viewer.key
    witness_ca_path: /etc/zfs-sync/ca.crt
  register: found

- name: One of them, with what is observed of it
  zfs_sync.fleet.zfs_sync_sync_group_info:
    name: photos
  register: one
"""

RETURN = r"""
sync_groups:
  description: Those that were asked for, by name. Each has its fields as the fleet document names them, and these.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The name.
      type: str
      returned: always
    owner:
      description: Whose declaration it is.
      type: str
      returned: always
    created:
      description: When it was declared first.
      type: str
      returned: always
    updated:
      description: When it was last changed.
      type: str
      returned: always
    observed:
      description: How many of its datasets have which outcome, and each of them.
      type: dict
      returned: when O(name) is given
code:
  description: The code of the error in the catalogue.
  returned: failure
  type: str
  sample: E_FORBIDDEN
hint:
  description: What to do about the error.
  returned: failure
  type: str
  sample: Use a key with role viewer.
errors:
  description: Each fault with its JSON pointer.
  returned: failure
  type: list
  elements: dict
  sample: []
request_id:
  description: The id of the request in the witness's log.
  returned: failure
  type: str
  sample: 4b1c
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.zfs_sync.fleet.plugins.module_utils._frame import run
from ansible_collections.zfs_sync.fleet.plugins.module_utils._info import objects
from ansible_collections.zfs_sync.fleet.plugins.module_utils._options import witness_options


def sync_group_options():
    """The argument specification but for the connection."""
    return {"name": {"type": "str"}}


def look(module, client):
    return {
        "changed": False,
        "sync_groups": objects(client, "/api/v1/sync-groups", module.params["name"], "E_SYNC_GROUP_NOT_FOUND"),
    }


def main():
    module = AnsibleModule(
        argument_spec=dict(witness_options(), **sync_group_options()),
        supports_check_mode=True,
    )
    run(module, look)


if __name__ == "__main__":
    main()
