# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Keys that agents make for themselves: what the witness is shown of them, checked before it is stored."""

import re

from sqlalchemy import Connection, select

from zfs_sync.core.errors import Fault, ZfsSyncError, pointer
from zfs_sync.witness.db.desired import api_keys

_LOOKUP = re.compile(r"[a-z2-7]{8}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


def check_token(connection: Connection, lookup: str, sha256: str) -> None:
    """Raise E_VALIDATION for a key that could never be looked up, or would be taken for another one."""
    faults = []
    if not _LOOKUP.fullmatch(lookup):
        faults.append(Fault(pointer("token_lookup"), "this is not the lookup part of a key"))
    elif connection.execute(select(api_keys.c.id).where(api_keys.c.id == lookup)).scalar() is not None:
        faults.append(Fault(pointer("token_lookup"), "another key has this lookup part: make a new key"))
    if not _SHA256.fullmatch(sha256):
        faults.append(Fault(pointer("token_sha256"), "this is not a SHA-256 in lower-case hexadecimal"))
    if faults:
        raise ZfsSyncError("E_VALIDATION", "The key has faults.", faults=faults)
