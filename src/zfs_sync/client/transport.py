# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""One request to the witness and what can come of it.

A session per thread, kept alive; calls that may be repeated without harm are repeated with full jitter; every failure
becomes an error of the catalogue. The key is put into the header of a request and is in no attribute that repr, a log
or an error shows.
"""

import json
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter

from zfs_sync import __version__
from zfs_sync.api import PROTOCOL
from zfs_sync.api.problem import MEDIA_TYPE, error_from
from zfs_sync.api.protocol import HEADER
from zfs_sync.client.address import check_url
from zfs_sync.client.backoff import Backoff
from zfs_sync.core.errors import ZfsSyncError

TRIES = 3
CONNECT_SECONDS = 10.0
BUSY = frozenset({429, 502, 503, 504})
MOST_BYTES = 16 * 1024 * 1024
"""More than any answer has; a host that listens to a hostile witness is not filled up by it."""

_WHERE = re.compile(r"^HTTPS?Connection(Pool)?\(.*?\): (Failed to establish a new connection: )?(\[Errno -?\d+\] )?")
"""What urllib3 puts before the reason: the address, which our sentence has named."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the witness said: status, headers, and the parsed body (None where there is none)."""

    status: int
    headers: Mapping[str, str]
    body: Any


@dataclass(frozen=True, slots=True)
class _Said:
    """An answer as it came."""

    status: int
    headers: Mapping[str, str]
    content: bytes


class Transport:
    """Requests to one witness with one key."""

    def __init__(
        self,
        url: str,
        token: Callable[[], str],
        *,
        ca_file: Path | None = None,
        timeout_seconds: float = 30.0,
        allow_plain_http: bool = False,
        sleep: Callable[[float], object] = time.sleep,
        backoff: Callable[[], Backoff] = Backoff,
    ) -> None:
        """``token`` is asked for each request, so that a new key needs no restart.

        Raises E_CONFIG for a URL that is none, or that would send the key in clear.
        """
        try:
            self.url = check_url(url, allow_plain_http=allow_plain_http)
        except ValueError as error:
            raise ZfsSyncError("E_CONFIG", f"The URL of the witness cannot be used: {error}.") from error
        self._token = token
        self._ca_file = ca_file
        self._timeout = timeout_seconds
        self._sleep, self._backoff = sleep, backoff
        self._local = threading.local()

    def __repr__(self) -> str:
        """Name the witness, and never the key."""
        return f"Transport({self.url})"

    def call(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        idempotent: bool = False,
        timeout_seconds: float | None = None,
    ) -> Answer:
        """The witness's answer below 400. Raises its error, E_WITNESS_UNREACHABLE or E_WITNESS_UNTRUSTED."""
        backoff = self._backoff()
        left = TRIES if idempotent else 1
        while True:
            left -= 1
            try:
                said = self._send(method, path, body, headers or {}, timeout_seconds or self._timeout)
            except ZfsSyncError as error:
                if not left or error.code != "E_WITNESS_UNREACHABLE":
                    raise
            else:
                if not left or said.status not in BUSY:
                    return self._understood(said)
            self._sleep(backoff.next_seconds())

    def close(self) -> None:
        """Close this thread's connections."""
        session = self._local.__dict__.pop("session", None)
        if session is not None:
            session.close()

    def _send(self, method: str, path: str, body: Any, headers: Mapping[str, str], timeout_seconds: float) -> _Said:
        authorization = {"Authorization": f"Bearer {self._token()}"}
        until = time.monotonic() + timeout_seconds + CONNECT_SECONDS
        try:
            response = self._session().request(
                method,
                f"{self.url}/api/v1{path}",
                json=body,
                headers={HEADER: str(PROTOCOL), **headers, **authorization},
                timeout=(min(CONNECT_SECONDS, timeout_seconds), timeout_seconds),
                allow_redirects=False,
                stream=True,
            )
            with response:
                return _Said(response.status_code, response.headers, self._content(response, until))
        except requests.exceptions.SSLError as error:
            raise self._untrusted(error) from None
        except OSError as error:
            if isinstance(error, FileNotFoundError) or "CA certificate" in str(error):
                raise self._untrusted(error) from None
            raise self._unreachable(error) from None

    def _content(self, response: requests.Response, until: float) -> bytes:
        """All of it. Raises E_WITNESS_UNREACHABLE for an answer that has no end, or that drips."""
        content = bytearray()
        try:
            while part := response.raw.read1(1 << 16, decode_content=False):
                content += part
                if len(content) > MOST_BYTES:
                    raise self._unreachable(OSError(f"its answer has more than {MOST_BYTES} bytes"))
                if time.monotonic() > until:
                    raise self._unreachable(OSError("its answer does not come to an end"))
        except urllib3.exceptions.HTTPError as error:
            raise self._unreachable(OSError(str(error))) from None
        return bytes(content)

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = requests.Session()
            session.trust_env = False  # a .netrc would replace our key, an environment variable our CA
            session.mount("https://", HTTPAdapter(pool_maxsize=1))
            session.headers["User-Agent"] = f"zfs-sync/{__version__}"
            session.headers["Accept-Encoding"] = "identity"  # what is compressed has no size until it is not any more
            session.verify = str(self._ca_file) if self._ca_file else True
            self._local.session = session
        return session

    def _understood(self, said: _Said) -> Answer:
        body = _json(said.content)
        if said.status < 300 or said.status == 304:
            return Answer(said.status, said.headers, body)
        if said.headers.get("Content-Type", "").startswith(MEDIA_TYPE) and isinstance(body, dict):
            try:
                raise error_from(body)
            except (KeyError, TypeError):
                pass
        raise ZfsSyncError(
            "E_WITNESS_UNREACHABLE",
            f"{self.url} answered {said.status} and is no witness, or something before it answers instead.",
            hint="Check witness.url: it names the witness itself, without a path.",
        )

    def _unreachable(self, error: OSError) -> ZfsSyncError:
        return ZfsSyncError("E_WITNESS_UNREACHABLE", f"The witness at {self.url} cannot be reached: {_cause(error)}.")

    def _untrusted(self, error: OSError) -> ZfsSyncError:
        trusted = f"the CA in {self._ca_file}" if self._ca_file else "the CAs that come with the agent"
        return ZfsSyncError(
            "E_WITNESS_UNTRUSTED", f"{self.url} did not prove itself with a certificate of {trusted}: {_cause(error)}."
        )


def _json(content: bytes) -> Any:
    """What the content says; None for nothing, and for what is no JSON."""
    try:
        return json.loads(content) if content else None
    except (ValueError, RecursionError):  # the latter where it is nested too deeply
        return None


def _cause(error: BaseException) -> str:
    """The innermost reason of a nest of exceptions, on one line and without object addresses."""
    reason: object = error
    while isinstance(reason, BaseException):
        inner = getattr(reason, "reason", None) or (reason.args[0] if reason.args else None)
        if not isinstance(inner, BaseException):
            break
        reason = inner
    if isinstance(reason, OSError) and reason.strerror:
        return reason.strerror
    return _WHERE.sub("", " ".join(str(reason).split()))[:300] or type(reason).__name__
