# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The feeding side of one stream: for a local pair, and for the gate when a peer asks.

A request names snapshots by GUID; their names are looked up at that moment, so that a rename in between does no harm.
"""

import os
import subprocess
import threading
from collections.abc import Collection
from dataclasses import dataclass

from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.core.graph import Snapshot
from zfs_sync.core.planner import TransferStep
from zfs_sync.core.selection import EVERYTHING, Selection
from zfs_sync.engine.continuity import Holds, source_tag
from zfs_sync.engine.fed import Fed
from zfs_sync.engine.processes import Listener, ProcessSource, end, pipe
from zfs_sync.zfs.errors import classify
from zfs_sync.zfs.host import Zfs
from zfs_sync.zfs.listing import Dataset

TICK_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Stream:
    """What to send, along which edge."""

    edge: str
    group: str
    to_system: str
    dataset: str
    base_guid: int | None
    to_guid: int
    alone: bool = False
    """Whether what lies between the two is left out."""
    selection: Selection = EVERYTHING
    """What of the dataset's snapshots the edge may carry."""


class Sending(ProcessSource):
    """A ``zfs send`` that runs; its stream comes out of ``process.stdout`` unless it was given a descriptor."""

    def __init__(self, process: "subprocess.Popen[bytes]", dataset: str) -> None:
        super().__init__(process)
        self.listener = Listener(pipe(process.stderr))
        self._dataset = dataset

    def error(self, status: int | None) -> ZfsSyncError | None:
        """What went wrong, for an exit status; None where nothing did."""
        if status == 0:
            return None
        said = self.listener.text() or ("signal received" if status is None or status < 0 else "")
        return classify(said, self._dataset, verb="send")


class Sender:
    """Sends datasets of this host."""

    def __init__(self, zfs: Zfs, holds: Holds, fed: Fed | None = None) -> None:
        """``fed`` remembers which groups this host has fed; without it nothing is remembered."""
        self._zfs = zfs
        self._holds = holds
        self._fed = fed

    def has_fed(self, dataset: str, groups: Collection[str]) -> bool:
        """Whether the dataset has fed a group, given by all its names."""
        return self._fed is not None and self._fed.knows(dataset, groups)

    def dataset(self, path: str) -> Dataset | None:
        """The dataset as it is now; None where it does not exist."""
        return self._zfs.dataset(path)

    def estimate(self, stream: Stream) -> int | None:
        """About how many bytes; None where the platform cannot tell. Raises what ``start`` raises for the stream."""
        _, base, to = self._resolve(stream)
        return self._zfs.stream_bytes(stream.dataset, base.name if base else None, to.name, alone=stream.alone)

    def start(self, stream: Stream, stdout: int = subprocess.PIPE) -> Sending:
        """Hold both ends of the stream and start it.

        Raises E_SOURCE_GONE, E_ENCRYPTED_SOURCE, E_PERMISSION; E_EDGE_UNKNOWN for what the edge does not carry.
        """
        dataset, base, to = self._resolve(stream)
        needed = [each.guid for each in (base, to) if each]
        if self._fed is not None:
            self._fed.note(stream.dataset, stream.group)
        self._holds.keep(stream.edge, source_tag(stream.group, stream.to_system), dataset.view(), needed)
        process = self._zfs.spawn_send(
            stream.dataset,
            base.name if base else None,
            to.name,
            alone=stream.alone,
            stdout=stdout,
            stderr=subprocess.PIPE,
        )
        return Sending(process, stream.dataset)

    def serve(self, stream: Stream, stdout: int, cancelled: threading.Event) -> None:
        """Send to the descriptor ``stdout``, which is closed here, and wait for the end.

        Raises what went wrong; E_INTERRUPTED when ``cancelled`` was set meanwhile: the peer hung up or the agent stops.
        """
        try:
            os.set_blocking(stdout, True)  # zfs does not expect a short write
            sending = self.start(stream, stdout)
        finally:
            os.close(stdout)
        status = self._wait(sending.process, cancelled)
        if cancelled.is_set() and status != 0:
            raise ZfsSyncError("E_INTERRUPTED", f"The send of {stream.dataset} was ended before its end.")
        if error := sending.error(status):
            raise error

    def _wait(self, process: "subprocess.Popen[bytes]", cancelled: threading.Event) -> int | None:
        while process.poll() is None:
            if cancelled.wait(TICK_SECONDS):
                process.terminate()
                return end(process)
        return process.returncode

    def _resolve(self, stream: Stream) -> tuple[Dataset, Snapshot | None, Snapshot]:
        dataset = self._zfs.dataset(stream.dataset)
        if dataset is None:
            raise ZfsSyncError("E_SOURCE_GONE", f"{stream.dataset} does not exist on this host.")
        if dataset.encryption_root is not None:
            raise ZfsSyncError("E_ENCRYPTED_SOURCE", f"{stream.dataset} is encrypted; it is not sent in clear.")
        base = _find(dataset, stream.base_guid) if stream.base_guid is not None else None
        to = _find(dataset, stream.to_guid)
        _check_carried(dataset, TransferStep(base, to, stream.alone), stream)
        return dataset, base, to


def _find(dataset: Dataset, guid: int) -> Snapshot:
    found = dataset.view().find(guid)
    if found is None:
        raise ZfsSyncError("E_SOURCE_GONE", f"{dataset.path} has no snapshot with GUID {guid} any more.")
    return found


def _check_carried(dataset: Dataset, step: TransferStep, stream: Stream) -> None:
    """Whoever asks: what the group does not take stays here, also where it only lies between two others."""
    for each in step.sent(dataset.view()):
        if not stream.selection.takes(each.name):
            raise ZfsSyncError(
                "E_EDGE_UNKNOWN",
                f"Edge {stream.edge} does not carry {dataset.path}@{each.name}: its group leaves it out.",
            )
