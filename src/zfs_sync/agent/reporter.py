# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Tells the witness what is on this host: in full at first and when it asks, then only what changed."""

import logging
import platform
import secrets
import socket
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from zfs_sync import __version__
from zfs_sync.agent import inventory
from zfs_sync.agent.allow import AllowList
from zfs_sync.agent.inventory import Delta, Inventory
from zfs_sync.agent.storage import Storage
from zfs_sync.api import PROTOCOL
from zfs_sync.api.reports import AllowedSubtree, DatasetReport, Heartbeat, HostReport, Report, Trouble
from zfs_sync.client.witness import WitnessClient
from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.engine import state
from zfs_sync.engine.wire import wire_capabilities

LOG = logging.getLogger(__name__)
MOST_SNAPSHOTS = 5_000
FEWEST_SNAPSHOTS = 50
LONGEST_TROUBLE = 1_000
REFUSED_SECONDS = 600.0
"""How long a host that is over the witness's limits waits before it sends everything once more."""
LOST_THREAD = frozenset({"E_REPORT_BASE_UNKNOWN", "E_REPORT_OUT_OF_ORDER"})


@dataclass(frozen=True, slots=True)
class Refused:
    """A full report that was more than the witness takes from one host."""

    size: int
    until: float
    error: ZfsSyncError


class Reporter:
    """Scans and reports; one scan at a time."""

    def __init__(
        self,
        client: WitnessClient,
        storage: Storage,
        *,
        system: str,
        installation: str,
        allow: AllowList,
        running: Callable[[], list[str]],
        renew: Callable[[], None] = lambda: None,
        folder: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``folder`` is the agent's state directory: the doctor reads there why reports do not come."""
        self._client, self._storage = client, storage
        self._system, self._installation, self._allow, self._running = system, installation, allow, running
        self._renew = renew
        self._boot = secrets.token_hex(6)
        self._count = 0
        self._most = MOST_SNAPSHOTS
        self._inventory = Inventory()
        self._generation: str | None = None
        self._folder, self._clock = folder, clock
        self._refused: Refused | None = None
        self._trouble: ZfsSyncError | None = None
        self._scanning = threading.Lock()

    @property
    def datasets(self) -> int:
        """How many datasets the last scan found."""
        return len(self._inventory.datasets)

    @property
    def trouble(self) -> ZfsSyncError | None:
        """Why the last report did not come; None where it did, or nothing had to be said."""
        return self._trouble

    def scan(self) -> bool:
        """Look, and report what changed; whether anything was sent. Raises what ZFS or the witness said."""
        try:
            sent = self._scan()
        except ZfsSyncError as error:
            self._note(error)
            raise
        self._note(None)
        return sent

    def _note(self, trouble: ZfsSyncError | None) -> None:
        """Keep it, for the heartbeat and for the doctor; a full disk is trouble of its own."""
        if self._folder and (trouble is None or not trouble.code.startswith("E_WITNESS_")):
            with suppress(OSError):
                remember(self._folder, trouble)
        self._trouble = trouble

    def _scan(self) -> bool:
        with self._scanning:
            engine = self._storage.engine()
            now = inventory.take(engine.zfs, engine.receiver, self._allow.roots, self._inventory)
            if self._generation is None:
                return self._full(now)
            change = inventory.delta(self._inventory, now)
            if change is None:
                return self._full(now)
            if not change.datasets and not change.gone and now.pools == self._inventory.pools:
                return False
            return self._delta(now, change)

    def heartbeat(self) -> bool:
        """Say that this host lives; whether the witness asks for a full report."""
        heartbeat = Heartbeat(
            protocol=PROTOCOL,
            installation=self._installation,
            generation=self._generation,
            agent_version=__version__,
            running=self._running(),
            trouble=_told(self._trouble),
        )
        answer = self._client.heartbeat(self._system, heartbeat)
        if answer.key == "renew":
            self._renew()
        wanted = answer.report == "send_full"
        if wanted and self._scanning.acquire(blocking=False):  # a scan under way is answered for itself
            self._generation = None
            self._scanning.release()
        return wanted

    def _delta(self, now: Inventory, change: Delta) -> bool:
        """What changed; as a full report where it is too much for one part, or the witness has lost the thread."""
        parts = list(inventory.chunks(change.datasets, self._most))
        if len(parts) > 1:
            return self._full(now)
        try:
            self._send("delta", now, parts, list(change.gone))
        except ZfsSyncError as error:
            if error.code not in LOST_THREAD | {"E_BODY_TOO_LARGE"}:
                raise
            self._narrow(error)
            return self._full(now)
        return True

    def _full(self, now: Inventory) -> bool:
        """Everything, in ever smaller parts until the witness takes them; not again at once where it is too much."""
        self._generation = None
        if self._refused and now.size >= self._refused.size and self._clock() < self._refused.until:
            raise self._refused.error
        datasets = [now.report(each) for each in now.datasets.values()]
        while True:
            try:
                self._send("full", now, list(inventory.chunks(datasets, self._most)), [])
            except ZfsSyncError as error:
                if error.code == "E_REPORT_TOO_LARGE":
                    self._refused = Refused(now.size, self._clock() + REFUSED_SECONDS, error)
                if error.code != "E_BODY_TOO_LARGE" or self._most <= FEWEST_SNAPSHOTS:
                    raise
                self._narrow(error)
            else:
                self._refused = None
                return True

    def _narrow(self, error: ZfsSyncError) -> None:
        if error.code == "E_BODY_TOO_LARGE":
            self._most = max(FEWEST_SNAPSHOTS, self._most // 4)

    def _send(
        self, kind: Literal["full", "delta"], now: Inventory, parts: Sequence[list[DatasetReport]], gone: list[str]
    ) -> None:
        self._count += 1
        generation = f"{self._boot}-{self._count}"
        for seq, part in enumerate(parts):
            report = Report(
                protocol=PROTOCOL,
                installation=self._installation,
                generation=generation,
                base_generation=self._generation if kind == "delta" else None,
                kind=kind,
                seq=seq,
                last=seq == len(parts) - 1,
                agent_version=__version__,
                host=self._host(),
                pools=now.pool_reports() if seq == 0 else [],
                datasets=part,
                gone=gone if seq == 0 else [],
            )
            self._client.report(self._system, report)
        self._generation, self._inventory = generation, now
        LOG.info("%s report sent: %d datasets, %d gone", kind, sum(map(len, parts)), len(gone))

    def _host(self) -> HostReport:
        capabilities = wire_capabilities(self._storage.engine().zfs.capabilities)
        allow = [AllowedSubtree(dataset=each.dataset, operations=list(each.operations)) for each in self._allow.rules]
        return HostReport(platform=_platform(), hostname=socket.gethostname(), capabilities=capabilities, allow=allow)


def remember(folder: Path, trouble: ZfsSyncError | None) -> None:
    """Keep what keeps this host from reporting, or that nothing does."""
    path = folder / "trouble.json"
    if trouble is None:
        state.forget(path)
    else:
        state.write(path, {"code": trouble.code, "message": trouble.message, "hint": trouble.hint})


def remembered(folder: Path) -> state.Record | None:
    """Code, message and hint of what keeps this host from reporting; None where nothing does."""
    return state.read(folder / "trouble.json")


def _told(trouble: ZfsSyncError | None) -> Trouble | None:
    return Trouble(code=trouble.code, message=trouble.message[:LONGEST_TROUBLE]) if trouble else None


def _platform() -> Literal["linux", "freebsd", "illumos", "macos"]:
    match platform.system():
        case "FreeBSD":
            return "freebsd"
        case "SunOS":
            return "illumos"
        case "Darwin":
            return "macos"
        case _:
            return "linux"
