# -*- coding: utf-8 -*-
# Copyright: (c) 2026, The ZFS Sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the options that name the witness. Private to this collection: no stable interface."""

from __future__ import annotations


class ModuleDocFragment(object):
    DOCUMENTATION = r"""
options:
  witness_url:
    description:
      - The address of the witness, such as V(https://witness.example.org:8462).
      - There is no default. Without it the module fails.
      - The environment variable E(ZFS_SYNC_WITNESS_URL) of the host where the module runs is used where the option is
        not set.
    type: str
  witness_token:
    description:
      - The API key to use. It is shown nowhere.
      - Wins over O(witness_token_file). The environment variable E(ZFS_SYNC_WITNESS_TOKEN) is used where neither is
        set.
    type: str
  witness_token_file:
    description:
      - A file that holds the API key, on the host where the module runs.
      - The environment variable E(ZFS_SYNC_WITNESS_TOKEN_FILE) is used where no option and no E(ZFS_SYNC_WITNESS_TOKEN)
        is set.
    type: path
  witness_ca_path:
    description:
      - The certificate of the CA that signed the witness's, in PEM, on the host where the module runs. It is the only
        one trusted.
      - Where it is not set, the host's own CAs count. TLS is always verified.
      - The environment variable E(ZFS_SYNC_WITNESS_CA_PATH) is used where the option is not set.
    type: path
  witness_timeout:
    description:
      - How many seconds to wait for the witness to take a connection or to answer.
      - The environment variable E(ZFS_SYNC_WITNESS_TIMEOUT) is used where the option is not set.
    type: int
    default: 30
notes:
  - Set the connection options once for all modules with C(module_defaults) of the group C(zfs_sync.fleet.witness).
  - The module needs nothing but Python on the host where it runs. Run it where the witness can be reached, often with
    C(delegate_to) V(localhost).
"""
