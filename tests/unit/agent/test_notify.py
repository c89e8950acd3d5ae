# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""What the service manager hears, where there is one."""

import secrets
import socket
from pathlib import Path

from zfs_sync.agent.notify import Systemd


def test_it_hears_every_assignment_on_a_path_or_an_abstract_name(tmp_path: Path) -> None:
    abstract = f"@zfs-sync-{secrets.token_hex(6)}"
    for address in (str(tmp_path / "notify"), abstract):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.bind(address.replace("@", "\0") if address == abstract else address)
            manager.settimeout(30)
            Systemd({"NOTIFY_SOCKET": address}).say(READY="1", STATUS="well")
            assert manager.recv(100) == b"READY=1\nSTATUS=well"


def test_nobody_there_is_well(tmp_path: Path) -> None:
    Systemd({}).say(READY="1")
    Systemd({"NOTIFY_SOCKET": str(tmp_path / "gone")}).say(READY="1")
