#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright: (c) 2026, The ZFS Sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is behind, and why."""

from __future__ import annotations

DOCUMENTATION = r"""
module: zfs_sync_status_info
short_description: Who is behind, and why
version_added: 0.1.0
description:
  - Tells of each dataset of each edge whether it is in sync, and if not, who is behind and why.
  - It changes nothing. To run a group now use M(zfs_sync.fleet.zfs_sync_sync).
author:
  - The ZFS Sync authors (@zfs-sync)
options:
  group:
    description:
      - Only this sync group.
    type: str
  system:
    description:
      - Only edges that touch this system.
    type: str
extends_documentation_fragment:
  - zfs_sync.fleet.witness
  - zfs_sync.fleet.attributes.witness
  - zfs_sync.fleet.attributes.reader
seealso:
  - module: zfs_sync.fleet.zfs_sync_sync
  - module: zfs_sync.fleet.zfs_sync_job_info
"""

EXAMPLES = r"""
- name: Who is behind
  zfs_sync.fleet.zfs_sync_status_info:
    witness_url: https://witness.example.org:8462
    witness_token_file: /etc/zfs-sync/viewer.key
    witness_ca_path: /etc/zfs-sync/ca.crt
    group: photos
  register: status

- name: Refuse to go on while a copy is late
  ansible.builtin.assert:
    that: status.edges | selectattr('late') | length == 0
"""

RETURN = r"""
edges:
  description: Each dataset of each edge, the worst first.
  returned: success
  type: list
  elements: dict
  contains:
    edge:
      description: The edge's id.
      type: str
      returned: always
    group:
      description: The sync group.
      type: str
      returned: always
    from_system:
      description: The feeding system.
      type: str
      returned: always
    to_system:
      description: The fed system.
      type: str
      returned: always
    from_root:
      description: The feeding root dataset.
      type: str
      returned: always
    to_root:
      description: The fed root dataset.
      type: str
      returned: always
    relative:
      description: The dataset below the roots; empty for the root itself.
      type: str
      returned: always
    peers:
      description: Whether both ends are peers, so that there is an edge the other way too.
      type: bool
      returned: always
    outcome:
      description: What the planner says, such as V(IN_SYNC), V(BEHIND) or V(DIVERGED).
      type: str
      returned: always
    message:
      description: The outcome as a sentence.
      type: str
      returned: always
    source_head:
      description: The source's newest snapshot, with guid and name; V(null) where there is none.
      type: dict
      returned: always
    target_head:
      description: The target's newest snapshot.
      type: dict
      returned: always
    base:
      description: The newest snapshot that both have.
      type: dict
      returned: always
    lag_snapshots:
      description: How many snapshots the target lacks.
      type: int
      returned: always
    lag_seconds:
      description: The age of the oldest snapshot that the target lacks; V(null) where it is not known.
      type: int
      returned: always
    late:
      description: Whether the lag is over the group's limit.
      type: bool
      returned: always
    last_success:
      description: When a job of this dataset last succeeded.
      type: str
      returned: always
    job:
      description: The job that waits or runs; V(null) where there is none.
      type: dict
      returned: always
    error:
      description: What a person should look at, with code, message and hint; V(null) where there is nothing.
      type: dict
      returned: always
    evidence:
      description: The GUIDs that prove the outcome.
      type: dict
      returned: always
summary:
  description: How many datasets have which outcome.
  returned: success
  type: dict
  sample: {"IN_SYNC": 4}
systems:
  description: The hosts as the witness sees them.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Its name.
      type: str
      returned: always
    online:
      description: Whether its agent was heard of lately.
      type: bool
      returned: always
    enrolled:
      description: Whether an agent has enrolled.
      type: bool
      returned: always
    last_seen:
      description: When it was last heard of.
      type: str
      returned: always
    agent_version:
      description: Its agent's version.
      type: str
      returned: always
    platform:
      description: What its agent reports.
      type: str
      returned: always
    maintenance:
      description: Whether no new job starts there.
      type: bool
      returned: always
    datasets:
      description: How many datasets it reports.
      type: int
      returned: always
    snapshots:
      description: How many snapshots it reports.
      type: int
      returned: always
    warnings:
      description: What a person should look at.
      type: list
      elements: str
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
from ansible_collections.zfs_sync.fleet.plugins.module_utils._info import given
from ansible_collections.zfs_sync.fleet.plugins.module_utils._options import witness_options
from ansible_collections.zfs_sync.fleet.plugins.module_utils._sync import whole_status


def status_options():
    """The argument specification but for the connection."""
    return {"group": {"type": "str"}, "system": {"type": "str"}}


def look(module, client):
    found = whole_status(client, given(module.params, status_options()))
    return {"changed": False, "edges": found["items"], "summary": found["summary"], "systems": found["systems"]}


def main():
    module = AnsibleModule(
        argument_spec=dict(witness_options(), **status_options()),
        supports_check_mode=True,
    )
    run(module, look)


if __name__ == "__main__":
    main()
