#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright: (c) 2026, The ZFS Sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which snapshots are where, as the hosts reported them."""

from __future__ import annotations

DOCUMENTATION = r"""
module: zfs_sync_snapshot_info
short_description: Which snapshots are where
version_added: 0.1.0
description:
  - Tells of the snapshots that hosts have reported, by system and dataset, the oldest first in each.
    A snapshot is its GUID, which is the same wherever it was received.
  - It changes nothing.
author:
  - The ZFS Sync authors (@zfs-sync)
options:
  system:
    description:
      - Only snapshots of this system.
    type: str
  dataset:
    description:
      - Only snapshots of the dataset of this path, wherever there is one; not of those below it.
    type: str
  guid:
    description:
      - Only the snapshot with this GUID, wherever it is. A decimal number; quote it, so that it stays whole.
    type: str
  limit:
    description:
      - How many to tell of at most. All where it is not given.
    type: int
extends_documentation_fragment:
  - zfs_sync.fleet.witness
  - zfs_sync.fleet.attributes.witness
  - zfs_sync.fleet.attributes.reader
seealso:
  - module: zfs_sync.fleet.zfs_sync_snapshot
  - module: zfs_sync.fleet.zfs_sync_status_info
"""

EXAMPLES = r"""
- name: What a target has
  zfs_sync.fleet.zfs_sync_snapshot_info:
    witness_url: https://witness.example.org:8462
    witness_token_file: /etc/zfs-sync/viewer.key
    witness_ca_path: /etc/zfs-sync/ca.crt
    system: nas2
    dataset: backup/photos
  register: there

- name: Do not go on before its newest snapshot is on both vaults as well
  zfs_sync.fleet.zfs_sync_snapshot_info:
    guid: "{{ there.snapshots[-1].guid }}"
  register: copies
  until: "{{ ['vault1', 'vault2'] is subset(copies.snapshots | map(attribute='system')) }}"
  retries: 60
  delay: 10
"""

RETURN = r"""
snapshots:
  description: The snapshots by system and dataset, the oldest first in each.
  returned: success
  type: list
  elements: dict
  contains:
    system:
      description: The system that has it.
      type: str
      returned: always
    dataset:
      description: The dataset there.
      type: str
      returned: always
    guid:
      description: Its identity, the same wherever it was received; a decimal string.
      type: str
      returned: always
    createtxg:
      description: Its position in the history of that system's pool; a decimal string.
      type: str
      returned: always
    name:
      description: The label behind the @ there.
      type: str
      returned: always
    created:
      description: When it was made; V(null) where the platform does not say.
      type: str
      returned: always
    seen:
      description: When it was first reported.
      type: str
      returned: always
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
from ansible_collections.zfs_sync.fleet.plugins.module_utils._info import first, given
from ansible_collections.zfs_sync.fleet.plugins.module_utils._options import witness_options

FILTERS = ["system", "dataset", "guid"]


def snapshot_options():
    """The argument specification but for the connection."""
    return dict({name: {"type": "str"} for name in FILTERS}, limit={"type": "int"})


def look(module, client):
    found = first(client, "/api/v1/snapshots", given(module.params, FILTERS), module.params["limit"])
    return {"changed": False, "snapshots": found}


def main():
    module = AnsibleModule(
        argument_spec=dict(witness_options(), **snapshot_options()),
        supports_check_mode=True,
    )
    run(module, look)


if __name__ == "__main__":
    main()
