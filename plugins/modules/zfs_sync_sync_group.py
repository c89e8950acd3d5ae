#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright: (c) 2026, The ZFS Sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One sync group of the fleet."""

from __future__ import annotations

DOCUMENTATION = r"""
module: zfs_sync_sync_group
short_description: Declare a sync group of the fleet
version_added: 0.1.0
description:
  - Declares one sync group, which says on which systems a dataset lives and how it is kept in sync, or takes it out of
    the fleet.
  - The datasets of a group that is taken out stay as they are.
author:
  - The ZFS Sync authors (@zfs-sync)
options:
  description:
    description:
      - A note for people.
    type: str
  enabled:
    description:
      - With V(false) what runs is finished, and nothing new starts. The witness's default is V(true).
    type: bool
  mode:
    description:
      - With V(auto) a job is queued when a target is behind, with V(manual) only when asked. The witness's default is
        V(auto).
    type: str
    choices: [auto, manual]
  members:
    description:
      - One source and at least one target, or at least two peers. One value, so that what is declared is all of it;
        order does not matter.
    type: list
    elements: dict
    suboptions:
      system:
        description:
          - The system that holds the dataset.
        type: str
        required: true
      dataset:
        description:
          - The root dataset on that system.
        type: str
        required: true
      role:
        description:
          - A V(source) is written to there, a V(target) receives. A V(peer) does both, and follows whichever peer is
            ahead.
        type: str
        required: true
        choices: [source, target, peer]
      from:
        description:
          - The member that feeds this target, as V(system), or V(system:dataset) where that is ambiguous. The source
            where it is not given.
        type: str
      limits:
        description:
          - What must not be exceeded by what is sent from here and received here.
        type: dict
        suboptions:
          jobs:
            description:
              - How many jobs may run at once.
            type: int
  recursive:
    description:
      - Whether children are synced too, at the same relative paths. The witness's default is V(true).
    type: bool
  include_root:
    description:
      - With V(false) only what lies below the roots is replicated, and a target's root must exist. The witness's
        default is V(true).
    type: bool
  exclude:
    description:
      - Patterns, as in C(gitignore), of datasets below the roots that are left out with all that lies below them. A
        pattern without a slash matches a name at any depth; V(**) between slashes stands for any number of levels. One
        value, so that what is declared is all of it; order does not matter.
    type: list
    elements: str
  snapshots:
    description:
      - Which snapshots are replicated. One value, so that what is declared is all of it.
    type: dict
    suboptions:
      include:
        description:
          - Patterns on what stands behind the C(@) of the snapshots that are replicated. All where it is not given.
        type: list
        elements: str
      exclude:
        description:
          - Patterns of snapshots that are not replicated all the same.
        type: list
        elements: str
      intermediate:
        description:
          - With V(true) all of these snapshots travel, with V(false) only the newest of them. The witness's default is
            V(true).
        type: bool
  interval:
    description:
      - The least time between two syncs of an edge, V(continuous) or a duration such as V(15m). The witness's default
        is V(continuous).
    type: str
  lag_limit:
    description:
      - A target that lags longer than this duration is shown as late.
    type: str
  priority:
    description:
      - From V(0) to V(100); of the jobs that wait for one host, those of the higher go first. The witness's default is
        V(50).
    type: int
  direction:
    description:
      - With V(pull) the host of a target connects to the host that feeds it, with V(push) the other way round. The
        witness's default is V(pull).
    type: str
    choices: [pull, push]
  limits:
    description:
      - What must not be exceeded over all edges of the group. On an edge the least of both systems', the group's and
        the members' limits holds. One value, so that what is declared is all of it.
    type: dict
    suboptions:
      jobs:
        description:
          - How many jobs may run at once.
        type: int
  properties:
    description:
      - Properties of new targets. One value, so that what is declared is all of it.
    type: dict
    suboptions:
      set:
        description:
          - By name, set on each new target when it is first received; targets that are there keep what they have.
            C(readonly) is V(on) and C(canmount) is V(noauto) unless they are named.
        type: dict
  reset:
    description:
      - Fields to put back to their default. A field that is neither set nor listed here is not managed and keeps what
        it has.
    type: list
    elements: str
    default: []
    choices:
      - description
      - direction
      - enabled
      - exclude
      - include_root
      - interval
      - lag_limit
      - limits
      - members
      - mode
      - priority
      - properties
      - recursive
      - snapshots
extends_documentation_fragment:
  - zfs_sync.fleet.witness
  - zfs_sync.fleet.declaration
  - zfs_sync.fleet.attributes.witness
  - zfs_sync.fleet.attributes.writer
seealso:
  - module: zfs_sync.fleet.zfs_sync_fleet
  - module: zfs_sync.fleet.zfs_sync_sync
"""

EXAMPLES = r"""
- name: Keep the photos on two other hosts, the second fed by the first
  zfs_sync.fleet.zfs_sync_sync_group:
    witness_url: https://witness.example.org:8462
    witness_token_file: /etc/zfs-sync/operator.key
    witness_ca_path: /etc/zfs-sync/ca.crt
    name: photos
    members:
      - system: nas1
        dataset: tank/photos
        role: source
      - system: nas2
        dataset: backup/photos
        role: target
      - system: vault
        dataset: safe/photos
        role: target
        from: nas2
    interval: 15m

- name: Leave out caches and the snapshots of the last hour
  zfs_sync.fleet.zfs_sync_sync_group:
    name: photos
    exclude: ["**/cache", "tmp/*"]
    snapshots:
      exclude: ["*_frequently"]
    properties:
      set:
        compression: zstd

- name: Stop it for a while
  zfs_sync.fleet.zfs_sync_sync_group:
    name: photos
    enabled: false

- name: Take it out of the fleet; the data stays everywhere
  zfs_sync.fleet.zfs_sync_sync_group:
    name: photos
    state: absent
"""

RETURN = r"""
change:
  description: What was done to the sync group, or would be done in check mode.
  returned: success
  type: dict
  sample: {"kind": "sync_group", "name": "photos", "action": "updated", "before": {}, "after": {}, "fields": ["mode"]}
  contains:
    kind:
      description: Always V(sync_group).
      type: str
      returned: success
    name:
      description: The sync group's name.
      type: str
      returned: success
    action:
      description: One of V(created), V(updated), V(deleted), V(unchanged).
      type: str
      returned: success
    before:
      description: The sync group before, normalised; V(null) where there was none.
      type: dict
      returned: success
    after:
      description: The sync group after, normalised; V(null) where there is none.
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
  sample: E_VALIDATION
hint:
  description: What to do about the error.
  returned: failure
  type: str
  sample: Correct the fields that are named.
errors:
  description: Each fault with its JSON pointer.
  returned: failure
  type: list
  elements: dict
  sample: [{"pointer": "/fleet/sync_groups/photos/members/0/system", "message": "no such system"}]
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


def member_options():
    """The suboptions of a member."""
    options = {
        "system": {"type": "str", "required": True},
        "dataset": {"type": "str", "required": True},
        "role": {"type": "str", "required": True, "choices": ["source", "target", "peer"]},
    }
    options["from"] = {"type": "str"}
    options["limits"] = {"type": "dict", "options": {"jobs": {"type": "int"}}}
    return options


def snapshot_options():
    """The suboptions of snapshots."""
    return {
        "include": {"type": "list", "elements": "str"},
        "exclude": {"type": "list", "elements": "str"},
        "intermediate": {"type": "bool"},
    }


def group_fields():
    """The options that are fields of a sync group."""
    return {
        "description": {"type": "str"},
        "enabled": {"type": "bool"},
        "mode": {"type": "str", "choices": ["auto", "manual"]},
        "members": {"type": "list", "elements": "dict", "options": member_options()},
        "recursive": {"type": "bool"},
        "include_root": {"type": "bool"},
        "exclude": {"type": "list", "elements": "str"},
        "snapshots": {"type": "dict", "options": snapshot_options()},
        "interval": {"type": "str"},
        "lag_limit": {"type": "str"},
        "priority": {"type": "int"},
        "direction": {"type": "str", "choices": ["pull", "push"]},
        "limits": {"type": "dict", "options": {"jobs": {"type": "int"}}},
        "properties": {"type": "dict", "options": {"set": {"type": "dict"}}},
    }


def main():
    fields = group_fields()
    module = AnsibleModule(
        argument_spec=dict(witness_options(), **object_options(fields)),
        supports_check_mode=True,
    )
    run(module, lambda module, client: ensure_object(module, client, "sync_group", fields))


if __name__ == "__main__":
    main()
