# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Which datasets of a tree and which of their snapshots a sync group replicates.

Patterns on datasets are those of gitignore(5) on relative paths: a pattern without a slash matches a name at any depth,
one with a slash begins at the root, ``**`` stands for any number of levels, and what lies below a match goes with it.
A pattern that takes back (``!``) would make the order of a list mean something, so there is none. Matching follows the
levels one by one, so that no pattern, whoever wrote it, can make it slow.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import translate
from functools import lru_cache

from zfs_sync.core.graph import Snapshot
from zfs_sync.core.names import MAX_DATASET_BYTES

ANY_DEPTH = "**"
REMEMBERED = 1024

_CLASS = r"\[!?\]?[^\]/]*\]"
_LEVEL = re.compile(rf"(?:[A-Za-z0-9 _.:*?-]|{_CLASS})+")


def check_dataset_pattern(text: str) -> str:
    """Return ``text`` if it is a pattern on relative dataset paths, else raise ValueError."""
    levels = text.removeprefix("/").split("/")
    if any(not level for level in levels):
        raise ValueError(f"{_show(text)} is not a pattern: between slashes, and behind the last, there is a name")
    for level in levels:
        _check_level(level, text)
        if ANY_DEPTH in level and level != ANY_DEPTH:
            raise ValueError(f"{_show(text)} is not a pattern: '**' stands alone between slashes")
    return text


def check_label_pattern(text: str) -> str:
    """Return ``text`` if it is a pattern on what stands behind the ``@`` of a snapshot, else raise ValueError."""
    _check_level(text, text)
    return text


def _check_level(level: str, whole: str) -> None:
    if level.startswith("!"):
        raise ValueError(f"{_show(whole)} is not a pattern: nothing is taken back with '!'; write what is left out")
    if len(whole.encode()) > MAX_DATASET_BYTES or not _LEVEL.fullmatch(level):
        raise ValueError(
            f"{_show(whole)} is not a pattern: use letters, digits, space and _ . : - with * ? [abc] [!abc],"
            f" {MAX_DATASET_BYTES} bytes at most"
        )


def _show(text: str) -> str:
    return ascii(text[:80])


@dataclass(frozen=True, slots=True)
class Selection:
    """What is replicated; as it is, everything."""

    exclude: tuple[str, ...] = ()
    """Patterns on relative paths. What one matches is left out, and so is all below it. None matches the root."""
    include_root: bool = True
    """Whether the root itself belongs to it, and not only what lies below."""
    snapshots_include: tuple[str, ...] = ("*",)
    """Patterns on the labels of snapshots: one that none of them matches is not replicated."""
    snapshots_exclude: tuple[str, ...] = ()
    """Patterns on the labels of snapshots that are not replicated all the same."""
    intermediate: bool = True
    """Whether all of these snapshots travel, and not only the newest."""

    def covers(self, relative: str) -> bool:
        """Whether the dataset at this path below the root belongs to it."""
        if not relative:
            return self.include_root
        levels = relative.split("/")
        return not any(_leaves_out(_levels(pattern), levels) for pattern in self.exclude)

    def takes(self, label: str) -> bool:
        """Whether a snapshot with this label is replicated."""
        return _any_matches(self.snapshots_include, label) and not _any_matches(self.snapshots_exclude, label)

    def of(self, snapshots: Iterable[Snapshot]) -> tuple[Snapshot, ...]:
        """Those of the snapshots that are replicated, in the same order."""
        return tuple(each for each in snapshots if self.takes(each.name))


EVERYTHING = Selection()


def _any_matches(patterns: Iterable[str], label: str) -> bool:
    return any(_glob(pattern).match(label) for pattern in patterns)


@lru_cache(REMEMBERED)
def _glob(level: str) -> re.Pattern[str]:
    return re.compile(translate(level))


@lru_cache(REMEMBERED)
def _levels(pattern: str) -> tuple[str, ...]:
    """The levels of a pattern, from the root on; a ``**`` at the end stands for what lies inside."""
    levels = pattern.removeprefix("/").split("/")
    if "/" not in pattern:
        levels = [ANY_DEPTH, *levels]
    if levels[-1] == ANY_DEPTH:
        levels.append("*")
    return tuple(levels)


def _leaves_out(pattern: tuple[str, ...], levels: Iterable[str]) -> bool:
    """Whether the pattern matches the dataset or one above it: all places in the pattern at once, level by level."""
    places = _reached({0}, pattern)
    for level in levels:
        places = _reached({_next(place, pattern) for place in places if _accepts(pattern[place], level)}, pattern)
        if len(pattern) in places:
            return True
    return False


def _accepts(expected: str, level: str) -> bool:
    return expected == ANY_DEPTH or _glob(expected).match(level) is not None


def _next(place: int, pattern: tuple[str, ...]) -> int:
    return place if pattern[place] == ANY_DEPTH else place + 1


def _reached(places: set[int], pattern: tuple[str, ...]) -> set[int]:
    """These places, and those behind a ``**`` that stands for no level at all."""
    found = set(places)
    for place in range(len(pattern)):
        if place in found and pattern[place] == ANY_DEPTH:
            found.add(place + 1)
    return found
