# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Telling systemd how the service stands: the few lines of sd_notify(3) that are needed, without a library."""

import os
import socket


def notify(state: str) -> None:
    """Send ``state``, such as ``READY=1``; does nothing where systemd did not ask for it."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
        channel.connect(address)
        channel.sendall(state.encode())
