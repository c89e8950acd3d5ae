# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""What systemd wants to hear from a service of Type=notify (sd_notify(3))."""

import os
import socket
from collections.abc import Mapping


class Systemd:
    """Speaks to the service manager, where there is one."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._address = environment.get("NOTIFY_SOCKET", "")

    def say(self, **state: str) -> None:
        """Tell it assignments such as READY="1"; silence where nobody listens."""
        if not self._address:
            return
        name = f"\0{self._address[1:]}" if self._address.startswith("@") else self._address
        message = "\n".join(f"{key}={value}" for key, value in state.items()).encode()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as manager:
            try:
                manager.sendto(message, name)
            except OSError:
                return  # a manager that went away is not a reason to end
