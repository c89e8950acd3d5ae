# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""A renewed certificate is taken up by the witness that runs: new connections get it, those that are open go on."""

import ssl
from collections.abc import Sequence
from pathlib import Path

from structlog.typing import FilteringBoundLogger

LOOK_SECONDS = 2.0
_Marks = Sequence[tuple[int, int, int]]


class CertificateWatch:
    """Two files, certificate and key, and the context that they are loaded into."""

    def __init__(self, context: ssl.SSLContext, certificate: Path, key: Path, log: FilteringBoundLogger) -> None:
        self._context, self._certificate, self._key, self._log = context, certificate, key, log
        self._loaded = self._marks()
        self._refused: _Marks | None = None

    def look(self) -> bool:
        """Load the files if they are others than before and belong together; whether they were loaded.

        A pair that cannot be used, such as a key that was just written and a certificate that is still to come, is
        left alone, said once, and looked at again.
        """
        marks = self._marks()
        if not marks or marks == self._loaded:
            return False
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(self._certificate, self._key)
            if self._marks() != marks:
                return False
            self._context.load_cert_chain(self._certificate, self._key)
        except (OSError, ssl.SSLError) as error:
            if marks != self._refused:
                self._log.warning("certificate_not_taken", certificate=str(self._certificate), detail=str(error))
            self._refused = marks
            return False
        self._loaded = marks
        self._log.info("certificate_taken", certificate=str(self._certificate))
        return True

    def _marks(self) -> _Marks:
        """What tells the files from those that were there before; empty where one is missing for the moment."""
        try:
            found = [path.stat() for path in (self._certificate, self._key)]
        except OSError:
            return ()
        return [(each.st_mtime_ns, each.st_ino, each.st_size) for each in found]
