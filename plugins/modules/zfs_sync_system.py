#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright: (c) 2026, The ZFS Sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One ZFS host in the fleet."""

from __future__ import annotations

DOCUMENTATION = r"""
module: zfs_sync_system
short_description: Declare a ZFS host of the fleet
version_added: 0.1.0
description:
  - Declares one system, which is a ZFS host that the witness knows, or takes it out of the fleet.
  - For more than a few systems use M(zfs_sync.fleet.zfs_sync_fleet), which takes all of them in one request.
author:
  - The ZFS Sync authors (@zfs-sync)
options:
  description:
    description:
      - A note for people.
    type: str
  platform:
    description:
      - The operating system. Agents report the truth; a contradiction is a warning.
    type: str
    choices: [linux, freebsd, illumos, macos]
  ssh:
    description:
      - How peers reach this host. One value, so that what is declared is all of it.
    type: dict
    suboptions:
      host:
        description:
          - Host name or address. The name of the system where it is not given.
        type: str
      user:
        description:
          - The login that peers use. V(zfs-sync) where it is not given.
        type: str
      port:
        description:
          - The port of sshd. V(22) where it is not given.
        type: int
  labels:
    description:
      - Free labels for people and tools. One value, so that what is declared is all of it.
    type: dict
  limits:
    description:
      - What must not be exceeded over all groups. One value, so that what is declared is all of it.
    type: dict
    suboptions:
      jobs:
        description:
          - How many jobs may run at once; a job counts where it sends and where it receives. The default is the
            witness's setting C(jobs_per_system).
        type: int
  maintenance:
    description:
      - With V(true) reports go on, and no new job starts on this host.
    type: bool
  reset:
    description:
      - Fields to put back to their default. A field that is neither set nor listed here is not managed and keeps what
        it has.
    type: list
    elements: str
    default: []
    choices: [description, labels, limits, maintenance, platform, ssh]
extends_documentation_fragment:
  - zfs_sync.fleet.witness
  - zfs_sync.fleet.declaration
  - zfs_sync.fleet.attributes.witness
  - zfs_sync.fleet.attributes.writer
seealso:
  - module: zfs_sync.fleet.zfs_sync_fleet
  - module: zfs_sync.fleet.zfs_sync_sync_group
"""

EXAMPLES = r"""
- name: Declare a host
  zfs_sync.fleet.zfs_sync_system:
    witness_url: https://witness.example.org:8462
    witness_token_file: /etc/zfs-sync/operator.key
    witness_ca_path: /etc/zfs-sync/ca.crt
    name: nas1
    description: Berlin, primary
    ssh:
      host: nas1.example.org
    labels:
      site: berlin

- name: Forget its labels, keep all else
  zfs_sync.fleet.zfs_sync_system:
    name: nas1
    reset: [labels]

- name: Take it out of the fleet; its data stays
  zfs_sync.fleet.zfs_sync_system:
    name: nas1
    state: absent
"""

RETURN = r"""
change:
  description: What was done to the system, or would be done in check mode.
  returned: success
  type: dict
  sample: {"kind": "system", "name": "nas1", "action": "updated", "before": {}, "after": {}, "fields": ["labels"]}
  contains:
    kind:
      description: Always V(system).
      type: str
      returned: success
    name:
      description: The system's name.
      type: str
      returned: success
    action:
      description: One of V(created), V(updated), V(deleted), V(unchanged).
      type: str
      returned: success
    before:
      description: The system before, normalised; V(null) where there was none.
      type: dict
      returned: success
    after:
      description: The system after, normalised; V(null) where there is none.
      type: dict
      returned: success
    fields:
      description: The fields that differ.
      type: list
      elements: str
      returned: success
etag:
  description: The tag of desired state.
  returned: success
  type: str
  sample: '"3f9c-12"'
code:
  description: The code of the error in the catalogue.
  returned: failure
  type: str
  sample: E_OWNED_BY_OTHER
hint:
  description: What to do about the error.
  returned: failure
  type: str
  sample: Apply with adopt.
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
from ansible_collections.zfs_sync.fleet.plugins.module_utils._desired import ensure_object, object_options
from ansible_collections.zfs_sync.fleet.plugins.module_utils._frame import run
from ansible_collections.zfs_sync.fleet.plugins.module_utils._options import witness_options


def system_fields():
    """The options that are fields of a system."""
    return {
        "description": {"type": "str"},
        "platform": {"type": "str", "choices": ["linux", "freebsd", "illumos", "macos"]},
        "ssh": {"type": "dict", "options": {"host": {"type": "str"}, "user": {"type": "str"}, "port": {"type": "int"}}},
        "labels": {"type": "dict"},
        "limits": {"type": "dict", "options": {"jobs": {"type": "int"}}},
        "maintenance": {"type": "bool"},
    }


def main():
    fields = system_fields()
    module = AnsibleModule(
        argument_spec=dict(witness_options(), **object_options(fields)),
        supports_check_mode=True,
    )
    run(module, lambda module, client: ensure_object(module, client, "system", fields))


if __name__ == "__main__":
    main()
