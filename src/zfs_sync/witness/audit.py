# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The audit: one row per change, written in the transaction of the change, so that neither is without the other."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert

from zfs_sync.witness import request_id
from zfs_sync.witness.db.desired import audit, audit_systems
from zfs_sync.witness.principal import Principal


def record(
    connection: Connection,
    principal: Principal,
    event: str,
    object_kind: str,
    object_name: str,
    detail: Mapping[str, Any],
    at: datetime,
    systems: Iterable[str] = (),
) -> None:
    """Note that ``principal`` did ``event`` to an object, which touches ``systems``. ``detail`` must hold no secret.

    An object that is a system touches itself.
    """
    row = {
        "at": at,
        "actor": principal.name,
        "actor_role": principal.role,
        "key_id": principal.key_id,
        "request_id": request_id.current.get(),
        "event": event,
        "object_kind": object_kind,
        "object_name": object_name,
        "detail": dict(detail),
    }
    (number,) = connection.execute(insert(audit), row).inserted_primary_key or (None,)
    touched = {*systems, *([object_name] if object_kind == "system" else ())}
    if touched:
        rows = [{"system": system, "audit": number} for system in sorted(touched)]
        connection.execute(insert(audit_systems), rows)
