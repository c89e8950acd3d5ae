#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright: (c) 2026, The ZFS Sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent on this host, by its own installer."""

from __future__ import annotations

DOCUMENTATION = r"""
module: zfs_sync_agent
short_description: Install, configure or remove the agent on a ZFS host
version_added: 0.1.0
description:
  - Brings the agent that this collection carries, one file, onto a ZFS host, with its user, folders, service,
    configuration and SSH key; or removes it.
  - All of that is done by the installer in the file itself, the same that a person with a shell calls. The file is
    transferred only where the host does not have it.
  - An action plugin runs on the controller to that end, so the task cannot be asynchronous.
author:
  - The ZFS Sync authors (@zfs-sync)
requirements:
  - Python 3.11 or later on the host, for the agent
options:
  state:
    description:
      - V(present) installs, upgrades and configures, V(absent) removes. No dataset is touched either way.
    type: str
    choices: [present, absent]
    default: present
  config:
    description:
      - The content of C(/etc/zfs-sync/agent.conf), which says the host's C(system), its C(witness) and the list
        C(allow).
        All of it, so that what is left out gets its default.
      - Where it is not given, the configuration stays as it is.
    type: dict
  ca_certificate:
    description:
      - The certificate of the CA that signed the witness's, in PEM. It is put beside the configuration.
    type: str
  enrol_key:
    description:
      - A single-use key with which the host enrols. A host whose own key the witness takes does not store it.
      - Where the witness refuses the host's own key, that is put away, and the host enrols anew with this one.
    type: str
  reenrol:
    description:
      - Put the host's own key away whatever the witness says of it, and enrol anew with O(enrol_key).
      - In check mode that is foreseen without O(enrol_key) too.
    type: bool
    default: false
  start:
    description:
      - Whether to enable and start the service.
    type: bool
    default: true
  purge:
    description:
      - With O(state=absent), remove configuration, keys and state too.
    type: bool
    default: false
  python:
    description:
      - The interpreter that runs the agent. By default V(/usr/bin/python3), or else the newest C(python3.N), from 3.11
        on.
    type: path
  package_path:
    description:
      - The agent's file on the controller, in place of the collection's own.
    type: path
  package:
    description:
      - The agent's file on the host. The action plugin sets it.
    type: path
  package_digest:
    description:
      - The SHA-256 of what the file archives. The action plugin sets it.
    type: str
extends_documentation_fragment:
  - zfs_sync.fleet.attributes
attributes:
  check_mode:
    support: full
    details:
      - The installer says what it would do. The agent's file may be transferred to a temporary folder for that.
  diff_mode:
    support: full
    details:
      - Keys are not shown.
  idempotent:
    support: full
  platform:
    description: The systems that the module runs on.
    support: full
    platforms: linux
"""

EXAMPLES = r"""
- name: The agent, allowed to send one dataset and what is below
  zfs_sync.fleet.zfs_sync_agent:
    config:
      system: nas1
      witness:
        url: https://witness.example.org:8462
      allow:
        - dataset: tank/photos
          operations: [send]
    ca_certificate: "{{ lookup('ansible.builtin.file', 'ca.crt') }}"
    enrol_key: "{{ nas1_enrol_key }}"

- name: Remove it with all that it left
  zfs_sync.fleet.zfs_sync_agent:
    state: absent
    purge: true
"""

RETURN = r"""
actions:
  description: What was done, or would be done in check mode, each as a sentence.
  returned: success
  type: list
  elements: str
  sample: [write /etc/zfs-sync/agent.conf]
version:
  description: The version of the agent.
  returned: O(state=present)
  type: str
  sample: 0.1.0
system:
  description: The host's name in the fleet.
  returned: O(state=present)
  type: str
  sample: nas1
enrolled:
  description: Whether this host has a key that the witness has not refused. See RV(enrolment).
  returned: O(state=present)
  type: bool
  sample: true
enrolment:
  description: What the witness makes of this host's key, asked with that key.
  returned: O(state=present)
  type: dict
  contains:
    state:
      description:
        - V(enrolled), or V(refused).
        - V(none) where the host has no key, V(pending) where it waits for approval, V(unknown) where the witness could
          not be asked.
      type: str
      sample: enrolled
    code:
      description: The code of the error where it is refused or unknown.
      type: str
      sample: null
    message:
      description: What the witness said then.
      type: str
      sample: null
    hint:
      description: What to do about it.
      type: str
      sample: null
running:
  description: Whether the service runs.
  returned: O(state=present)
  type: bool
  sample: true
public_key:
  description: The host's public SSH key, for its peers; V(null) where it has none yet.
  returned: O(state=present)
  type: str
  sample: ssh-ed25519 AAAA...
host_keys:
  description: The host's SSH host keys.
  returned: O(state=present)
  type: list
  elements: str
  sample: [ssh-ed25519 AAAA...]
code:
  description: The code of the error in the catalogue.
  returned: failure
  type: str
  sample: E_CONFIG
hint:
  description: What to do about the error.
  returned: failure
  type: str
  sample: Correct the lines that are named.
errors:
  description: Each fault with its place.
  returned: failure
  type: list
  elements: dict
  sample: [{"pointer": "/config/systm", "message": "this key is not known; did you mean 'system'?"}]
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.zfs_sync.fleet.plugins.module_utils._agent import Installer, agent_options
from ansible_collections.zfs_sync.fleet.plugins.module_utils._client import WitnessError
from ansible_collections.zfs_sync.fleet.plugins.module_utils._frame import fail


def ensure_agent(module):
    installer = Installer(module)
    if not installer.package:
        return {"changed": False, "package_needed": True}
    answer = installer.run()
    for warning in answer.pop("warnings"):
        module.warn(warning)
    difference = answer.pop("diff")
    if module._diff:
        answer["diff"] = [
            {"before_header": each["path"], "after_header": each["path"], **{k: each[k] for k in ("before", "after")}}
            for each in difference
        ]
    del answer["check"]
    return answer


def main():
    module = AnsibleModule(argument_spec=agent_options(), supports_check_mode=True)
    try:
        result = ensure_agent(module)
    except WitnessError as error:
        fail(module, error)
    else:
        module.exit_json(**result)


if __name__ == "__main__":
    main()
