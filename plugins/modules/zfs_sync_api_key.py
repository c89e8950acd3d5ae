#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright: (c) 2026, The ZFS Sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""API keys of the witness."""

from __future__ import annotations

DOCUMENTATION = r"""
module: zfs_sync_api_key
short_description: Manage API keys of the witness
version_added: 0.1.0
description:
  - Makes an API key, rotates it, or takes it away. A key is known by its name; among live keys a name is unique.
  - The token is returned only by the run that made or rotated the key. Give such a task C(no_log=true), since the token
    is part of its result.
author:
  - The ZFS Sync authors (@zfs-sync)
options:
  name:
    description:
      - What the key is for.
    type: str
    required: true
  state:
    description:
      - V(present) makes the key where no live key has its name; V(absent) takes it away.
    type: str
    choices: [present, absent]
    default: present
  role:
    description:
      - What the key may do. Needed with O(state=present). The role of a key never changes.
    type: str
    choices: [admin, operator, viewer, agent, enrol]
  system:
    description:
      - The system that a key of role V(agent) or V(enrol) is bound to. A key of role V(enrol) may be without one.
    type: str
  expires_in:
    description:
      - How long a new key lives, such as V(90d). For ever where it is not given, an hour for a key of role V(enrol).
      - Looked at only where the key is made.
    type: str
  rotate:
    description:
      - Replace the secret of a key that exists. Each such run changes.
      - An agent makes its keys itself, so a key of role V(agent) is not replaced here. Its agent is asked to do it, and
        no token is returned.
    type: bool
    default: false
  overlap:
    description:
      - With O(rotate=true), how long the old key goes on beside the new one, such as V(1h). Not at all by default.
    type: str
  uses:
    description:
      - How many agents a key of role V(enrol) without O(system) lets in, 1 by default.
      - It takes role admin to make such a key. An agent that comes with it under a name that is not declared waits for
        approval.
    type: int
extends_documentation_fragment:
  - zfs_sync.fleet.witness
  - zfs_sync.fleet.attributes
  - zfs_sync.fleet.attributes.witness
attributes:
  check_mode:
    support: full
    details:
      - Reads the keys and writes nothing.
      - A key of role V(operator) may make enrol keys and not see keys. With it a taken name shows only when it is made.
  diff_mode:
    support: full
    details:
      - Shows name, role and system, never a token.
  idempotent:
    support: partial
    details:
      - Not with O(rotate=true).
"""

EXAMPLES = r"""
- name: A key for the pipeline
  zfs_sync.fleet.zfs_sync_api_key:
    witness_url: https://witness.example.org:8462
    witness_token_file: /etc/zfs-sync/admin.key
    witness_ca_path: /etc/zfs-sync/ca.crt
    name: ci
    role: operator
    expires_in: 90d
  no_log: true
  register: ci_key

- name: Take it away
  zfs_sync.fleet.zfs_sync_api_key:
    name: ci
    state: absent
"""

RETURN = r"""
key:
  description: The key without its secret; what it would be, in check mode.
  returned: success and O(state=present)
  type: dict
  sample: {"id": "k3j9x2ab", "name": "ci", "role": "operator", "system": null}
  contains:
    id:
      description: The part of the key that names it; V(null) in check mode where it would be made.
      type: str
      returned: success
    name:
      description: What it is for.
      type: str
      returned: success
    role:
      description: What it may do.
      type: str
      returned: success
    system:
      description: The system that it is bound to.
      type: str
      returned: success
    created:
      description: When it was made.
      type: str
      returned: when it exists
    expires:
      description: When it ends; V(null) where it does not.
      type: str
      returned: when it exists
    superseded_by:
      description: The id of the key that takes its place; V(null) where there is none.
      type: str
      returned: when it exists
    renewal:
      description: Whether its agent is asked for a new key, and has not made one yet.
      type: bool
      returned: when it exists
    uses_left:
      description: How many agents it still lets in; V(null) for a key that is bound to a system.
      type: int
      returned: when it exists
    last_used:
      description: When it was last used.
      type: str
      returned: when it exists
token:
  description: The key itself. Nobody can show it again.
  returned: when the key was made or rotated, and not in check mode
  type: str
code:
  description: The code of the error in the catalogue.
  returned: failure
  type: str
  sample: E_FORBIDDEN
hint:
  description: What to do about the error.
  returned: failure
  type: str
  sample: Use a key with role admin.
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
from ansible_collections.zfs_sync.fleet.plugins.module_utils._client import WitnessError, segment
from ansible_collections.zfs_sync.fleet.plugins.module_utils._frame import run
from ansible_collections.zfs_sync.fleet.plugins.module_utils._options import witness_options

ROUTE = "/api/v1/api-keys"
SHOWN = ("name", "role", "system")


def key_options():
    """The argument specification but for the connection."""
    return {
        "name": {"type": "str", "required": True},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "role": {"type": "str", "choices": ["admin", "operator", "viewer", "agent", "enrol"]},
        "system": {"type": "str"},
        "expires_in": {"type": "str"},
        "rotate": {"type": "bool", "default": False},
        "overlap": {"type": "str"},
        "uses": {"type": "int"},
    }


def ensure_key(module, client):
    params = module.params
    existing = find(client, params)
    if params["state"] == "absent":
        return remove(client, existing, module.check_mode)
    if existing is None:
        return make(client, params, module.check_mode)
    _refuse_other(existing, params)
    if params["rotate"]:
        return rotate(client, existing, params["overlap"], module.check_mode)
    return {"changed": False, "key": existing}


def find(client, params):
    """The live key of this name. Whoever may make enrol keys need not be allowed to see all keys."""
    try:
        return next((each for each in client.pages(ROUTE) if each["name"] == params["name"]), None)
    except WitnessError as error:
        if error.code == "E_FORBIDDEN" and params["role"] == "enrol" and not params["rotate"]:
            return None
        raise


def make(client, params, check_mode):
    wanted = {name: params[name] for name in (*SHOWN, "expires_in", "uses") if params[name] is not None}
    if check_mode:
        planned = dict({"id": None, "system": None}, **{name: wanted.get(name) for name in SHOWN})
        return {"changed": True, "key": planned, "diff": _diff(None, planned)}
    made = client.post(ROUTE, wanted)
    return _with_token(made, _diff(None, made))


def rotate(client, existing, overlap, check_mode):
    shown = _diff(existing, existing)
    shown = {side: dict(key, rotated=side == "after") for side, key in shown.items()}
    if check_mode:
        return {"changed": True, "key": existing, "diff": shown}
    body = {} if overlap is None else {"overlap": overlap}
    return _with_token(client.post("%s/%s/rotate" % (ROUTE, segment(existing["id"])), body), shown)


def remove(client, existing, check_mode):
    if existing is None:
        return {"changed": False}
    if not check_mode:
        client.delete("%s/%s" % (ROUTE, segment(existing["id"])))
    return {"changed": True, "diff": _diff(existing, None)}


def _with_token(key, difference):
    token = key.pop("token")
    made = {} if token is None else {"token": token}
    return dict({"changed": True, "key": key, "diff": difference}, **made)


def _refuse_other(existing, params):
    other = [name for name in ("role", "system") if params[name] is not None and params[name] != existing[name]]
    if other:
        raise WitnessError(
            "E_ALREADY_EXISTS",
            "a key named %s exists with %s" % (params["name"], ", ".join("%s %s" % (n, existing[n]) for n in other)),
            "Choose another name, or take the key away first with state: absent.",
            status=409,
        )


def _diff(before, after):
    return {"before": _shown(before), "after": _shown(after)}


def _shown(key):
    return "" if key is None else {name: key[name] for name in SHOWN}


def main():
    module = AnsibleModule(
        argument_spec=dict(witness_options(), **key_options()),
        required_if=[("state", "present", ("role",))],
        supports_check_mode=True,
    )
    run(module, ensure_key)


if __name__ == "__main__":
    main()
