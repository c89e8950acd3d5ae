# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""``tls init`` and ``tls renew``."""

from argparse import Namespace
from collections.abc import Callable
from typing import Any

from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.witness import tls
from zfs_sync.witness.clock import instant, system_clock
from zfs_sync.witness.settings import load
from zfs_sync.witness.tls import Files, Issued


def init(options: Namespace) -> dict[str, Any]:
    """Make what is missing or no longer fits."""
    files, check = _files(options), options.check
    return _run(files, lambda: tls.ensure(files, options.host, system_clock(), check=check), check=check)


def renew(options: Namespace) -> dict[str, Any]:
    """Make a new certificate."""
    files = _files(options)
    return _run(files, lambda: tls.renew(files, system_clock()))


def _files(options: Namespace) -> Files:
    return Files(options.directory or load(file=options.config).database.parent / "tls")


def _run(files: Files, work: Callable[[], Issued], *, check: bool = False) -> dict[str, Any]:
    try:
        issued = work()
    except (OSError, ValueError) as error:
        raise ZfsSyncError("E_CONFIG", f"The certificates in {files.folder} cannot be used: {error}.") from error
    return {
        "changed": issued.changed,
        "reason": issued.reason,
        "hosts": list(issued.hosts),
        "not_after": instant(issued.not_after),
        "ca_certificate": str(files.ca),
        "certificate": str(files.certificate),
        "key": str(files.key),
        "text": _text(files, issued, check=check),
    }


def _text(files: Files, issued: Issued, *, check: bool) -> str:
    made = "A new certificate would be made" if check else "A new certificate was made"
    verb = made if issued.changed else "The certificate stays"
    return "\n".join(
        [
            f"{verb} ({issued.reason}): for {', '.join(issued.hosts)}, until {instant(issued.not_after)}.",
            f"Give clients {files.ca}. The witness's settings:",
            f"  tls_certificate: {files.certificate}",
            f"  tls_key: {files.key}",
        ]
    )
