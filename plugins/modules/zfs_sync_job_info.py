#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright: (c) 2026, The ZFS Sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs: what waits, what runs, and what became of what ended."""

from __future__ import annotations

DOCUMENTATION = r"""
module: zfs_sync_job_info
short_description: Jobs and what became of them
version_added: 0.1.0
description:
  - Tells of jobs, the newest first, or of one with its history.
  - It changes nothing.
author:
  - The ZFS Sync authors (@zfs-sync)
options:
  id:
    description:
      - Only this job, with its history. One that is not there is no failure; the list is empty.
    type: str
  state:
    description:
      - Only jobs in these states.
    type: list
    elements: str
    choices: [queued, running, lost, succeeded, failed, cancelled]
  group:
    description:
      - Only jobs of this sync group.
    type: str
  system:
    description:
      - Only jobs that this system sends or receives.
    type: str
  since:
    description:
      - Only jobs that were queued at this moment or later, such as V(2026-11-24T08:30:00Z).
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
  - module: zfs_sync.fleet.zfs_sync_sync
  - module: zfs_sync.fleet.zfs_sync_status_info
"""

EXAMPLES = r"""
- name: What failed
  zfs_sync.fleet.zfs_sync_job_info:
    witness_url: https://witness.example.org:8462
    witness_token_file: /etc/zfs-sync/viewer.key
    witness_ca_path: /etc/zfs-sync/ca.crt
    state: [failed]
    limit: 20
  register: failed

- name: Wait until nothing moves on a host
  zfs_sync.fleet.zfs_sync_job_info:
    system: nas1
    state: [running, lost]
  register: moving
  until: moving.jobs | length == 0
  retries: 60
  delay: 5
"""

RETURN = r"""
jobs:
  description: The jobs, the newest first.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: Its id.
      type: str
      returned: always
    edge:
      description: Its edge.
      type: str
      returned: always
    group:
      description: The sync group.
      type: str
      returned: always
    relative:
      description: The dataset below the edge's roots.
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
    target_dataset:
      description: The dataset that receives.
      type: str
      returned: always
    state:
      description: Its state.
      type: str
      returned: always
    attempt:
      description: How many attempts failed before this one.
      type: int
      returned: always
    epoch:
      description: How often it was claimed.
      type: int
      returned: always
    created:
      description: When it was queued.
      type: str
      returned: always
    started:
      description: When it was first claimed.
      type: str
      returned: always
    finished:
      description: When it ended.
      type: str
      returned: always
    bytes_done:
      description: Bytes that went through the pipeline.
      type: int
      returned: always
    bytes_total:
      description: The estimate.
      type: int
      returned: always
    bytes_per_second:
      description: The rate of the last seconds.
      type: int
      returned: always
    moved_snapshots:
      description: Snapshots that arrived.
      type: int
      returned: always
    moved_bytes:
      description: Bytes of the streams.
      type: int
      returned: always
    message:
      description: What is being done.
      type: str
      returned: always
    error:
      description: Why it failed, with code, message and hint; V(null) where it did not.
      type: dict
      returned: always
    history:
      description: Every change of its state, the oldest first; V(null) unless O(id) is given.
      type: list
      elements: dict
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
from ansible_collections.zfs_sync.fleet.plugins.module_utils._info import first, given, one
from ansible_collections.zfs_sync.fleet.plugins.module_utils._options import witness_options

STATES = ["queued", "running", "lost", "succeeded", "failed", "cancelled"]


def job_options():
    """The argument specification but for the connection."""
    return dict({"id": {"type": "str"}, "limit": {"type": "int"}}, **filters())


def filters():
    return {
        "state": {"type": "list", "elements": "str", "choices": STATES},
        "group": {"type": "str"},
        "system": {"type": "str"},
        "since": {"type": "str"},
    }


def look(module, client):
    params = module.params
    if params["id"]:
        return {"changed": False, "jobs": one(client, "/api/v1/jobs", params["id"], "E_JOB_NOT_FOUND")}
    return {"changed": False, "jobs": first(client, "/api/v1/jobs", given(params, filters()), params["limit"])}


def main():
    module = AnsibleModule(
        argument_spec=dict(witness_options(), **job_options()),
        supports_check_mode=True,
    )
    run(module, look)


if __name__ == "__main__":
    main()
