# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Making a received dataset a target of ours: read-only, not mounted by itself, and marked with its sync group.

Where ``zfs receive -o`` works this is part of the receive. Elsewhere it follows, and an agent that dies in between
would leave a dataset that looks like somebody else's. So an intent is on disk before the first receive of a dataset,
and whoever finds it later finishes what it says.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import Enum
from pathlib import Path

from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.engine import state
from zfs_sync.engine.locks import target_lock
from zfs_sync.engine.state import Record
from zfs_sync.zfs.commands import MARKER
from zfs_sync.zfs.host import Zfs
from zfs_sync.zfs.listing import Dataset


class Healed(Enum):
    """What was found of a first receive that an earlier run began."""

    NOTHING = "nothing"
    MARKED = "marked"
    PENDING = "pending"
    """A dataset without snapshots: the receive is still ending, or was somebody else's."""


@dataclass(frozen=True, slots=True)
class Intent:
    """A first receive: into which dataset, for which group, of which snapshot."""

    dataset: str
    group: str
    to_guid: int
    peer: bool = False


def target_properties(group: str, kind: str, *, peer: bool = False) -> Mapping[str, str]:
    """What a target has locally, the marker last: a dataset that has it has the others.

    A peer is left writable: who writes is for people to say. It is not mounted by itself either.
    """
    mounting = {"canmount": "noauto"} if kind == "filesystem" else {}
    protection = {} if peer else {"readonly": "on"}
    return {**protection, **mounting, MARKER: group}


class Targets:
    """Marks targets, and remembers which first receives are not finished."""

    def __init__(self, zfs: Zfs, folder: Path) -> None:
        """``folder`` is the agent's state directory."""
        self._zfs = zfs
        self._state = folder
        self._folder = folder / "receiving"

    def intend(self, intent: Intent) -> None:
        """Remember a first receive before it begins."""
        state.write(self._path(intent.dataset), {**asdict(intent), "to_guid": str(intent.to_guid)})

    def forget(self, dataset: str) -> None:
        """The target is marked, or was not made."""
        state.forget(self._path(dataset))

    def unfinished(self) -> frozenset[str]:
        """The datasets whose first receive has begun and not ended: a report leaves them out.

        zfs-fuse shows them, empty and unmarked, while they are received.
        """
        return frozenset(each.dataset for each in self._intents())

    def mark(self, dataset: Dataset, group: str, *, peer: bool = False, given: bool = False) -> None:
        """Set what is not set, and unmount where the receive could not be kept from mounting.

        A dataset that was ``given``, not made by a receive of ours, keeps everything else as its owner set it.
        """
        wanted = {MARKER: group} if given else target_properties(group, dataset.kind, peer=peer)
        found = self._zfs.properties(dataset.path, [*wanted, "mounted"])
        if (
            not given
            and "u" not in self._zfs.capabilities.receive
            and "mounted" in found
            and found["mounted"].value == "yes"
        ):
            self._zfs.unmount(dataset.path)
        for name, value in wanted.items():
            if name not in found or (found[name].value, found[name].source) != (value, "local"):
                self._zfs.set_property(dataset.path, name, value)
        self.forget(dataset.path)

    def heal_all(self) -> list[str]:
        """Finish what earlier runs left; the datasets that were marked. For the agent's start."""
        healed = []
        for intent in self._intents():
            try:
                with target_lock(self._state, intent.dataset):
                    found = self.heal(intent.dataset)
            except ZfsSyncError as error:
                if error.code != "E_TARGET_LOCKED":
                    raise
                continue  # that receive still runs; the next job heals what it leaves
            if found is Healed.MARKED:
                healed.append(intent.dataset)
        return healed

    def heal(self, dataset: str) -> Healed:
        """Finish one, under its lock."""
        record = state.read(self._path(dataset))
        if record is None:
            return Healed.NOTHING
        intent = _intent(record)
        found = self._zfs.dataset(dataset)
        if found is not None and found.marker is None and not found.snapshots:
            return Healed.PENDING
        if found is None or found.marker or not found.view().has(intent.to_guid):
            self.forget(dataset)
            return Healed.NOTHING
        self.mark(found, intent.group, peer=intent.peer)
        return Healed.MARKED

    def _intents(self) -> list[Intent]:
        return [_intent(record) for record in state.read_all(self._folder)]

    def _path(self, dataset: str) -> Path:
        return self._folder / f"{state.file_key(dataset)}.json"


def _intent(record: Record) -> Intent:
    return Intent(
        str(record["dataset"]), str(record["group"]), int(str(record["to_guid"])), bool(record.get("peer", False))
    )
