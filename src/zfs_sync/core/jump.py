# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""A host on the way to another one, ``user@host:port``: what ssh(1) calls a jump host."""

import re
from dataclasses import dataclass

from zfs_sync.core.names import check_host, check_user

DEFAULT_USER = "zfs-sync"
DEFAULT_PORT = 22

_FORM = re.compile(r"(?:([^@]*)@)?(?:\[([^\[\]]*)\]|([^:@\[\]]+))(?::([0-9]{1,5}))?")


@dataclass(frozen=True, slots=True)
class Jump:
    """A jump host."""

    user: str
    host: str
    port: int

    def __str__(self) -> str:
        """The canonical form: user and port are always there, an IPv6 address is in brackets."""
        return f"{self.user}@{bracketed(self.host)}:{self.port}"


def bracketed(host: str) -> str:
    """The host as it stands before a colon and a port."""
    return f"[{host}]" if ":" in host else host


def parse_jump(text: str) -> Jump:
    """Read ``user@host:port``; user and port may be left out. Raises ValueError with a sentence for people."""
    match = _FORM.fullmatch(text)
    if match is None:
        raise ValueError(f"{ascii(text)[:120]} is no jump host: write user@host:port, an IPv6 address in brackets")
    user, address, name, port = match.groups()
    number = DEFAULT_PORT if port is None else int(port)
    if not 1 <= number <= 65_535:
        raise ValueError(f"{ascii(text)[:120]} has no port between 1 and 65535")
    return Jump(check_user(DEFAULT_USER if user is None else user), check_host(address or name or ""), number)
