# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Tells the witness what is on this host: in full at first and when it asks, then only what changed."""

import logging
import platform
import secrets
import socket
import threading
from collections.abc import Callable
from typing import Literal

from zfs_sync import __version__
from zfs_sync.agent import inventory
from zfs_sync.agent.allow import AllowList
from zfs_sync.agent.inventory import Inventory
from zfs_sync.agent.storage import Storage
from zfs_sync.api import PROTOCOL
from zfs_sync.api.reports import AllowedSubtree, DatasetReport, Heartbeat, HostReport, Report
from zfs_sync.client.witness import WitnessClient
from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.engine.wire import wire_capabilities

LOG = logging.getLogger(__name__)
MOST_SNAPSHOTS = 5_000
FEWEST_SNAPSHOTS = 50
TOO_LARGE = frozenset({"E_REPORT_TOO_LARGE", "E_BODY_TOO_LARGE"})
LOST_THREAD = frozenset({"E_REPORT_BASE_UNKNOWN", "E_REPORT_OUT_OF_ORDER"})


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
    ) -> None:
        self._client, self._storage = client, storage
        self._system, self._installation, self._allow, self._running = system, installation, allow, running
        self._renew = renew
        self._boot = secrets.token_hex(6)
        self._count = 0
        self._most = MOST_SNAPSHOTS
        self._inventory = Inventory()
        self._generation: str | None = None
        self._scanning = threading.Lock()

    @property
    def datasets(self) -> int:
        """How many datasets the last scan found."""
        return len(self._inventory.datasets)

    def scan(self) -> bool:
        """Look, and report what changed; whether anything was sent. Raises what ZFS or the witness said."""
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
            try:
                self._send("delta", now, list(change.datasets), list(change.gone))
            except ZfsSyncError as error:
                if error.code not in LOST_THREAD | TOO_LARGE:
                    raise
                self._narrow(error)
                return self._full(now)
            return True

    def heartbeat(self) -> bool:
        """Say that this host lives; whether the witness asks for a full report."""
        heartbeat = Heartbeat(
            protocol=PROTOCOL,
            installation=self._installation,
            generation=self._generation,
            agent_version=__version__,
            running=self._running(),
        )
        answer = self._client.heartbeat(self._system, heartbeat)
        if answer.key == "renew":
            self._renew()
        wanted = answer.report == "send_full"
        if wanted and self._scanning.acquire(blocking=False):  # a scan under way is answered for itself
            self._generation = None
            self._scanning.release()
        return wanted

    def _full(self, now: Inventory) -> bool:
        datasets = [now.report(each) for each in now.datasets.values()]
        self._generation = None
        while True:
            try:
                self._send("full", now, datasets, [])
            except ZfsSyncError as error:
                if error.code not in TOO_LARGE or self._most <= FEWEST_SNAPSHOTS:
                    raise
                self._narrow(error)
            else:
                return True

    def _narrow(self, error: ZfsSyncError) -> None:
        if error.code in TOO_LARGE:
            self._most = max(FEWEST_SNAPSHOTS, self._most // 4)

    def _send(
        self, kind: Literal["full", "delta"], now: Inventory, datasets: list[DatasetReport], gone: list[str]
    ) -> None:
        self._count += 1
        generation = f"{self._boot}-{self._count}"
        parts = list(inventory.chunks(datasets, self._most))
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
        LOG.info("%s report sent: %d datasets, %d gone", kind, len(datasets), len(gone))

    def _host(self) -> HostReport:
        capabilities = wire_capabilities(self._storage.engine().zfs.capabilities)
        allow = [AllowedSubtree(dataset=each.dataset, operations=list(each.operations)) for each in self._allow.rules]
        return HostReport(platform=_platform(), hostname=socket.gethostname(), capabilities=capabilities, allow=allow)


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
