#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright: (c) 2026, The ZFS Sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sync group, checked or run now."""

from __future__ import annotations

DOCUMENTATION = r"""
module: zfs_sync_sync
short_description: Check a sync group, or run it now
version_added: 0.1.0
description:
  - Has the witness run a sync group now, whatever its O(zfs_sync.fleet.zfs_sync_sync_group#module:mode) and interval,
    waits until every dataset is in sync, and reports what moved.
  - With O(check=true) it only tells who is behind and why.
author:
  - The ZFS Sync authors (@zfs-sync)
options:
  group:
    description:
      - The sync group. It may be left out with O(check=true), which then looks at all groups.
    type: str
  targets:
    description:
      - Only the edges to these systems. All of the group's where it is empty.
    type: list
    elements: str
    default: []
  check:
    description:
      - Look and run nothing.
    type: bool
    default: false
  wait:
    description:
      - Wait until nothing of the group is under way any more, and fail where a dataset did not get in sync.
      - Without it, of a group that does not run by itself only what can be brought at once is brought, and not what
        follows in a chain.
    type: bool
    default: true
  wait_timeout:
    description:
      - How many seconds to wait at most. What runs goes on when they are over.
    type: int
    default: 3600
extends_documentation_fragment:
  - zfs_sync.fleet.witness
  - zfs_sync.fleet.attributes
  - zfs_sync.fleet.attributes.witness
attributes:
  check_mode:
    support: full
    details:
      - Changed is predicted from what the witness knows of the snapshots on both sides.
  diff_mode:
    support: none
  idempotent:
    support: full
    details:
      - Changed only if data moved. With O(wait=false), if jobs wait or run.
seealso:
  - module: zfs_sync.fleet.zfs_sync_sync_group
"""

EXAMPLES = r"""
- name: Bring the photos over before the host is serviced
  zfs_sync.fleet.zfs_sync_sync:
    witness_url: https://witness.example.org:8462
    witness_token_file: /etc/zfs-sync/operator.key
    witness_ca_path: /etc/zfs-sync/ca.crt
    group: photos
    wait_timeout: 7200

- name: Who is behind, and why
  zfs_sync.fleet.zfs_sync_sync:
    check: true
  register: fleet
"""

RETURN = r"""
edges:
  description: Each dataset of each edge looked at.
  returned: success, and failure of a run
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
    outcome:
      description: What the planner says, such as V(IN_SYNC), V(BEHIND) or V(DIVERGED).
      type: str
      returned: always
    message:
      description: The outcome as a sentence.
      type: str
      returned: always
    lag_snapshots:
      description: How many snapshots the target lacks.
      type: int
      returned: always
    job:
      description: The job that waits or runs; V(null) where there is none.
      type: dict
      returned: always
    error:
      description: What a person should look at, with code, message and hint; V(null) where there is nothing.
      type: dict
      returned: always
jobs:
  description: The ids of the jobs that wait or run, or would in check mode.
  returned: success and O(group) is given
  type: list
  elements: str
  sample: []
moved:
  description: What arrived, in snapshots and bytes, and the jobs that brought it.
  returned: after a run with O(wait=true)
  type: dict
  sample: {"snapshots": 3, "bytes": 1048576, "jobs": []}
systems:
  description: The hosts as the witness sees them.
  returned: success and O(group) is not given
  type: list
  elements: dict
pending:
  description: Agents that wait for approval.
  returned: success and O(group) is not given
  type: list
  elements: dict
  sample: []
summary:
  description: How many datasets have which outcome.
  returned: success and O(group) is not given
  type: dict
  sample: {"IN_SYNC": 4}
code:
  description: The code of the error in the catalogue.
  returned: failure
  type: str
  sample: E_DIVERGED
hint:
  description: What to do about the error.
  returned: failure
  type: str
  sample: Look at both sides.
errors:
  description: Each fault with its JSON pointer.
  returned: failure of the request
  type: list
  elements: dict
  sample: []
request_id:
  description: The id of the request in the witness's log.
  returned: failure of the request
  type: str
  sample: 4b1c
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.zfs_sync.fleet.plugins.module_utils import _sync
from ansible_collections.zfs_sync.fleet.plugins.module_utils._frame import run
from ansible_collections.zfs_sync.fleet.plugins.module_utils._options import witness_options


def sync_options():
    """The argument specification but for the connection."""
    return {
        "group": {"type": "str"},
        "targets": {"type": "list", "elements": "str", "default": []},
        "check": {"type": "bool", "default": False},
        "wait": {"type": "bool", "default": True},
        "wait_timeout": {"type": "int", "default": 3600},
    }


def sync(module, client):
    params = module.params
    if not params["group"]:
        return look_at_all(client, params["targets"])
    if params["check"] or module.check_mode:
        answer = _sync.ask(client, params["group"], params["targets"], check=True)
        return dict(changed=not params["check"] and _sync.would_move(answer["edges"]), **answer)
    marker = _sync.newest_job(client, params["group"])
    answer = _sync.ask(client, params["group"], params["targets"], check=False)
    if not params["wait"]:
        return dict(changed=bool(answer["jobs"]), **answer)
    return wait(module, _sync.Run(client, params["group"], params["targets"], marker, answer["jobs"]))


def look_at_all(client, targets):
    status = _sync.read_status(client)
    edges = [each for each in status["items"] if not targets or each["to_system"] in targets]
    shown = {name: status.get(name, []) for name in ("systems", "pending")}
    return dict({"changed": False, "edges": edges, "summary": status["summary"]}, **shown)


def wait(module, watched):
    ended = watched.wait(module.params["wait_timeout"])
    moved = watched.moved()
    result = {"changed": bool(moved["snapshots"]), "edges": watched.edges, "moved": moved}
    late = watched.waiting
    if ended and not watched.refused:
        return dict(result, jobs=[])
    first = (watched.refused + late)[0]["error"] or {}
    lines = [] if ended else ["not in sync after %d seconds; what runs goes on" % module.params["wait_timeout"]]
    lines.append(_sync.explain(watched.refused + late))
    return module.fail_json(
        msg="\n".join(lines),
        code=first.get("code", (watched.refused + late)[0]["outcome"]),
        hint=first.get("hint"),
        **result,
    )


def main():
    module = AnsibleModule(
        argument_spec=dict(witness_options(), **sync_options()),
        required_if=[("check", False, ("group",))],
        supports_check_mode=True,
    )
    run(module, sync)


if __name__ == "__main__":
    main()
