# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Valid fleet documents at random, with every field in all its spellings: absent, null, and written in several ways.

What is drawn is valid by construction: members name systems of the document, ``from`` leads to the source, and no
two groups share a dataset.
"""

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from zfs_sync.core.numbers import MAX_DURATION_SECONDS, format_duration

Draw = Any
SYSTEMS = ("nas1", "nas2", "vault", "9.a-b_c")
GROUPS = ("photos", "projects", "x")
ROOTS = ("tank/{}", "tank/{} copy", "backup/nas1/{}", "safe/{}:x")
"""Datasets of a group: none lies in another one's, nor in that of another group."""

text = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=12)
seconds = st.one_of(st.integers(1, 7200), st.integers(1, MAX_DURATION_SECONDS // 86_400).map(lambda n: n * 86_400))
durations = st.one_of(
    seconds.map(format_duration), seconds.map(lambda n: f"{n}s"), seconds.map(lambda n: f"PT{n}S"), st.just("60m")
)
ssh = st.fixed_dictionaries(
    {},
    optional={
        "host": st.none() | st.sampled_from(["nas1", "nas1.example.org", "10.0.0.12", "fe80::1"]),
        "user": st.none() | st.sampled_from(["zfs-sync", "backup"]),
        "port": st.none() | st.integers(1, 65_535),
    },
)

labels = st.lists(st.sampled_from(["*", "auto-*", "scratch-?", "[!a]*"]), min_size=1, max_size=3)
snapshots = st.fixed_dictionaries(
    {},
    optional={"include": st.none() | labels, "exclude": st.none() | labels, "intermediate": st.none() | st.booleans()},
)

limits = st.fixed_dictionaries({}, optional={"jobs": st.none() | st.integers(1, 1000)})
settings = {
    "readonly": st.booleans() | st.sampled_from(["on", "off"]),
    "quota": st.sampled_from(["10GiB", "10240 MiB", "none"]),
    "com.sun:auto-snapshot": st.booleans() | st.just("false"),
}
properties = st.fixed_dictionaries({}, optional={"set": st.none() | st.fixed_dictionaries({}, optional=settings)})

SYSTEM_FIELDS: Mapping[str, st.SearchStrategy[Any]] = {
    "description": text,
    "platform": st.sampled_from(["linux", "freebsd", "illumos", "macos"]),
    "ssh": ssh,
    "labels": st.dictionaries(st.sampled_from(["site", "tier", "É"]), text, max_size=3),
    "limits": limits,
    "maintenance": st.booleans(),
}
GROUP_FIELDS: Mapping[str, st.SearchStrategy[Any]] = {
    "description": text,
    "enabled": st.booleans(),
    "mode": st.sampled_from(["auto", "manual"]),
    "recursive": st.booleans(),
    "include_root": st.booleans(),
    "exclude": st.lists(st.sampled_from(["**/cache", "/tmp", "a/**", "vm-[0-9]*", "x y"]), max_size=3),
    "snapshots": snapshots,
    "interval": st.just("continuous") | durations,
    "lag_limit": durations,
    "direction": st.sampled_from(["pull", "push"]),
    "priority": st.integers(0, 100),
    "limits": limits,
    "properties": properties,
}
"""Every field but ``members``, which is drawn for a group with the systems in mind."""


def _fields(known: Mapping[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """Some of the fields, each with a value or null."""
    return st.fixed_dictionaries({}, optional={name: st.none() | values for name, values in known.items()})


@st.composite
def members(draw: Draw, group: str, systems: list[str]) -> list[dict[str, Any]]:
    """One source and its targets, fed by it or by each other, or peers, in any order."""
    places = st.tuples(st.sampled_from(systems), st.sampled_from([root.format(group) for root in ROOTS]))
    chosen = draw(st.lists(places, min_size=2, max_size=5, unique=True))
    if draw(st.integers(0, 2)) == 0:
        return [{"system": system, "dataset": dataset, "role": "peer"} for system, dataset in chosen]
    rows: list[dict[str, Any]] = []
    for index, (system, dataset) in enumerate(chosen):
        row: dict[str, Any] = {"system": system, "dataset": dataset, "role": "target" if index else "source"}
        feeder = draw(st.none() | st.sampled_from(chosen[:index])) if index else None
        if feeder is not None:
            row["from"] = draw(st.sampled_from(_names(feeder, chosen, own=(system, dataset))))
        elif draw(st.booleans()):
            row["from"] = None
        row |= draw(st.fixed_dictionaries({}, optional={"limits": st.none() | limits}))
        rows.append(row)
    return draw(st.permutations(rows))


def _names(feeder: tuple[str, str], chosen: list[tuple[str, str]], own: tuple[str, str]) -> list[str]:
    """How ``from`` may speak of a member: by its system alone, where no other member is of that system."""
    alone = sum(each[0] == feeder[0] for each in chosen if each != own) == 1
    return [":".join(feeder), *([feeder[0]] if alone else [])]


@st.composite
def documents(draw: Draw, owner: str) -> dict[str, Any]:
    """A valid document of this owner."""
    names = draw(st.lists(st.sampled_from(SYSTEMS), max_size=4, unique=True))
    groups = draw(st.lists(st.sampled_from(GROUPS), max_size=3, unique=True)) if names else []
    document: dict[str, Any] = {
        "version": 1,
        "owner": owner,
        "systems": {name: draw(st.none() | _fields(SYSTEM_FIELDS)) for name in names},
        "sync_groups": {
            name: {**draw(_fields(GROUP_FIELDS)), "members": draw(members(name, names))} for name in groups
        },
    }
    defaults = st.fixed_dictionaries(
        {}, optional={"system": _fields(SYSTEM_FIELDS), "sync_group": _fields(GROUP_FIELDS)}
    )
    return document | {"defaults": draw(st.none() | defaults)}
