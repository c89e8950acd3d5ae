# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The clock of the witness's process, which a test may set; never that of the machine.

libfaketime reads the offset from a file once a second, so a step reaches a process that runs. Timeouts are of the
monotonic clock, which stays as it is, as it does when a real clock is set. An agent cannot be run like that:
libfaketime 0.9.10 spoils clock_nanosleep(2) of the monotonic clock, by which Python waits for a process.
"""

from pathlib import Path

LIBRARY = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"


def environment(file: str) -> dict[str, str]:
    """What makes a process take its offset from this file."""
    return {
        "LD_PRELOAD": LIBRARY,
        "FAKETIME_TIMESTAMP_FILE": file,
        "FAKETIME_CACHE_DURATION": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }


def offset(seconds: int) -> bytes:
    """The content of such a file."""
    return f"{seconds:+d}\n".encode()


def set_witness(file: Path, seconds: int) -> None:
    """Set the clock of a witness that takes its offset from this file."""
    fresh = file.with_suffix(".new")
    fresh.write_bytes(offset(seconds))
    fresh.replace(file)
