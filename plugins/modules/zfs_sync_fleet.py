#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright: (c) 2026, The ZFS Sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole fleet document in one request."""

from __future__ import annotations

DOCUMENTATION = r"""
module: zfs_sync_fleet
short_description: Declare systems and sync groups of the fleet in one request
version_added: 0.1.0
description:
  - Takes the fleet document as it is and has the witness plan it, in check mode, or apply it. All of it is applied, or
    nothing is.
  - One request does for any number of systems and groups.
author:
  - The ZFS Sync authors (@zfs-sync)
options:
  fleet:
    description:
      - The fleet document, with C(version), C(owner), C(defaults), C(systems) and C(sync_groups).
      - Read it from a file on the controller with P(ansible.builtin.file#lookup) and
        P(ansible.builtin.from_yaml#filter).
      - A field that is absent is not managed; V(null) puts it back to its default.
    type: dict
    required: true
  owner:
    description:
      - Whose declarations these are, as tool/name, where the document has no C(owner).
    type: str
    default: ansible/default
  delete:
    description:
      - Objects to take out of the fleet by name, whatever the document says of the rest. Their data stays.
    type: dict
    suboptions:
      systems:
        description:
          - Names of systems.
        type: list
        elements: str
        default: []
      sync_groups:
        description:
          - Names of sync groups.
        type: list
        elements: str
        default: []
  prune:
    description:
      - Take those objects of this owner out of the fleet that are not in the document. Their data stays.
    type: bool
    default: false
  prune_limit:
    description:
      - How many objects O(prune=true) may take out. More than max(5, 20 % of the owner's objects) is refused unless
        this says a higher number.
    type: int
  adopt:
    description:
      - Take over objects of other owners whose content differs.
    type: bool
    default: false
  create_only:
    description:
      - Fail where an object of the document exists already.
    type: bool
    default: false
  if_match:
    description:
      - Apply only while desired state has this tag, which an earlier plan returned as RV(etag). That is how exactly
        what was reviewed is applied.
    type: str
extends_documentation_fragment:
  - zfs_sync.fleet.witness
  - zfs_sync.fleet.attributes.witness
  - zfs_sync.fleet.attributes.writer
seealso:
  - module: zfs_sync.fleet.zfs_sync_system
  - module: zfs_sync.fleet.zfs_sync_sync_group
"""

EXAMPLES = r"""
- name: Apply the version-controlled fleet
  zfs_sync.fleet.zfs_sync_fleet:
    witness_url: https://witness.example.org:8462
    witness_token_file: /etc/zfs-sync/operator.key
    witness_ca_path: /etc/zfs-sync/ca.crt
    fleet: "{{ lookup('ansible.builtin.file', 'fleet.yml') | ansible.builtin.from_yaml }}"
    prune: true
  delegate_to: localhost
  run_once: true
"""

RETURN = r"""
changes:
  description: One entry per object that the request speaks of.
  returned: success
  type: list
  elements: dict
  sample: [{"kind": "system", "name": "nas1", "action": "created", "before": null, "after": {}, "fields": []}]
  contains:
    kind:
      description: V(system) or V(sync_group).
      type: str
      returned: success
    name:
      description: The object's name.
      type: str
      returned: success
    action:
      description: One of V(created), V(updated), V(deleted), V(unchanged).
      type: str
      returned: success
    before:
      description: The object before, normalised; V(null) where there was none.
      type: dict
      returned: where the object changes
    after:
      description: The object after, normalised; V(null) where there is none.
      type: dict
      returned: where the object changes
    fields:
      description: The fields that differ.
      type: list
      elements: str
      returned: success
summary:
  description: How many objects were taken how.
  returned: success
  type: dict
  sample: {"created": 3, "updated": 0, "deleted": 0, "unchanged": 1}
etag:
  description: The tag of desired state, for O(if_match).
  returned: success
  type: str
  sample: '"3f9c-12"'
code:
  description: The code of the error in the catalogue.
  returned: failure
  type: str
  sample: E_PRUNE_TOO_MUCH
hint:
  description: What to do about the error.
  returned: failure
  type: str
  sample: Give prune_limit.
errors:
  description: Each fault of the document with its JSON pointer, all of them at once.
  returned: failure
  type: list
  elements: dict
  sample: [{"pointer": "/fleet/systems/nas1/sssh", "message": "unknown field"}]
request_id:
  description: The id of the request in the witness's log.
  returned: failure
  type: str
  sample: 4b1c
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.zfs_sync.fleet.plugins.module_utils._desired import (
    DEFAULT_OWNER,
    concise,
    converge,
    result_of,
)
from ansible_collections.zfs_sync.fleet.plugins.module_utils._frame import run
from ansible_collections.zfs_sync.fleet.plugins.module_utils._options import witness_options


def fleet_options():
    """The argument specification but for the connection."""
    return {
        "fleet": {"type": "dict", "required": True},
        "owner": {"type": "str", "default": DEFAULT_OWNER},
        "delete": {
            "type": "dict",
            "options": {
                "systems": {"type": "list", "elements": "str", "default": []},
                "sync_groups": {"type": "list", "elements": "str", "default": []},
            },
        },
        "prune": {"type": "bool", "default": False},
        "prune_limit": {"type": "int"},
        "adopt": {"type": "bool", "default": False},
        "create_only": {"type": "bool", "default": False},
        "if_match": {"type": "str"},
    }


def request_of(params):
    """The body of plan and apply."""
    request = {name: params[name] for name in ("prune", "adopt", "create_only")}
    request["fleet"] = dict(params["fleet"])
    if request["fleet"].get("owner") is None:
        request["fleet"]["owner"] = params["owner"]
    if params["delete"]:
        request["delete"] = params["delete"]
    if params["prune_limit"] is not None:
        request["prune_limit"] = params["prune_limit"]
    return request


def ensure_fleet(module, client):
    answer = converge(client, request_of(module.params), module.check_mode, module.params["if_match"])
    changes = [concise(each) for each in answer["changes"]]
    return dict(result_of(module, answer), changes=changes, summary=answer["summary"])


def main():
    module = AnsibleModule(argument_spec=dict(witness_options(), **fleet_options()), supports_check_mode=True)
    run(module, ensure_fleet)


if __name__ == "__main__":
    main()
