# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Parsers for what zfs(8) and zpool(8) print with ``-H`` (and ``-p``): one record a line, fields split by TAB.

Names may hold spaces. Values may hold anything but are asked for last, so a line is never split further than it has
named fields. Lines that do not have the asked form are parts of a foreign value and are left out.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.core.numbers import u64

NONE = "-"
AMBIGUOUS = "ambiguous"
ABSENT = "dataset does not exist"


@dataclass(frozen=True, slots=True)
class Property:
    """One property of one dataset or snapshot."""

    name: str
    property: str
    source: str
    value: str


@dataclass(frozen=True, slots=True)
class Pool:
    """One pool of the host."""

    name: str
    guid: int
    health: str


def properties(output: str) -> Iterator[Property]:
    """``zfs get -H -o name,property,source,value``."""
    for line in output.split("\n"):
        fields = line.split("\t", 3)
        if len(fields) == 4:
            yield Property(*fields)


def by_name(output: str) -> Mapping[str, Mapping[str, Property]]:
    """The same, gathered: name, then property.

    A value may hold line breaks, so whoever may set a user property on a dataset of their own can print lines about
    another one. What is said of one dataset in two ways is therefore nobody's setting.
    """
    gathered: dict[str, dict[str, Property]] = {}
    for each in properties(output):
        known = gathered.setdefault(each.name, {})
        said = known.setdefault(each.property, each)
        if (said.source, said.value) != (each.source, each.value):
            known[each.property] = replace(said, source=AMBIGUOUS)
    return gathered


def snapshot_rows(output: str) -> Iterator[tuple[str, str, int, int]]:
    """``zfs list -Hp -t snapshot -o name,guid,createtxg`` as dataset, label, guid, createtxg."""
    for line in _lines(output):
        name, guid, createtxg = _fields(line, 3)
        dataset, _, label = name.rpartition("@")
        yield dataset, label, number(guid, name), number(createtxg, name)


def pools(output: str) -> tuple[Pool, ...]:
    """``zpool list -H -o name,guid,health``."""
    rows = (_fields(line, 3) for line in _lines(output))
    return tuple(Pool(name, number(guid, name), health) for name, guid, health in rows)


def stream_size(output: str) -> int | None:
    """The ``size`` line of ``zfs send -nvP``; None where there is none."""
    for line in reversed(output.splitlines()):
        word, _, rest = line.partition("\t")
        if word == "size" and rest.strip().isdigit():
            return int(rest)
    return None


def only_absent(stderr: str) -> bool:
    """Whether everything that was complained about is that datasets do not exist."""
    lines = [line for line in stderr.splitlines() if line.strip()]
    return bool(lines) and all(ABSENT in line for line in lines)


def number(text: str, name: str) -> int:
    """A GUID, transaction group or size. Raises E_ZFS_FAILED for an abbreviated or otherwise unreadable one."""
    try:
        return u64(text)
    except ValueError as error:
        raise ZfsSyncError("E_ZFS_FAILED", f"zfs printed {text!r} for {name} where a number was expected.") from error


def optional_number(text: str | None) -> int | None:
    """A number, None for ``-`` and for a property that was not printed."""
    return None if text is None or not text.isdigit() else int(text)


def _lines(output: str) -> list[str]:
    """Without ``splitlines``: a value may hold what Unicode calls the end of a line."""
    return [line for line in output.split("\n") if line]


def _fields(line: str, count: int) -> list[str]:
    fields = line.split("\t")
    if len(fields) != count:
        raise ZfsSyncError("E_ZFS_FAILED", f"zfs printed a line that cannot be read: {line!r}.")
    return fields
