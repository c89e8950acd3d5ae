# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Which members of a fleet get into each other's way.

Over all groups: a dataset of a host is fed by one edge at most, and a target lies neither inside nor above a source or
another target of the same host. A member covers its root, and what lies below when its group is recursive. A peer is
received into, so it is held to what holds for targets; what it has may be the source of another group.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import takewhile

from zfs_sync.core.names import parent


@dataclass(frozen=True, slots=True)
class Root:
    """A member's root dataset, with what decides about overlaps. ``index`` is its place in its group."""

    group: str
    index: int
    system: str
    dataset: str
    target: bool
    """Whether it is received into: a target, or a peer."""
    recursive: bool
    peer: bool = False

    @property
    def role(self) -> str:
        """How a sentence calls it."""
        return "peer" if self.peer else "target" if self.target else "source"

    @property
    def title(self) -> str:
        """How a sentence speaks of it."""
        return f"{self.role} {self.system}:{self.dataset} of group '{self.group}'"


@dataclass(frozen=True, slots=True)
class Overlap:
    """Two roots that cannot both be; ``inner`` lies inside ``outer`` or is the same dataset. One is a target."""

    inner: Root
    outer: Root

    @property
    def roots(self) -> tuple[Root, Root]:
        """Both, a target first."""
        return (self.inner, self.outer) if self.inner.target else (self.outer, self.inner)

    def sentence(self, here: Root) -> str:
        """What is wrong, as told at ``here``, which is one of the two."""
        other = self.outer if here == self.inner else self.inner
        if here.dataset != other.dataset:
            place = "inside" if here == self.inner else "above"
            return f"a {here.role} must not lie {place} the {other.title}"
        if here.target and other.target:
            return f"the {other.title} is this dataset: a dataset is fed by one edge at most"
        return f"the {other.title} is this dataset: to pass it on, make one group of both and use 'from'"


def overlaps(roots: Iterable[Root]) -> list[Overlap]:
    """Every pair of roots that overlap, once, in a stable order. Two sources never do."""
    listed = sorted(roots, key=lambda each: (each.system, each.dataset, each.group, each.index))
    places: dict[tuple[str, str], list[Root]] = defaultdict(list)
    for root in listed:
        places[root.system, root.dataset].append(root)
    found: list[Overlap] = []
    for root in listed:
        found += _equal(root, places[root.system, root.dataset])
        for above in _ancestors(root.dataset):
            found += _covered(root, places.get((root.system, above), ()))
    return found


def _ancestors(path: str) -> Iterator[str]:
    above = parent(path)
    while above is not None:
        yield above
        above = parent(above)


def _equal(root: Root, others: Iterable[Root]) -> Iterator[Overlap]:
    """Pairs at one dataset, each found once. In one group such a pair is no overlap but a member named twice."""
    for other in takewhile(lambda each: each != root, others):
        if other.group != root.group and (root.target or other.target) and not _passed_on(root, other):
            yield Overlap(root, other)


def _passed_on(one: Root, other: Root) -> bool:
    """Whether a peer of one group is the source of another one, which follows whatever the peers agree on."""
    return (one.peer and not other.target) or (other.peer and not one.target)


def _covered(root: Root, above: Iterable[Root]) -> Iterator[Overlap]:
    for other in above:
        if other.recursive and (root.target or other.target):
            yield Overlap(root, other)
