# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Errors over HTTP: ``application/problem+json`` (RFC 9457) with the catalogue's code, hint and page."""

from collections.abc import Mapping
from typing import Any

from zfs_sync.core.errors import CATALOGUE, Fault, ZfsSyncError, docs_url

MEDIA_TYPE = "application/problem+json"


def problem(error: ZfsSyncError, request_id: str) -> dict[str, Any]:
    """The body of the answer for ``error``."""
    return {
        "type": docs_url(error.code),
        "title": error.entry.title,
        "status": error.entry.status,
        "detail": error.message,
        "code": error.code,
        "hint": error.hint,
        "docs_url": docs_url(error.code),
        "request_id": request_id,
        "errors": [_fault(fault) for fault in error.faults],
    }


def _fault(fault: Fault) -> dict[str, str]:
    entry = {"pointer": fault.pointer, "message": fault.message}
    return entry | {"code": fault.code} if fault.code else entry


def error_from(body: Mapping[str, Any]) -> ZfsSyncError:
    """The error in a problem document. Raises KeyError or TypeError where it is none of ours."""
    code = body["code"]
    if code not in CATALOGUE:
        code, body = "E_INTERNAL", {**body, "detail": f"{body['code']}: {body['detail']}"}
    faults = [Fault(each["pointer"], each["message"], each.get("code")) for each in body.get("errors", ())]
    return ZfsSyncError(code, body["detail"], hint=body.get("hint"), faults=faults)
