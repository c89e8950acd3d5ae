#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright: (c) 2026, The ZFS Sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who did what, when."""

from __future__ import annotations

DOCUMENTATION = r"""
module: zfs_sync_audit_info
short_description: Who did what, when
version_added: 0.1.0
description:
  - Tells of every change that was made at the witness, the newest first.
  - It changes nothing.
author:
  - The ZFS Sync authors (@zfs-sync)
options:
  since:
    description:
      - Only entries of this moment or later, such as V(2026-11-24T08:30:00Z).
    type: str
  until:
    description:
      - Only entries before this moment.
    type: str
  event:
    description:
      - Only this event, such as V(job.failed), or its kind, such as V(job).
    type: str
  system:
    description:
      - Only entries that touch this system.
    type: str
  actor:
    description:
      - Only what the key of this name did.
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
  - module: zfs_sync.fleet.zfs_sync_job_info
  - module: zfs_sync.fleet.zfs_sync_api_key
"""

EXAMPLES = r"""
- name: What was done to a host lately
  zfs_sync.fleet.zfs_sync_audit_info:
    witness_url: https://witness.example.org:8462
    witness_token_file: /etc/zfs-sync/viewer.key
    witness_ca_path: /etc/zfs-sync/ca.crt
    system: nas1
    limit: 50
  register: audit
"""

RETURN = r"""
entries:
  description: The changes, the newest first.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: The entry's number, which only rises.
      type: str
      returned: always
    at:
      description: When it was.
      type: str
      returned: always
    event:
      description: What was done, as kind.event.
      type: str
      returned: always
    actor:
      description: The name of the key that did it.
      type: str
      returned: always
    role:
      description: The role of that key.
      type: str
      returned: always
    key_id:
      description: The id of that key; V(null) where no key was used.
      type: str
      returned: always
    object_kind:
      description: What kind of object it was done to.
      type: str
      returned: always
    object_name:
      description: Which one.
      type: str
      returned: always
    systems:
      description: The systems that it touches.
      type: list
      elements: str
      returned: always
    request_id:
      description: Under which the witness's log has the request.
      type: str
      returned: always
    detail:
      description: What else there is to know. It holds no secret.
      type: dict
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

# The options, and what the route calls them.
NAMES = {"since": "from", "until": "to", "event": "event", "system": "system", "actor": "actor"}


def audit_options():
    """The argument specification but for the connection."""
    return dict({name: {"type": "str"} for name in NAMES}, limit={"type": "int"})


def look(module, client):
    query = {NAMES[name]: value for name, value in given(module.params, NAMES).items()}
    return {"changed": False, "entries": first(client, "/api/v1/audit", query, module.params["limit"])}


def main():
    module = AnsibleModule(
        argument_spec=dict(witness_options(), **audit_options()),
        supports_check_mode=True,
    )
    run(module, look)


if __name__ == "__main__":
    main()
