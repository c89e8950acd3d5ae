# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Edges: who feeds whom, derived from the members of a sync group.

Each target has one feeder, the source unless ``from`` names another member. Peers have an edge from each to each other,
used from whoever is ahead. Everything downstream (planner, jobs, gates, status) speaks of edges.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from zfs_sync.core.properties import DEFAULTS
from zfs_sync.core.selection import EVERYTHING, Selection

Role = Literal["source", "target", "peer"]
Direction = Literal["pull", "push"]
LONGEST_ID = 400


@dataclass(frozen=True, slots=True)
class Member:
    """One dataset of one system in a sync group."""

    system: str
    dataset: str
    role: Role
    feeder: str | None = None
    """What ``from`` says: ``system``, or ``system:dataset`` where that is ambiguous."""
    jobs: int | None = None
    """How many jobs may send from it and receive into it at once."""

    @property
    def key(self) -> tuple[str, str]:
        """What identifies the member in its group."""
        return (self.system, self.dataset)


@dataclass(frozen=True, slots=True)
class Edge:
    """A directed pair of datasets: ``to`` receives from ``from``."""

    group: str
    from_system: str
    from_root: str
    to_system: str
    to_root: str
    recursive: bool
    selection: Selection = EVERYTHING
    direction: Direction = "pull"
    """Who connects: ``pull`` the target's host, ``push`` the source's."""
    peers: bool = False
    """Whether both ends are peers: there is an edge the other way too."""
    several: bool = False
    """Whether the feeding system has more than one peer in the group, so that its name alone does not tell which."""
    properties: Mapping[str, str] = field(default_factory=lambda: DEFAULTS, hash=False)
    """What is set on a new target."""

    @property
    def id(self) -> str:
        """Unique in a fleet: a target is fed by one edge, and an edge of peers names its feeder too."""
        fed = f"{self.group}:{self.to_system}:{self.to_root}"
        if not self.peers:
            return fed
        return _bounded(f"{fed}<{self.from_system}" + (f":{self.from_root}" if self.several else ""))

    @property
    def runner(self) -> str:
        """The system whose agent runs the edge's jobs."""
        return self.from_system if self.direction == "push" else self.to_system

    @property
    def local(self) -> bool:
        """Whether both ends are on one host, so that no ssh is needed."""
        return self.from_system == self.to_system

    def covers(self, relative: str) -> bool:
        """Whether the dataset at this path below the roots is replicated along it."""
        return (self.recursive or not relative) and self.selection.covers(relative)


@dataclass(frozen=True, slots=True)
class MemberFault:
    """What is wrong with one member (``index``), or with the list as a whole (None)."""

    index: int | None
    message: str
    key: str | None = None
    """The member's key at fault, such as ``from``."""


def _bounded(text: str) -> str:
    """The text, its end replaced by a digest where it is too long for an id."""
    if len(text) <= LONGEST_ID:
        return text
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    return f"{text[: LONGEST_ID - 17]}~{digest}"


def member_faults(members: Sequence[Member]) -> list[MemberFault]:
    """Everything that keeps these members from forming edges, all at once."""
    return [*_role_faults(members), *_duplicate_faults(members), *_feeder_faults(members)]


def _role_faults(members: Sequence[Member]) -> list[MemberFault]:
    if any(each.role == "peer" for each in members):
        return _peer_faults(members)
    sources = [index for index, each in enumerate(members) if each.role == "source"]
    faults = [
        MemberFault(index, "a sync group has exactly one source, and this is another one", "role")
        for index in sources[1:]
    ]
    if not sources:
        faults.append(MemberFault(None, "a sync group needs exactly one member with role source"))
    if not any(each.role == "target" for each in members):
        faults.append(MemberFault(None, "a sync group needs at least one member with role target"))
    return faults


def _peer_faults(members: Sequence[Member]) -> list[MemberFault]:
    faults = [
        MemberFault(index, "a sync group has peers, or a source and its targets, and never both", "role")
        for index, each in enumerate(members)
        if each.role != "peer"
    ]
    if len(members) - len(faults) == 1:
        faults.append(MemberFault(None, "a sync group of peers needs at least two members with role peer"))
    return faults


def _duplicate_faults(members: Sequence[Member]) -> list[MemberFault]:
    seen: set[tuple[str, str]] = set()
    faults = []
    for index, member in enumerate(members):
        if member.key in seen:
            faults.append(MemberFault(index, f"{member.system}:{member.dataset} is a member already", "dataset"))
        seen.add(member.key)
    return faults


def _feeder_faults(members: Sequence[Member]) -> list[MemberFault]:
    faults = []
    for index, member in enumerate(members):
        if member.feeder is None:
            continue
        if member.role == "source":
            faults.append(MemberFault(index, "a source is fed by no other member: leave out 'from'", "from"))
            continue
        if member.role == "peer":
            faults.append(MemberFault(index, "a peer follows whichever peer is ahead: leave out 'from'", "from"))
            continue
        found = _matching(members, member)
        if len(found) != 1:
            faults.append(MemberFault(index, _feeder_sentence(member.feeder, found), "from"))
    return faults or _cycle_faults(members)


def _feeder_sentence(feeder: str, found: Sequence[Member]) -> str:
    if not found:
        return f"'{feeder}' is no other member of this group"
    choices = " or ".join(f"'{each.system}:{each.dataset}'" for each in found)
    return f"'{feeder}' is ambiguous: write {choices}"


def _matching(members: Sequence[Member], target: Member) -> list[Member]:
    """The members that ``from`` of ``target`` can mean, itself left out."""
    others = [each for each in members if each.key != target.key]
    if target.feeder is None:
        return [each for each in others if each.role == "source"]
    exact = [each for each in others if f"{each.system}:{each.dataset}" == target.feeder]
    return exact or [each for each in others if each.system == target.feeder]


def _cycle_faults(members: Sequence[Member]) -> list[MemberFault]:
    faults = []
    for index, member in enumerate(members):
        seen, current = {member.key}, member
        while current.role == "target" and len(found := _matching(members, current)) == 1:
            current = found[0]
            if current.key in seen:
                if current.key == member.key:
                    faults.append(MemberFault(index, "'from' leads in a circle that the source does not feed", "from"))
                break
            seen.add(current.key)
    return faults


def edges_of(
    group: str,
    members: Sequence[Member],
    *,
    recursive: bool = True,
    selection: Selection = EVERYTHING,
    direction: Direction = "pull",
    properties: Mapping[str, str] = DEFAULTS,
) -> tuple[Edge, ...]:
    """The edges of a group whose members have no faults. Raises ValueError where they have."""
    if faults := member_faults(members):
        raise ValueError("; ".join(each.message for each in faults))
    edges = []
    for target in (each for each in members if each.role == "target"):
        (feeder,) = _matching(members, target)
        edges.append(Edge(group, *feeder.key, *target.key, recursive, selection, direction, properties=properties))
    return (*edges, *_peer_edges(group, members, recursive, selection, direction, properties))


def _peer_edges(
    group: str,
    members: Sequence[Member],
    recursive: bool,
    selection: Selection,
    direction: Direction,
    properties: Mapping[str, str],
) -> list[Edge]:
    peers = [each for each in members if each.role == "peer"]
    pairs = [(feeder, fed) for fed in peers for feeder in peers if feeder.key != fed.key]
    return [
        Edge(
            group,
            *feeder.key,
            *fed.key,
            recursive,
            selection,
            direction,
            peers=True,
            several=sum(each.system == feeder.system for each in peers) > 1,
            properties=properties,
        )
        for feeder, fed in pairs
    ]
