# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Where things are on a host."""

from dataclasses import dataclass
from pathlib import Path

from zfs_sync.agent.config import DEFAULT_PATH
from zfs_sync.agent.install.files import Owner

PEER_USER = "zfs-sync"
ARCHIVE = "zfs-sync-agent.pyz"
UNIT = "zfs-sync-agent.service"
ROOT = Owner("root", "root")
FOR_PEERS = Owner("root", PEER_USER)
"""Root's files that the peers' account may read and not write: its forced commands are among them."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths of an installation."""

    library: Path = Path("/usr/lib/zfs-sync")
    command: Path = Path("/usr/bin/zfs-sync-agent")
    config: Path = DEFAULT_PATH
    home: Path = Path("/var/lib/zfs-sync")
    units: Path = Path("/etc/systemd/system")

    @property
    def versions(self) -> Path:
        """A folder for each version that is installed."""
        return self.library / "versions"

    @property
    def current(self) -> Path:
        """A link to the version that runs."""
        return self.library / "current"

    @property
    def previous(self) -> Path:
        """A link to the version before: the way back."""
        return self.library / "previous"

    @property
    def ca(self) -> Path:
        """The witness's CA, unless the configuration says another place."""
        return self.config.parent / "ca.pem"

    @property
    def ssh_folder(self) -> Path:
        """What sshd reads for the peers' account."""
        return self.home / ".ssh"

    @property
    def authorized_keys(self) -> Path:
        """Who may log in, and with which forced command."""
        return self.ssh_folder / "authorized_keys"
