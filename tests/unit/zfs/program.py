# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""A program ``zfs`` that says again what was recorded, where a test needs a process: streams, descriptors, signals."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from zfs_sync.zfs.runner import LocalRunner

SCRIPT = """#!/bin/sh
here={folder}
key=$({{ basename "$0"; printf '%s\\n' "$@"; }} | sha256sum | cut -c1-40)
echo "$(basename "$0") $*" >>"$here/asked"
[ -e "$here/$key.out" ] || {{ echo "nothing was recorded for $*" >&2; exit 99; }}
[ -e "$here/$key.then" ] && . "$here/$key.then"
cat "$here/$key.out"
cat "$here/$key.err" >&2
exit "$(cat "$here/$key.status")"
"""


class Program:
    """The program and what it says."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "asked").touch()
        for name in ("zfs", "zpool"):
            path = folder / name
            path.write_text(SCRIPT.format(folder=folder))
            path.chmod(0o755)
        self.runner = LocalRunner({"PATH": str(folder)})

    def say(
        self, argv: Sequence[str], stdout: str | bytes = "", *, stderr: str = "", status: int = 0, then: str = ""
    ) -> None:
        """From now on ``argv`` is answered like this, after the shell has done ``then``."""
        content = stdout.encode() if isinstance(stdout, str) else stdout
        place = self.folder / self.key(argv)
        place.with_suffix(".err").write_text(stderr)
        place.with_suffix(".status").write_text(str(status))
        place.with_suffix(".then").write_text(then)
        place.with_suffix(".out").write_bytes(content)

    def key(self, argv: Sequence[str]) -> str:
        """The name of the files with the answer."""
        return hashlib.sha256("".join(f"{word}\n" for word in argv).encode()).hexdigest()[:40]

    @property
    def asked(self) -> list[str]:
        """The command lines so far."""
        return (self.folder / "asked").read_text().splitlines()
