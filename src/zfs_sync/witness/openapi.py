# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The OpenAPI document: FastAPI's, with the bodies that routes read themselves, and one shape for every error."""

from collections.abc import Sequence
from typing import Any

from fastapi.openapi.utils import get_openapi
from pydantic import TypeAdapter
from starlette.routing import BaseRoute

from zfs_sync import __version__
from zfs_sync.api.changes import FleetRequest
from zfs_sync.api.fleet import SyncGroupSpec, SystemSpec
from zfs_sync.api.problem import MEDIA_TYPE

_BODIES = (FleetRequest, SystemSpec, SyncGroupSpec)
_REFERENCE = "#/components/schemas/{model}"
_TEXT = {"type": "string"}
_PROBLEM = {
    "type": "object",
    "description": "An error (RFC 9457).",
    "required": ["type", "title", "status", "detail", "code", "hint", "docs_url", "request_id", "errors"],
    "properties": {
        "type": {**_TEXT, "format": "uri", "description": "The error's page."},
        "title": {**_TEXT, "description": "What the code means."},
        "status": {"type": "integer", "description": "The HTTP status."},
        "detail": {**_TEXT, "description": "What happened, to which object."},
        "code": {**_TEXT, "description": "The code of the catalogue.", "examples": ["E_VALIDATION"]},
        "hint": {**_TEXT, "description": "What to do."},
        "docs_url": {**_TEXT, "format": "uri", "description": "The error's page."},
        "request_id": {**_TEXT, "description": "Under which the witness's log has the request."},
        "errors": {
            "type": "array",
            "description": "Every fault of the request at once.",
            "items": {
                "type": "object",
                "required": ["pointer", "message"],
                "properties": {
                    "pointer": {**_TEXT, "description": "A JSON pointer into the body; /query/... and /path/... else."},
                    "message": _TEXT,
                    "code": _TEXT,
                },
            },
        },
    },
}


def document(routes: Sequence[BaseRoute]) -> dict[str, Any]:
    """The OpenAPI 3.1 document of these routes."""
    made = get_openapi(
        title="ZFS Sync witness",
        version=__version__,
        description="Desired and observed state of a fleet of ZFS hosts, plans, jobs. Each route names its role.",
        routes=routes,
    )
    schemas = made.setdefault("components", {}).setdefault("schemas", {})
    for body in _BODIES:
        schema = TypeAdapter[Any](body).json_schema(ref_template=_REFERENCE)
        schemas |= schema.pop("$defs", {}) | {body.__name__: schema}
    for operations in made["paths"].values():
        for operation in operations.values():
            operation["responses"].pop("422", None)
            operation["responses"]["default"] = _error_response()
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    schemas["Problem"] = _PROBLEM
    return made


def _error_response() -> dict[str, Any]:
    schema = {"$ref": _REFERENCE.format(model="Problem")}
    return {"description": "An error.", "content": {MEDIA_TYPE: {"schema": schema}}}
