# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Where the witness is. There is no default, and a key does not travel in clear beyond this host unless it is said."""

import ipaddress
from urllib.parse import urlsplit

LOOPBACK_NAMES = frozenset({"localhost", "localhost.localdomain"})


def check_url(url: str, *, allow_plain_http: bool = False) -> str:
    """The URL without a slash at its end. Raises ValueError with a sentence for people."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise ValueError(f"{ascii(url)[:120]} is not a URL: {error}") from None
    if parts.scheme not in ("http", "https") or not host:
        raise ValueError(f"{ascii(url)[:120]} is not a URL of a witness: write https://HOST:PORT")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("the URL of a witness has neither user, password, query nor fragment")
    if parts.scheme == "http" and not is_loopback(host) and not allow_plain_http:
        raise ValueError(
            f"{url} would send the key in clear: use https, or set allow_plain_http: true on a network you trust"
        )
    return url.rstrip("/")


def is_loopback(host: str) -> bool:
    """Whether this host name or address never leaves the machine."""
    if host.lower() in LOOPBACK_NAMES:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
