# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""API keys as text: ``zs_<kind>_<lookup>_<secret><checksum>``.

The prefix lets secret scanners find a leaked key, the lookup part finds its row without a table scan, and the checksum
tells a mistyped key from a revoked one. Only the SHA-256 is stored: the secret has 256 random bits, so a slow hash adds
nothing but a way to overload the witness.
"""

import base64
import hashlib
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass

from zfs_sync.core.errors import ZfsSyncError

KINDS = ("admin", "operator", "viewer", "agent", "enrol")

_TOKEN = re.compile(r"zs_(admin|operator|viewer|agent|enrol)_([a-z2-7]{8})_([A-Za-z0-9_-]{43})([a-z2-7]{6})")


@dataclass(frozen=True, slots=True)
class Token:
    """A key in clear. Its text must reach no log, diff, state or error; repr leaves it out."""

    kind: str
    lookup: str
    text: str

    @property
    def sha256(self) -> str:
        """What is stored instead of the text (hex)."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def __repr__(self) -> str:
        """Name the key without its secret."""
        return f"Token(zs_{self.kind}_{self.lookup}_...)"

    __str__ = __repr__


def mint(kind: str, random: Callable[[int], bytes]) -> Token:
    """A new key of this kind; ``random`` gives that many random bytes (``secrets.token_bytes``)."""
    if kind not in KINDS:
        raise ValueError(f"{kind!r} is not a kind of key: use one of {', '.join(KINDS)}")
    lookup = base64.b32encode(random(5)).decode().lower()
    secret = base64.urlsafe_b64encode(random(32)).decode().rstrip("=")
    body = f"zs_{kind}_{lookup}_{secret}"
    return Token(kind, lookup, body + _checksum(body))


def parse(text: str) -> Token:
    """The key in ``text``. Raises E_KEY_MALFORMED, without quoting it, when it is none."""
    match = _TOKEN.fullmatch(text)
    if not match or _checksum(text[:-6]) != text[-6:]:
        raise ZfsSyncError("E_KEY_MALFORMED", "The API key is not complete or was mistyped.")
    return Token(match.group(1), match.group(2), text)


def _checksum(body: str) -> str:
    return base64.b32encode(zlib.crc32(body.encode()).to_bytes(4, "big")).decode().lower()[:6]
