# -*- coding: utf-8 -*-
# Copyright: (c) 2026, The ZFS Sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The frame of the modules that speak to the witness. Private to this collection: no stable interface."""

from __future__ import annotations

from ansible_collections.zfs_sync.fleet.plugins.module_utils._client import WitnessError
from ansible_collections.zfs_sync.fleet.plugins.module_utils._options import witness_client


def run(module, body):
    """Leave the module with what ``body(module, client)`` returns. The one place where an error becomes a failure."""
    try:
        client = witness_client(module)
        try:
            result = body(module, client)
        finally:
            client.close()
    except WitnessError as error:
        fail(module, error)
    else:
        module.exit_json(**result)


def fail(module, error, **extra):
    """Leave the module with what the witness, or the way to it, had to say."""
    module.fail_json(
        msg=error.sentence(),
        code=error.code,
        hint=error.hint,
        errors=error.errors,
        request_id=error.request_id,
        **extra,
    )
