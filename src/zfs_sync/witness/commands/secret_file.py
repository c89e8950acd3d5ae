# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Where a key goes when it is made: into a file that only its owner reads, or onto a terminal, never into a log."""

import os
import sys
from pathlib import Path

from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.core.tokens import Token


def write_secret(path: Path, text: str) -> None:
    """Put ``text`` into a file of mode 0600, whole or not at all."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as stream:
            stream.write(text + "\n")
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise ZfsSyncError("E_CONFIG", f"The key cannot be written to {path}: {error.strerror}.") from error


def check_outlet(key_file: Path | None, *, printed: bool) -> None:
    """Raise E_CONFIG where a new key would go nowhere: before it is made, not after."""
    if key_file is None and not printed and not sys.stdout.isatty():
        raise ZfsSyncError(
            "E_CONFIG",
            "The key would be shown, and no terminal reads it.",
            hint="Give --key-file FILE, or --print to have it on standard output nevertheless.",
        )


def reveal(token: Token) -> list[str]:
    """The line that shows a key, where a person looks on."""
    return [f"Key: {token.text}"] if sys.stdout.isatty() else []
