# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Parameters that several routes take alike."""

from typing import Annotated, Any

from fastapi import Depends, Header, Query, Request

from zfs_sync.api.fleet import Owner
from zfs_sync.api.protocol import HEADER

PAGE_LIMIT = 100
PAGE_MOST = 1_000

Limit = Annotated[int, Query(ge=1, le=PAGE_MOST, description="The most entries to answer.")]
After = Annotated[str | None, Query(max_length=320, description="What the page before gave as `next`.")]
Place = Annotated[str | None, Query(max_length=2_000, description="What the page before gave as `next`.")]
OwnerQuery = Annotated[Owner | None, Query(description="Whose declarations, as <tool>/<name>.")]
AgentProtocol = Annotated[
    int, Header(alias=HEADER, ge=1, le=1_000, description="The protocol that the agent speaks; 1 where it is not said.")
]
IfMatch = Annotated[str | None, Header(description="The state that was planned; 412 when it has moved on.")]


async def raw_body(request: Request) -> bytes:
    """The body as it came: what tells an absent field from a null one."""
    return await request.body()


RawBody = Annotated[bytes, Depends(raw_body)]


def page(items: list[Any], names: list[str], limit: int) -> dict[str, Any]:
    """A page as every list route answers it; ``items`` may hold one entry more than the page, to know of a next one."""
    more = len(items) > limit
    return {"items": items[:limit], "next": names[limit - 1] if more else None}


def json_body(model: str) -> dict[str, Any]:
    """The OpenAPI description of a body that the route reads itself."""
    schema = {"$ref": f"#/components/schemas/{model}"}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}
