# -*- coding: utf-8 -*-
# Copyright: (c) 2026, The ZFS Sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one HTTP client to the witness. Private to this collection: no stable interface.

Built on http.client because ansible.module_utils.urls loads the system's CAs and closes the connection at each call,
which costs 20 ms of CPU a time. One connection is kept alive, one TLS context is made from the one CA that counts.
"""

from __future__ import annotations

import http.client
import json
import random
import socket
import ssl
import time
from urllib.parse import quote, urlencode, urlsplit

SAFE_METHODS = ("GET", "PUT", "DELETE")
RETRIED_STATUSES = (429, 502, 503, 504)
LONGEST_PAUSE_SECONDS = 10.0


class WitnessError(Exception):
    """What the witness refused, or why it was not reached: the catalogue's code, what happened, and what to do."""

    def __init__(self, code, message, hint, errors=(), request_id=None, status=None):
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
        self.errors = list(errors)
        self.request_id = request_id
        self.status = status

    def sentence(self):
        """All of it as one message for people, each fault on its line."""
        faults = ["%s: %s" % (each.get("pointer") or "/", each.get("message")) for each in self.errors]
        return "\n".join(["%s: %s" % (self.code, self.message)] + faults + ([self.hint] if self.hint else []))


class _NotSentError(Exception):
    """The connection failed before a byte of the request left: any method may be tried again."""


class _BrokenError(Exception):
    """The connection failed after the request left: only a method that may run twice is tried again."""


class WitnessClient:
    """A kept-alive connection to one witness."""

    def __init__(self, url, token, ca_path=None, timeout=30, attempts=4, sleep=time.sleep, jitter=random.random):
        parts = _split(url)
        self.url = url.rstrip("/")
        self.plain_beyond_loopback = parts.scheme == "http" and not _is_loopback(parts.hostname)
        self._parts = parts
        self._token = token
        self._ca_path = ca_path
        self._timeout = timeout
        self._attempts = attempts
        self._sleep = sleep
        self._jitter = jitter
        self._connection = None

    def get(self, path, query=None):
        """The body of a GET."""
        return self.request("GET", path, query=query)

    def post(self, path, body, headers=None, repeatable=False):
        """The body of the answer to a POST; ``repeatable`` says that it writes nothing and may run twice."""
        return self.request("POST", path, body=body, headers=headers, repeatable=repeatable)

    def delete(self, path):
        """The body of the answer to a DELETE, None where it has none."""
        return self.request("DELETE", path)

    def pages(self, path, query=None, size=500):
        """All items of a paged list, asked for so many at a time."""
        after = None
        while True:
            page = self.get(path, dict(query or {}, limit=size, **({"after": after} if after else {})))
            yield from page["items"]
            after = page["next"]
            if not after:
                return

    def request(self, method, path, query=None, body=None, headers=None, repeatable=False):
        """Send one request and give back the decoded body. Raises WitnessError."""
        target = self._parts.path.rstrip("/") + path + ("?" + urlencode(query, doseq=True) if query else "")
        safe = repeatable or method in SAFE_METHODS
        for attempt in range(self._attempts):
            last = attempt == self._attempts - 1
            try:
                response, content = self._send(method, target, body, headers)
            except (_NotSentError, _BrokenError) as error:
                self.close()
                if last or not (safe or isinstance(error, _NotSentError)):
                    raise self._unreachable(error.__cause__) from error
                pause = None
            else:
                if last or not safe or response.status not in RETRIED_STATUSES:
                    return self._decode(response, content)
                pause = response.getheader("Retry-After")
            self._sleep(self._pause(attempt, pause))
        raise AssertionError("the last attempt returns or raises")

    def close(self):
        """Give up the connection; the next request opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _send(self, method, target, body, headers):
        connection = self._connected()
        content = None if body is None else json.dumps(body).encode("utf-8")
        try:
            connection.request(method, target, body=content, headers=self._headers(content, headers))
            response = connection.getresponse()
            return response, response.read()
        except (OSError, http.client.HTTPException) as error:
            raise _BrokenError from error

    def _connected(self):
        if self._connection is not None:
            return self._connection
        connection = self._new_connection()
        try:
            connection.connect()
            connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except ssl.SSLCertVerificationError as error:
            raise self._untrusted(error) from error
        except ssl.SSLError as error:
            raise self._unreachable(error) from error
        except OSError as error:
            raise _NotSentError from error
        self._connection = connection
        return connection

    def _new_connection(self):
        host, port = self._parts.hostname, self._parts.port
        if self._parts.scheme == "http":
            return http.client.HTTPConnection(host, port or 80, timeout=self._timeout)
        return http.client.HTTPSConnection(host, port or 443, timeout=self._timeout, context=self._context())

    def _context(self):
        try:
            return ssl.create_default_context(cafile=self._ca_path)
        except (OSError, ssl.SSLError) as error:
            raise WitnessError(
                "E_WITNESS_UNTRUSTED",
                "cannot read the CA certificate %s: %s" % (self._ca_path, error),
                "Give witness_ca_path the file ca.crt that 'zfs-sync-witness tls init' wrote.",
            ) from error

    def _headers(self, content, extra):
        headers = {"Accept": "application/json", "User-Agent": "zfs_sync.fleet"}
        if self._token:
            headers["Authorization"] = "Bearer " + self._token
        if content is not None:
            headers["Content-Type"] = "application/json"
        headers.update(extra or {})
        return headers

    def _decode(self, response, content):
        try:
            body = json.loads(content.decode("utf-8")) if content else None
        except ValueError:
            raise self._strange(response) from None
        if 200 <= response.status < 300:
            return body
        if not isinstance(body, dict) or "code" not in body:
            raise self._strange(response)
        raise WitnessError(
            body["code"],
            body.get("detail") or body.get("title") or "refused",
            body.get("hint"),
            body.get("errors") or (),
            body.get("request_id"),
            response.status,
        )

    def _strange(self, response):
        return WitnessError(
            "E_WITNESS_UNREACHABLE",
            "%s answered with status %d, but not as a witness does" % (self.url, response.status),
            "Check witness_url, and what stands between this host and the witness.",
            status=response.status,
        )

    def _unreachable(self, cause):
        return WitnessError(
            "E_WITNESS_UNREACHABLE",
            "cannot reach the witness at %s: %s" % (self.url, cause),
            "Check that the witness runs (systemctl status zfs-sync-witness), that witness_url is right, "
            "and that this host may connect to it.",
        )

    def _untrusted(self, cause):
        return WitnessError(
            "E_WITNESS_UNTRUSTED",
            "the certificate of the witness at %s is not trusted: %s" % (self.url, cause.verify_message),
            "Give witness_ca_path the file ca.crt that 'zfs-sync-witness tls init' wrote, "
            "and use a name of the certificate.",
        )

    def _pause(self, attempt, retry_after):
        if retry_after and retry_after.isdigit():
            return min(float(retry_after), LONGEST_PAUSE_SECONDS)
        return self._jitter() * 0.5 * 2**attempt


def segment(name):
    """A name as one segment of a path."""
    return quote(name, safe="")


def _split(url):
    try:
        parts = urlsplit(url)
        port_is_number = parts.port is None or parts.port > 0
    except ValueError:
        parts, port_is_number = urlsplit(""), False
    wrong = parts.scheme not in ("http", "https") or not parts.hostname or not port_is_number
    if wrong or parts.query or parts.fragment or parts.username:
        raise WitnessError(
            "E_CONFIG",
            "witness_url is not the address of a witness",
            "Write it as https://HOST:PORT, without user, query and fragment.",
        )
    return parts


def _is_loopback(host):
    return host in ("localhost", "::1") or host.startswith("127.")
