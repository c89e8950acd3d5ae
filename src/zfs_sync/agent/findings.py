# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""What the doctor has to say about one thing."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, how it is, and what mends it."""

    check: str
    status: Literal["ok", "warning", "failed"]
    message: str
    remedy: str = ""


def ok(check: str, message: str) -> Finding:
    """It works."""
    return Finding(check, "ok", message)


def warning(check: str, message: str, remedy: str = "") -> Finding:
    """It may be meant so."""
    return Finding(check, "warning", message, remedy)


def failed(check: str, message: str, remedy: str = "") -> Finding:
    """It does not work."""
    return Finding(check, "failed", message, remedy)
