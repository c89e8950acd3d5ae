"""Where this machine gets Debian from.

The lab is built from the mirror, and with the apt settings (proxy, date checks), that the machine already uses, asked
from apt itself: so deb822 and one-line sources, and every file in apt.conf.d, count as apt counts them.
"""

from __future__ import annotations

import os
from pathlib import Path

from tests.lab.errors import LabError
from tests.lab.process import run

SUITE = "bookworm"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_SETTINGS_NOT_TO_PASS_ON = ("Acquire::IndexTargets", "Acquire::cdrom", "Acquire::Languages", "Acquire::Changelogs")


def debian_mirror() -> str:
    """Return the URI of a Debian mirror: $ZFS_SYNC_LAB_MIRROR, or the first one that this machine's apt uses."""
    if given := os.environ.get("ZFS_SYNC_LAB_MIRROR"):
        return given
    targets = run(["apt-get", "indextargets", "--format", "$(REPO_URI) $(COMPONENT)", "Created-By: Packages"])
    for line in targets.stdout.splitlines():
        uri, _, component = line.rpartition(" ")
        if component == "main" and uri.rstrip("/").endswith("/debian"):
            return uri.rstrip("/")
    raise LabError("no Debian mirror in this machine's apt sources: set ZFS_SYNC_LAB_MIRROR to one")


def source_line() -> str:
    """Return the one-line apt source of the lab's suite."""
    signed_by = f"[signed-by={KEYRING}] " if KEYRING.exists() else ""
    return f"deb {signed_by}{debian_mirror()} {SUITE} main"


def acquire_settings() -> str:
    """Return the machine's settings for downloads, as lines of an apt.conf."""
    dump = run(["apt-config", "dump", "--no-empty", "Acquire"])
    lines = (line for line in dump.stdout.splitlines() if not line.startswith(_SETTINGS_NOT_TO_PASS_ON))
    return "".join(f"{line}\n" for line in lines)
