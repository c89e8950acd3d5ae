# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Which sync groups this host has fed, and from which of its datasets.

When roles are changed, a former source is received into without anybody having marked it. The witness says that it was
a source; this is where the host looks up whether that is so.
"""

from collections.abc import Collection
from pathlib import Path

from zfs_sync.engine import state


class Fed:
    """A file per dataset and group, written when a stream of it is first asked for."""

    def __init__(self, folder: Path) -> None:
        """``folder`` is the agent's state directory."""
        self._folder = folder / "fed"

    def note(self, dataset: str, group: str) -> None:
        """Remember that the dataset has fed the group."""
        path = self._path(dataset, group)
        if not path.is_file():
            state.write(path, {"dataset": dataset, "group": group})

    def knows(self, dataset: str, groups: Collection[str]) -> bool:
        """Whether the dataset has fed one of these groups: one group, by all its names."""
        return any(self._path(dataset, group).is_file() for group in groups)

    def _path(self, dataset: str, group: str) -> Path:
        return self._folder / f"{state.file_key(dataset, group)}.json"
