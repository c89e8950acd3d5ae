# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Who speaks: the owner of an API key, the host's administrator at the command line, or the witness itself."""

from dataclasses import dataclass

from zfs_sync.core.errors import ZfsSyncError

_RANK = {"viewer": 1, "operator": 2, "admin": 3}


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody with a role. ``system`` is set for agent and enrol keys: the only one they may speak for."""

    key_id: str | None
    role: str
    system: str | None
    name: str

    def may(self, role: str) -> bool:
        """Whether this principal's role covers ``role``: admin, operator and viewer include each other downwards."""
        if role in _RANK and self.role in _RANK:
            return _RANK[self.role] >= _RANK[role]
        return role == self.role

    def check_own(self, system: str) -> None:
        """Raise E_FORBIDDEN unless ``system`` is the one that this agent or enrol key is bound to."""
        if self.system != system:
            raise ZfsSyncError("E_FORBIDDEN", f"The key '{self.name}' speaks for another system than '{system}'.")


COMMAND_LINE = Principal(None, "admin", None, "zfs-sync-witness")
"""Who runs zfs-sync-witness on the host may read and write the database anyway."""
WITNESS = Principal(None, "witness", None, "witness")
"""The witness by itself: expired leases, queued jobs."""
