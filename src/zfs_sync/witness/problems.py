# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Every error as application/problem+json, those of the framework included."""

from collections.abc import Mapping

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from zfs_sync.api.problem import MEDIA_TYPE, problem
from zfs_sync.core.errors import Fault, ZfsSyncError
from zfs_sync.witness import request_id
from zfs_sync.witness.faults import faults_of, sentence

RETRY_AFTER_SECONDS = 5


def problem_response(error: ZfsSyncError, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """The answer for an error of the catalogue."""
    status = error.entry.status
    extra = dict(headers or {})
    if status == 401:
        extra["WWW-Authenticate"] = "Bearer"
    if status == 503:
        extra["Retry-After"] = str(RETRY_AFTER_SECONDS)
    body = problem(error, request_id.current.get() or "")
    return JSONResponse(body, status_code=status, headers=extra, media_type=MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Let the application answer its errors in this form."""
    app.add_exception_handler(ZfsSyncError, _on_known)
    app.add_exception_handler(RequestValidationError, _on_validation)
    app.add_exception_handler(HTTPException, _on_http)


async def _on_known(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ZfsSyncError)  # noqa: S101
    return problem_response(error)


async def _on_validation(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    faults = []
    for each in error.errors():
        place, *rest = each["loc"]
        if each["type"] == "json_invalid":
            faults.append(Fault("", sentence(each)))
        elif place == "body":
            faults += faults_of([{**each, "loc": rest}])
        else:
            faults += faults_of([{**each, "loc": rest}], place)
    return problem_response(ZfsSyncError("E_VALIDATION", "The request has faults.", faults=faults))


async def _on_http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101
    return problem_response(_of_status(request, error), error.headers)


def _of_status(request: Request, error: HTTPException) -> ZfsSyncError:
    match error.status_code:
        case 404:
            return ZfsSyncError("E_ROUTE_NOT_FOUND", f"There is no {ascii(request.url.path)[:200]} here.")
        case 405:
            return ZfsSyncError(
                "E_METHOD_NOT_ALLOWED", f"{request.method} is not a method of {ascii(request.url.path)[:200]}."
            )
        case 413:
            return ZfsSyncError("E_BODY_TOO_LARGE", str(error.detail))
        case _:
            return ZfsSyncError("E_VALIDATION", f"The request cannot be understood: {error.detail}.")
