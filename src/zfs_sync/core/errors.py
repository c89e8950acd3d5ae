# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The one exception of ZFS Sync: a code of the catalogue, what happened to which object, and what to do about it.

Every front end shows the same text, so the text is made here and in ``zfs_sync.core.error_catalogue`` only.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from zfs_sync.core.error_catalogue import CATALOGUE, CatalogueEntry

__all__ = ["CATALOGUE", "CatalogueEntry", "Fault", "ZfsSyncError", "docs_url", "pointer"]

DOCS_BASE = "https://zfs-sync.github.io/docs/errors"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with an input: where (a JSON pointer, RFC 6901) and what."""

    pointer: str
    message: str
    code: str | None = None


class ZfsSyncError(Exception):
    """An error of the catalogue. Raises KeyError when built with a code that the catalogue lacks."""

    def __init__(self, code: str, message: str, *, hint: str | None = None, faults: Sequence[Fault] = ()) -> None:
        self.entry = CATALOGUE[code]
        self.code = code
        self.message = message
        self.hint = hint if hint is not None else self.entry.remedy
        self.faults = tuple(faults)
        super().__init__(code, message)

    def __str__(self) -> str:
        """The error as one line of a terminal or log."""
        details = "".join(f"; {fault.pointer}: {fault.message}" for fault in self.faults)
        return f"{self.code}: {self.message}{details} ({self.hint})"


def docs_url(code: str) -> str:
    """Where the page of this code is published."""
    return f"{DOCS_BASE}/{code}"


def pointer(*parts: str | int) -> str:
    """A JSON pointer (RFC 6901) from its unescaped parts."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)
