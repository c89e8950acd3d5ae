# -*- coding: utf-8 -*-
# Copyright: (c) 2026, The ZFS Sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a module finds and addresses its witness. Private to this collection: no stable interface.

Each option comes from its argument, else from the environment of the host where the module runs. There is no default
address: a module that guessed one would quietly talk to the wrong fleet.
"""

from __future__ import annotations

import os

from ansible.module_utils.basic import env_fallback
from ansible_collections.zfs_sync.fleet.plugins.module_utils._client import WitnessClient, WitnessError

# The token's two options are bound late and in this order, since an argument must win over the environment and
# env_fallback, which fills them in before they are compared, could not tell which is which.
KEY_VARIABLE = "ZFS_SYNC_WITNESS_TOKEN"
KEY_FILE_VARIABLE = "ZFS_SYNC_WITNESS_TOKEN_FILE"


def witness_options():
    """The argument specification of the connection options."""
    return {
        "witness_url": {"type": "str", "fallback": (env_fallback, ["ZFS_SYNC_WITNESS_URL"])},
        "witness_token": {"type": "str", "no_log": True},
        "witness_token_file": {"type": "path", "no_log": False},
        "witness_ca_path": {"type": "path", "fallback": (env_fallback, ["ZFS_SYNC_WITNESS_CA_PATH"])},
        "witness_timeout": {"type": "int", "default": 30, "fallback": (env_fallback, ["ZFS_SYNC_WITNESS_TIMEOUT"])},
    }


def witness_client(module):
    """The client that the module's options describe. Raises WitnessError where they are incomplete."""
    url = module.params["witness_url"]
    if not url:
        raise WitnessError(
            "E_CONFIG",
            "no witness is given",
            "Set witness_url, the environment variable ZFS_SYNC_WITNESS_URL, "
            "or module_defaults of the group zfs_sync.fleet.witness.",
        )
    client = WitnessClient(url, _token(module), module.params["witness_ca_path"], module.params["witness_timeout"])
    if client.plain_beyond_loopback:
        module.warn("%s is plain HTTP: the token and the fleet travel unencrypted" % client.url)
    return client


def _token(module):
    token = _given_token(module)
    if not token:
        raise WitnessError(
            "E_CONFIG",
            "no key for the witness is given",
            "Set witness_token or witness_token_file, or the environment variables %s or %s."
            % (KEY_VARIABLE, KEY_FILE_VARIABLE),
        )
    module.no_log_values.add(token)
    if not (token.isascii() and token.isprintable() and " " not in token):
        raise WitnessError(
            "E_KEY_MALFORMED",
            "the key for the witness holds characters that no key has",
            "Give the key as the witness showed it, zs_..., on one line.",
        )
    return token


def _given_token(module):
    if module.params["witness_token"]:
        return module.params["witness_token"].strip()
    if module.params["witness_token_file"]:
        return _read(module.params["witness_token_file"])
    if os.environ.get(KEY_VARIABLE):
        return os.environ[KEY_VARIABLE].strip()
    if os.environ.get(KEY_FILE_VARIABLE):
        return _read(os.environ[KEY_FILE_VARIABLE])
    return None


def _read(path):
    try:
        with open(os.path.expanduser(path), encoding="ascii") as stream:
            return stream.read().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise WitnessError(
            "E_CONFIG",
            "cannot read the key for the witness from %s: %s" % (path, getattr(error, "strerror", None) or "not text"),
            "Give witness_token_file a file on the host where the module runs, readable by its user.",
        ) from error
