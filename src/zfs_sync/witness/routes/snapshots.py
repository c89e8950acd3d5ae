# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Reported snapshots: which there are, and what the same dataset lacks on one system and has on another."""

from typing import Annotated, Any

from fastapi import Query, Response
from sqlalchemy import Connection

from zfs_sync.api.annotations import U64Text
from zfs_sync.api.snapshots import Comparison, SnapshotPage
from zfs_sync.core.errors import Fault, ZfsSyncError, pointer
from zfs_sync.core.names import check_dataset, check_relative, check_system_name
from zfs_sync.witness import cursor
from zfs_sync.witness.auth import Viewer
from zfs_sync.witness.context import InWitness
from zfs_sync.witness.routes.answers import answer
from zfs_sync.witness.routes.parameters import PAGE_LIMIT, Limit, Place, page
from zfs_sync.witness.routing import new_router
from zfs_sync.witness.services import comparing, snapshots
from zfs_sync.witness.services.comparing import Member
from zfs_sync.witness.services.snapshots import Search

router = new_router("snapshots")
COMPARED_MOST = 20

System = Annotated[str | None, Query(max_length=63, description="Only snapshots of this system.")]
Dataset = Annotated[str | None, Query(max_length=255, description="Only snapshots of the dataset of this path.")]
Guid = Annotated[U64Text | None, Query(description="Only the snapshot with this GUID, wherever it is.")]
Members = Annotated[
    list[str] | None,
    Query(
        alias="member", max_length=COMPARED_MOST, description="A dataset as <system>:<dataset>; two or more of them."
    ),
]
Group = Annotated[str | None, Query(max_length=63, description="Instead of members: all members of this sync group.")]
Relative = Annotated[str, Query(max_length=255, description="The dataset below the group's roots; the roots if empty.")]
Named = Annotated[int, Query(ge=0, le=1_000, description="How many snapshots are named at the most for each two.")]


@router.get("/snapshots", response_model=SnapshotPage)
def list_snapshots(
    witness: InWitness,
    principal: Viewer,  # noqa: ARG001
    system: System = None,
    dataset: Dataset = None,
    guid: Guid = None,
    limit: Limit = PAGE_LIMIT,
    after: Place = None,
) -> Response:
    """Reported snapshots by system and dataset, oldest first in each."""
    search = Search(system, dataset, None if guid is None else int(guid))
    place: Any = cursor.decode(after, str, str, int, int)
    found = witness.database.read(lambda each: snapshots.page(each, search, after=place, limit=limit + 1))
    return answer(
        page([snapshots.shown(each) for each in found], [cursor.encode(*each.place) for each in found], limit)
    )


@router.get("/snapshots/compare", response_model=Comparison)
def compare_snapshots(
    witness: InWitness,
    principal: Viewer,  # noqa: ARG001
    members: Members = None,
    group: Group = None,
    relative: Relative = "",
    limit: Named = PAGE_LIMIT,
) -> Response:
    """What each of several datasets lacks of the others, by GUID: of named members, or of a group's."""
    asked = _asked(members, group, relative)

    def read(connection: Connection) -> dict[str, Any]:
        wanted = asked if group is None else comparing.members_of_group(connection, group, relative)
        return comparing.compare(connection, wanted, limit)

    return answer(witness.database.read(read))


def _asked(members: list[str] | None, group: str | None, relative: str) -> list[Member]:
    """The members that were named. Raises E_VALIDATION with all faults."""
    faults: list[Fault] = []
    found = [_member(text, index, faults) for index, text in enumerate(members or ())]
    if (group is None) == (members is None):
        faults.append(Fault(pointer("query", "member"), "name members, or a group: one of the two"))
    elif group is None and len(set(found)) < 2:
        faults.append(Fault(pointer("query", "member"), "it takes two members to compare"))
    if group is None and relative:
        faults.append(Fault(pointer("query", "relative"), "this goes with a group"))
    try:
        check_relative(relative)
    except ValueError as error:
        faults.append(Fault(pointer("query", "relative"), str(error)))
    if faults:
        raise ZfsSyncError("E_VALIDATION", "The request has faults.", faults=faults)
    return list(dict.fromkeys(found))


def _member(text: str, index: int, faults: list[Fault]) -> Member:
    system, _, dataset = text.partition(":")
    try:
        check_system_name(system)
        check_dataset(dataset)
    except ValueError as error:
        faults.append(Fault(pointer("query", "member", index), f"write <system>:<dataset>: {error}"))
    return system, dataset
