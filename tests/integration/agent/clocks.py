# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Clocks that a test may set: of the witness's process and of a host's agent, never of the machine.

libfaketime reads the offset from a file once a second, so a step reaches a process that runs. Timeouts are of the
monotonic clock, which stays as it is, as it does when a real clock is set.
"""

from pathlib import Path

from tests.lab.host import Host

LIBRARY = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"
IN_HOST = "/etc/zfs-sync-test-clock"
DROP_IN = "/etc/systemd/system/zfs-sync-agent.service.d/clock.conf"


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


def prepare_agent(host: Host) -> None:
    """Let the agent of this host take its offset from a file, from its next start."""
    host.ssh("apt-get update -qq && apt-get install --yes -qq libfaketime >/dev/null")
    lines = "".join(f"Environment={name}={value}\n" for name, value in environment(IN_HOST).items())
    host.put(offset(0), IN_HOST)
    host.put(f"[Service]\n{lines}".encode(), DROP_IN)
    host.ssh(["systemctl", "daemon-reload"])
    host.ssh(["systemctl", "restart", "zfs-sync-agent"])


def set_agent(host: Host, seconds: int) -> None:
    """Set the clock of this host's agent so many seconds off."""
    host.put(offset(seconds), IN_HOST)


def set_witness(file: Path, seconds: int) -> None:
    """Set the clock of a witness that takes its offset from this file."""
    fresh = file.with_suffix(".new")
    fresh.write_bytes(offset(seconds))
    fresh.replace(file)
