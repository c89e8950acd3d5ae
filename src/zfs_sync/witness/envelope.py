# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""What surrounds every request: its id, the limit on its body, its line in the log, the headers of its answer.

Plain ASGI, outside of FastAPI's own middleware, so that an unexpected exception gets a request id, a log entry and a
problem document like everything else, and no stack trace leaves the machine.
"""

import re
import time
import uuid

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bound_contextvars
from structlog.typing import FilteringBoundLogger

from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.witness import request_id
from zfs_sync.witness.problems import problem_response
from zfs_sync.witness.traffic import Traffic

_GIVEN_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_QUIET = ("/health/", "/metrics")


class Envelope:
    """The middleware."""

    def __init__(
        self, app: ASGIApp, *, log: FilteringBoundLogger, traffic: Traffic, max_body_bytes: int, secure: bool
    ) -> None:
        self.app = app
        self.log = log
        self.traffic = traffic
        self.max_body_bytes = max_body_bytes
        self.headers = _HEADERS | ({"Strict-Transport-Security": "max-age=31536000"} if secure else {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        name = _request_id(Headers(scope=scope).get("X-Request-Id"))
        token = request_id.current.set(name)
        try:
            with bound_contextvars(request_id=name):
                await self._serve(scope, receive, send, name)
        finally:
            request_id.current.reset(token)

    async def _serve(self, scope: Scope, receive: Receive, send: Send, name: str) -> None:
        started = time.perf_counter()
        answer: dict[str, int] = {}

        async def send_enveloped(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer["status"] = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-Id"] = name
                for key, value in self.headers.items():
                    headers.setdefault(key, value)
            await send(message)

        limited = _Limited(scope, receive, self.max_body_bytes)
        try:
            await self.app(scope, limited.receive, send_enveloped)
        except Exception as error:
            if answer:
                raise
            await self._fail(error, scope, receive, send_enveloped)
        self._note(scope, answer.get("status", 0), time.perf_counter() - started)

    async def _fail(self, error: Exception, scope: Scope, receive: Receive, send: Send) -> None:
        self.log.error("request failed", path=scope["path"], method=scope["method"], exc_info=error)
        internal = ZfsSyncError("E_INTERNAL", "The witness met an error of its own; its log has the details.")
        await problem_response(internal)(scope, receive, send)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        self.traffic.note(scope["method"], getattr(scope.get("route"), "path", None), status, seconds)
        principal = scope.get("state", {}).get("principal")
        note = self.log.debug if scope["path"].startswith(_QUIET) and status < 400 else self.log.info
        note(
            "request",
            method=scope["method"],
            path=scope["path"],
            status=status,
            milliseconds=round(seconds * 1000, 1),
            key=principal.name if principal else None,
        )


class _Limited:
    """The request's body, refused as soon as it is known to be larger than it may be."""

    def __init__(self, scope: Scope, receive: Receive, most: int) -> None:
        self._receive = receive
        self._most = most
        length = Headers(scope=scope).get("content-length", "")
        self._announced = int(length) if length.isdigit() else 0
        self._read = 0

    async def receive(self) -> Message:
        if self._announced > self._most:
            raise self._refusal()
        message = await self._receive()
        if message["type"] == "http.request":
            self._read += len(message.get("body", b""))
            if self._read > self._most:
                raise self._refusal()
        return message

    def _refusal(self) -> HTTPException:
        headers = {"Connection": "close"}
        return HTTPException(413, f"The body is larger than {self._most} bytes (max_body_bytes).", headers)


def _request_id(given: str | None) -> str:
    return given if given and _GIVEN_ID.fullmatch(given) else uuid.uuid4().hex
