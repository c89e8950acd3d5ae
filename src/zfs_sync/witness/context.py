# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""What every part of the witness is given: made once by ``create_app``, found through the request."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from structlog.typing import FilteringBoundLogger

from zfs_sync.witness.clock import Clock
from zfs_sync.witness.db.database import Database
from zfs_sync.witness.last_used import LastUsed
from zfs_sync.witness.notifier import Notifier
from zfs_sync.witness.seats import Seats
from zfs_sync.witness.settings import Settings
from zfs_sync.witness.traffic import Traffic


@dataclass(frozen=True, slots=True)
class Witness:
    """The witness's parts."""

    settings: Settings
    clock: Clock
    database: Database
    notifier: Notifier
    last_used: LastUsed
    traffic: Traffic
    seats: Seats
    log: FilteringBoundLogger


async def witness_of(request: Request) -> Witness:
    """The witness that serves this request. A coroutine, so that FastAPI spends no thread on it."""
    found: Witness = request.app.state.witness
    return found


InWitness = Annotated[Witness, Depends(witness_of)]
"""The type of a handler's parameter that wants the witness."""
