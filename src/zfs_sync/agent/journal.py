# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Log records as entries of systemd's journal, with fields of their own that ``journalctl`` can select by.

The native protocol is a datagram of ``NAME=value`` lines to a socket of journald
(https://systemd.io/JOURNAL_NATIVE_PROTOCOL/). It is spoken only where standard error is the journal already, which
systemd says in ``JOURNAL_STREAM`` (systemd.exec(5)): who starts the agent by hand sees what it logs.
"""

import logging
import os
import socket
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

SOCKET = Path("/run/systemd/journal/socket")
IDENTIFIER = "zfs-sync-agent"
PREFIX = "ZFS_SYNC_"
LONGEST_VALUE = 16_000
"""Bytes of one value: an entry stays far below what a datagram may carry."""
PRIORITIES = ((logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6))
DEBUG = 7


def is_journal(descriptor: int, environment: Mapping[str, str]) -> bool:
    """Whether this descriptor is a stream that systemd has connected to the journal."""
    status = os.fstat(descriptor)
    return environment.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"


class JournalHandler(logging.Handler):
    """Sends each record as an entry; while journald does not take one, the other handler gets it."""

    def __init__(
        self,
        fields: Callable[[logging.LogRecord], Iterator[tuple[str, str]]],
        otherwise: logging.Handler,
        path: Path = SOCKET,
    ) -> None:
        """``fields`` gives what a record is about, by names without the prefix, and its ``message``."""
        super().__init__()
        self._fields, self._otherwise, self._path = fields, otherwise, path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)

    def emit(self, record: logging.LogRecord) -> None:
        """Send it; not connected once and for all, since journald may be started anew."""
        try:
            self._socket.sendto(self._entry(record), str(self._path))
        except OSError:
            self._otherwise.emit(record)

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()
        super().close()

    def _entry(self, record: logging.LogRecord) -> bytes:
        lines = [_line("PRIORITY", str(_priority(record.levelno))), _line("SYSLOG_IDENTIFIER", IDENTIFIER)]
        for name, value in self._fields(record):
            lines.append(_line("MESSAGE" if name == "message" else f"{PREFIX}{name.upper()}", value))
        return b"".join(lines)


def _priority(level: int) -> int:
    return next((priority for least, priority in PRIORITIES if level >= least), DEBUG)


def _line(name: str, value: str) -> bytes:
    """``NAME=value``, or with the length before it where the value has lines of its own."""
    content = value.encode(errors="replace")[:LONGEST_VALUE]
    if b"\n" not in content:
        return b"%s=%s\n" % (name.encode(), content)
    return b"%s\n%s%s\n" % (name.encode(), len(content).to_bytes(8, "little"), content)
