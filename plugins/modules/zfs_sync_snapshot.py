#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright: (c) 2026, The ZFS Sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The snapshots of a host that has no agent."""

from __future__ import annotations

DOCUMENTATION = r"""
module: zfs_sync_snapshot
short_description: Report the snapshots of a host that has no agent
version_added: 0.1.0
description:
  - Reads the snapshots of this host by C(zfs list) or C(zfs get), and reports them to the witness, which then tells how
    far the host is behind or ahead.
  - It is for hosts that replicate by other means, or where no agent can run. A system with an agent is refused, since
    the agent reports for it.
  - A snapshot is its GUID. What the witness holds already is not reported again.
  - It creates no snapshot and destroys none. The witness starts no job on a host without an agent.
author:
  - The ZFS Sync authors (@zfs-sync)
requirements:
  - ZFS on the host where the module runs, OpenZFS or zfs-fuse
options:
  system:
    description:
      - The system's name in the fleet. It must be declared.
    type: str
    required: true
  datasets:
    description:
      - The datasets that are reported, each with all below it.
      - All of them; what is left out is not known to the witness any more.
      - Each must exist. A pool that is not imported is not mistaken for one whose data is gone.
    type: list
    elements: str
    required: true
  witness_token:
    description:
      - An API key with role V(agent) that is bound to the system, as M(zfs_sync.fleet.zfs_sync_api_key) makes it. It is
        shown nowhere.
      - Wins over O(witness_token_file). The environment variable E(ZFS_SYNC_WITNESS_TOKEN) is used where neither is
        set.
    type: str
extends_documentation_fragment:
  - zfs_sync.fleet.witness
  - zfs_sync.fleet.attributes
  - zfs_sync.fleet.attributes.witness
attributes:
  check_mode:
    support: full
    details:
      - It compares with what the witness holds, and reports nothing.
  diff_mode:
    support: full
    details:
      - One line for each dataset and each snapshot, with its GUID.
  idempotent:
    support: full
    details:
      - Sizes, which move all the time, are no change. They are reported along with the next one.
seealso:
  - module: zfs_sync.fleet.zfs_sync_agent
  - module: zfs_sync.fleet.zfs_sync_api_key
"""

EXAMPLES = r"""
- name: A key that may report for the appliance
  zfs_sync.fleet.zfs_sync_api_key:
    name: snapshots of appliance
    role: agent
    system: appliance
  delegate_to: localhost
  no_log: true
  register: made

- name: Keep it on the appliance
  ansible.builtin.copy:
    content: "{{ made.token }}"
    dest: /etc/zfs-sync/report.key
    mode: "0600"
  no_log: true
  when: made is changed

- name: Report what the appliance has
  zfs_sync.fleet.zfs_sync_snapshot:
    witness_url: https://witness.example.org:8462
    witness_token_file: /etc/zfs-sync/report.key
    witness_ca_path: /etc/zfs-sync/ca.crt
    system: appliance
    datasets: [tank/photos, tank/projects]
"""

RETURN = r"""
generation:
  description: The name of the report, which follows from its content.
  returned: success
  type: str
  sample: no-agent-3c1f
datasets:
  description: How many datasets the host has there.
  returned: success
  type: int
  sample: 2
snapshots:
  description: How many snapshots they have.
  returned: success
  type: int
  sample: 48
code:
  description: The code of the error in the catalogue.
  returned: failure
  type: str
  sample: E_SYSTEM_HAS_AGENT
hint:
  description: What to do about the error.
  returned: failure
  type: str
  sample: Leave reporting to the agent.
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

import platform
import socket

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.zfs_sync.fleet.plugins.module_utils._frame import run
from ansible_collections.zfs_sync.fleet.plugins.module_utils._options import witness_options
from ansible_collections.zfs_sync.fleet.plugins.module_utils._report import Report
from ansible_collections.zfs_sync.fleet.plugins.module_utils._zfs import Zfs

PLATFORMS = {"FreeBSD": "freebsd", "SunOS": "illumos", "Darwin": "macos"}


def snapshot_options():
    """The argument specification but for the connection."""
    return {
        "system": {"type": "str", "required": True},
        "datasets": {"type": "list", "elements": "str", "required": True},
    }


def report(module, client):
    """Report what the host has, where the witness holds anything else."""
    zfs = Zfs(module)
    datasets = zfs.datasets(module.params["datasets"])
    seen = Report(client, module.params["system"], this_host(), zfs.pools(), datasets)
    count = sum(len(each["add"]) for each in datasets)
    result = {"generation": seen.generation, "datasets": len(datasets), "snapshots": count}
    held = seen.is_held()
    if not held and module._diff:
        result["diff"] = difference(seen)
    if not module.check_mode:
        seen.confirm() if held else seen.send()
    return dict(result, changed=not held)


def this_host():
    return {"platform": PLATFORMS.get(platform.system(), "linux"), "hostname": socket.gethostname()}


def difference(seen):
    title = "snapshots of %s" % seen.system
    before, after = ("".join(line + "\n" for line in lines) for lines in (seen.before(), seen.after()))
    return {"before_header": title, "after_header": title, "before": before, "after": after}


def main():
    module = AnsibleModule(
        argument_spec=dict(witness_options(), **snapshot_options()),
        supports_check_mode=True,
    )
    run(module, report)


if __name__ == "__main__":
    main()
