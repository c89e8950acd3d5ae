# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Log lines as JSON objects on standard error, which systemd keeps in the journal. No key ever gets into one."""

import json
import logging
import re
import sys
from typing import Any

LOGGER = "zfs_sync"
FIELDS = ("system", "job", "edge", "peer", "dataset", "code")

_TOKEN = re.compile(r"zs_(admin|operator|viewer|agent|enrol)_[A-Za-z0-9_-]+")


def redact(text: str) -> str:
    """The text with every key in it made unusable."""
    return _TOKEN.sub(r"zs_\1_(secret)", text)


class JsonLines(logging.Formatter):
    """One object per line: time, level, message, and what it is about."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line: dict[str, Any] = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S"),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
        }
        line |= {name: getattr(record, name) for name in FIELDS if hasattr(record, name)}
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return redact(json.dumps(line, ensure_ascii=False, default=str))


def configure(level: str) -> None:
    """Log from this level on, to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logger = logging.getLogger(LOGGER)
    logger.handlers[:] = [handler]
    logger.setLevel(level.upper())
    logger.propagate = False
