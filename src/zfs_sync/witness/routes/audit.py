# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Who did what, when: as pages of JSON, or whole as CSV."""

import dataclasses
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from fastapi import Depends, Header, Query, Response
from pydantic import AwareDatetime
from starlette.responses import StreamingResponse

from zfs_sync.api.audit import EVENT_PATTERN, AuditEntry, AuditPage
from zfs_sync.witness import csv_text
from zfs_sync.witness.auth import Viewer
from zfs_sync.witness.context import InWitness, Witness
from zfs_sync.witness.routes.answers import answer
from zfs_sync.witness.routes.parameters import PAGE_LIMIT, PAGE_MOST, page
from zfs_sync.witness.routing import new_router
from zfs_sync.witness.services import audit_search
from zfs_sync.witness.services.audit_search import Search

router = new_router("audit")

CSV = "text/csv"
COLUMNS = tuple(field.name for field in dataclasses.fields(AuditEntry))

Since = Annotated[AwareDatetime | None, Query(alias="from", description="Only entries of this moment or later.")]
Until = Annotated[AwareDatetime | None, Query(alias="to", description="Only entries before this moment.")]
Event = Annotated[
    str | None,
    Query(max_length=64, pattern=EVENT_PATTERN, description="Only this event (`job.failed`), or its kind (`job`)."),
]
System = Annotated[
    str | None, Query(max_length=63, description="Only entries that touch this system, under whatever name it had.")
]
Actor = Annotated[str | None, Query(max_length=128, description="Only what the key of this name did.")]
Some = Annotated[
    int | None, Query(ge=1, le=PAGE_MOST, description="The most entries to answer: 100 in JSON, all of them in CSV.")
]
Number = Annotated[str | None, Query(pattern=r"^[0-9]{1,18}$", description="What the page before gave as `next`.")]
Form = Annotated[
    Literal["json", "csv"] | None, Query(alias="format", description="The form, before what `Accept` says.")
]
Accept = Annotated[str, Header(include_in_schema=False)]


async def _searched(
    since: Since = None, until: Until = None, event: Event = None, system: System = None, actor: Actor = None
) -> Search:
    return Search(since, until, event, system, actor)


Searched = Annotated[Search, Depends(_searched)]


@router.get("/audit", response_model=AuditPage, responses={200: {"content": {CSV: {"schema": {"type": "string"}}}}})
def list_audit(
    witness: InWitness,
    principal: Viewer,  # noqa: ARG001
    search: Searched,
    limit: Some = None,
    after: Number = None,
    form: Form = None,
    accept: Accept = "",
) -> Response:
    """Every change that was made, newest first; in CSV everything that matches at once, unless `limit` is given."""
    start = None if after is None else int(after)
    if (form or ("csv" if _wants_csv(accept) else "json")) == "csv":
        headers = {"Content-Disposition": 'attachment; filename="audit.csv"'}
        return StreamingResponse(_csv(witness, search, start, limit), media_type=CSV, headers=headers)
    most = limit or PAGE_LIMIT
    found = _read(witness, search, start, most + 1)
    return answer(page(found, [each["id"] for each in found], most))


def _wants_csv(accept: str) -> bool:
    """Whether CSV is what the client names first: a browser that takes anything gets JSON."""
    return accept.partition(",")[0].partition(";")[0].strip().lower() == CSV


def _read(witness: Witness, search: Search, after: int | None, limit: int) -> list[dict[str, Any]]:
    return witness.database.read(lambda each: audit_search.entries(each, search, after=after, limit=limit))


def _csv(witness: Witness, search: Search, after: int | None, limit: int | None) -> Iterator[str]:
    """The text by and by: each batch is a read of its own, so that a long one holds nothing up."""
    header, left = True, limit
    while left is None or left > 0:
        batch = PAGE_MOST if left is None else min(left, PAGE_MOST)
        found = _read(witness, search, after, batch)
        yield csv_text.lines(COLUMNS, found, header=header)
        if len(found) < batch:
            return
        header, after = False, int(found[-1]["id"])
        left = None if left is None else left - len(found)
