# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The host keys that a peer's sshd offers, for people to compare: nothing is believed by asking."""

import base64
import hashlib
import subprocess

SECONDS = 5
KINDS = "ed25519,ecdsa,rsa"


def offered_keys(host: str, port: int) -> list[str]:
    """Type and key of each, as ssh-keyscan(1) hears them; empty where it hears none, such as behind a jump host."""
    argv = ["ssh-keyscan", "-T", str(SECONDS), "-t", KINDS, "-p", str(port), "--", host]
    try:
        done = subprocess.run(
            argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=4 * SECONDS, check=False
        )
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return []
    lines = (line.split() for line in done.stdout.splitlines() if not line.startswith("#"))
    return sorted(" ".join(words[1:3]) for words in lines if len(words) == 3)


def fingerprint(key: str) -> str:
    """Type and SHA256 fingerprint of a public key, as ``ssh-keygen -l`` shows it."""
    kind, _, body = key.partition(" ")
    digest = hashlib.sha256(base64.b64decode(body)).digest()
    return f"{kind} SHA256:{base64.b64encode(digest).decode().rstrip('=')}"
