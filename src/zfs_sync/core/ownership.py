# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Which existing datasets an edge may receive into (docs/adr/0001 and 0007).

A target carries the mark of its group. A group that was renamed is known by its former names until its targets carry
the new one. A peer, and a former source that became a target, need no mark: being strictly behind is what admits them,
for then nothing on them is newer than what both sides have.
"""

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ownership:
    """What admits a dataset besides its group's own mark."""

    formerly: frozenset[str] = frozenset()
    """Names that the group had."""
    peers: bool = False
    """Both ends are peers."""
    takeover: bool = False
    """The target was the group's source before roles were changed."""

    @classmethod
    def of(cls, formerly: Collection[str], *, peers: bool, takeover: bool) -> "Ownership":
        """From what a database row or the wire says."""
        return cls(frozenset(formerly), peers, takeover)

    def admits(self, group: str, marker: str | None) -> bool:
        """Whether a dataset with this mark may be received into. A mark of another group never is."""
        if marker is None:
            return self.peers or self.takeover
        return marker == group or marker in self.formerly


MARKED = Ownership()
"""An ordinary target."""
