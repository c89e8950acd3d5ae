# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Whether keys would travel readable, which takes a word of the administrator."""

import ipaddress

from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.witness.settings import Settings


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach what listens on ``host``."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def exposed(settings: Settings) -> bool:
    """Whether the witness speaks plain HTTP beyond loopback. Raises E_CONFIG where nobody has allowed that."""
    if settings.tls_certificate is not None or is_loopback(settings.host):
        return False
    if not settings.allow_plain_http:
        raise ZfsSyncError(
            "E_CONFIG",
            f"The witness would listen on {settings.host} without TLS, and keys would travel readable.",
            hint="Run zfs-sync-witness tls init and set tls_certificate and tls_key, or listen on 127.0.0.1.",
        )
    return True
