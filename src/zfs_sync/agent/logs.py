# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""What the agent logs: entries of the journal under systemd, else JSON lines on standard error. Never a key."""

import json
import logging
import os
import re
import sys
from collections.abc import Iterator
from typing import Any

from zfs_sync.agent.journal import JournalHandler, is_journal

LOGGER = "zfs_sync"
FIELDS = ("system", "group", "edge", "job", "peer", "dataset", "code")
"""What a record may be about, as names of its attributes."""

_TOKEN = re.compile(r"zs_(admin|operator|viewer|agent|enrol)_[A-Za-z0-9_-]+")


def redact(text: str) -> str:
    """The text with every key in it made unusable."""
    return _TOKEN.sub(r"zs_\1_(secret)", text)


def fields(record: logging.LogRecord) -> Iterator[tuple[str, str]]:
    """The message and what it is about, by name, without keys."""
    yield "message", redact(record.getMessage())
    for name in FIELDS:
        if hasattr(record, name):
            yield name, redact(str(getattr(record, name)))
    if record.exc_info:
        yield "traceback", redact(logging.Formatter().formatException(record.exc_info))


class JsonLines(logging.Formatter):
    """One object per line: time, level, message, and what it is about."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line: dict[str, Any] = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S"),
            "level": record.levelname.lower(),
            **dict(fields(record)),
        }
        return json.dumps(line, ensure_ascii=False)


def configure(level: str) -> None:
    """Log from this level on, to the journal where standard error leads there, else to standard error."""
    handler: logging.Handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    if "JOURNAL_STREAM" in os.environ and is_journal(sys.stderr.fileno(), os.environ):
        handler = JournalHandler(fields, otherwise=handler)
    logger = logging.getLogger(LOGGER)
    logger.handlers[:] = [handler]
    logger.setLevel(level.upper())
    logger.propagate = False
