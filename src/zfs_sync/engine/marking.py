# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Making a received dataset a target of ours: read-only, not mounted by itself, and marked with its sync group.

Where ``zfs receive -o`` works this is part of the receive. Elsewhere it follows, and an agent that dies in between
would leave a dataset that looks like somebody else's. So an intent is on disk before the first receive of a dataset,
and whoever finds it later finishes what it says.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.core.properties import DEFAULTS, for_dataset
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
    properties: Mapping[str, str] = field(default_factory=lambda: DEFAULTS)


def target_properties(
    group: str, kind: str, properties: Mapping[str, str] = DEFAULTS, *, peer: bool = False
) -> Mapping[str, str]:
    """What a target has locally, the marker last: a dataset that has it has the others.

    What is set on every new target comes first: it is set also where a property that follows is refused. A peer is left
    writable: who writes is for people to say. It is not mounted by itself either.
    """
    ordered = {name: properties[name] for name in (*DEFAULTS, *sorted(properties)) if name in properties}
    if peer:
        ordered.pop("readonly", None)
    return {**for_dataset(ordered, kind), MARKER: group}


class Targets:
    """Marks targets, and remembers which first receives are not finished."""

    def __init__(self, zfs: Zfs, folder: Path) -> None:
        """``folder`` is the agent's state directory."""
        self._zfs = zfs
        self._state = folder
        self._folder = folder / "receiving"

    def intend(self, intent: Intent) -> None:
        """Remember a first receive before it begins."""
        words = {"to_guid": str(intent.to_guid), "peer": intent.peer, "properties": dict(intent.properties)}
        state.write(self._path(intent.dataset), {"dataset": intent.dataset, "group": intent.group, **words})

    def forget(self, dataset: str) -> None:
        """The target is marked, or was not made."""
        state.forget(self._path(dataset))

    def unfinished(self) -> frozenset[str]:
        """The datasets whose first receive has begun and not ended: a report leaves them out.

        zfs-fuse shows them, empty and unmarked, while they are received.
        """
        return frozenset(each.dataset for each in self._intents())

    def mark(
        self,
        dataset: Dataset,
        group: str,
        properties: Mapping[str, str] = DEFAULTS,
        *,
        peer: bool = False,
        given: bool = False,
    ) -> None:
        """Set what is not set, and unmount where the receive could not be kept from mounting.

        A dataset that was ``given``, not made by a receive of ours, keeps everything else as its owner set it.
        """
        wanted = {MARKER: group} if given else target_properties(group, dataset.kind, properties, peer=peer)
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
                self._set(dataset.path, name, value)
        self.forget(dataset.path)

    def _set(self, path: str, name: str, value: str) -> None:
        try:
            self._zfs.set_property(path, name, value)
        except ZfsSyncError as error:
            if error.code != "E_ZFS_FAILED" or name in DEFAULTS or name == MARKER:
                raise
            raise ZfsSyncError("E_PROPERTY_REFUSED", f"{path} does not take {name}={value}: {error.message}") from error

    def remark(self, dataset: Dataset, group: str) -> None:
        """Give a marked target the new name of its group, under its lock. Raises E_TARGET_LOCKED."""
        with target_lock(self._state, dataset.path):
            self._zfs.set_property(dataset.path, MARKER, group)

    def heal_all(self) -> list[str]:
        """Finish what earlier runs left; the datasets that were marked. For the agent's start.

        What cannot be finished (a property that this platform does not know) is left for the next job, which says why.
        """
        healed = []
        for intent in self._intents():
            try:
                with target_lock(self._state, intent.dataset):
                    found = self.heal(intent.dataset)
            except ZfsSyncError as error:
                if error.code not in ("E_TARGET_LOCKED", "E_PROPERTY_REFUSED"):
                    raise
                continue  # that receive still runs, or zfs refuses; the next job heals what it leaves
            if found is Healed.MARKED:
                healed.append(intent.dataset)
        return healed

    def heal(self, dataset: str, properties: Mapping[str, str] | None = None) -> Healed:
        """Finish one, under its lock, with these properties; without, with those that were meant when it began."""
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
        wanted = intent.properties if properties is None else properties
        self.mark(found, intent.group, wanted, peer=intent.peer)
        return Healed.MARKED

    def _intents(self) -> list[Intent]:
        return [_intent(record) for record in state.read_all(self._folder)]

    def _path(self, dataset: str) -> Path:
        return self._folder / f"{state.file_key(dataset)}.json"


def _intent(record: Record) -> Intent:
    properties = record.get("properties", DEFAULTS)
    if not isinstance(properties, Mapping):
        raise TypeError("a record of a first receive has no properties")
    return Intent(
        str(record["dataset"]),
        str(record["group"]),
        int(str(record["to_guid"])),
        bool(record.get("peer", False)),
        properties,
    )
