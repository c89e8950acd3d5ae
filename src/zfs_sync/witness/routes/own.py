# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""An agent speaks for its own system, by the name that its configuration has: the system may have been renamed."""

from zfs_sync.witness.context import Witness
from zfs_sync.witness.principal import Principal
from zfs_sync.witness.services import former_names


def own_name(witness: Witness, principal: Principal, name: str) -> str:
    """What the system that is or was called ``name`` is called now. Raises E_FORBIDDEN unless it is the principal's."""
    if principal.system == name:
        return name
    current = witness.database.read(lambda connection: former_names.current(connection, "system", name))
    principal.check_own(current)
    return current
