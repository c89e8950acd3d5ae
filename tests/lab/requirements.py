"""What a machine must have to run a lab, and which Debian package brings what it lacks."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from tests.lab.errors import LabError

PACKAGE_OF = {
    "apt-ftparchive": "apt-utils",
    "ip": "iproute2",
    "mmdebstrap": "mmdebstrap",
    "nft": "nftables",
    "nsenter": "util-linux",
    "setsid": "util-linux",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "sysctl": "procps",
    "systemd-nspawn": "systemd-container",
    "tc": "iproute2",
}
FULL_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def require_machine() -> None:
    """Raise LabError unless this is root on a Linux with the lab's programs and /dev/fuse."""
    if sys.platform != "linux":
        raise LabError(f"the container lab needs Linux (this is {sys.platform}): run it in a Linux machine or VM")
    if os.geteuid() != 0:
        raise LabError("the container lab needs root (namespaces, mounts, cgroups): run it with sudo")
    _widen_path()
    missing = sorted({package for tool, package in PACKAGE_OF.items() if not shutil.which(tool)})
    if missing:
        raise LabError(f"the container lab lacks programs: apt-get install {' '.join(missing)}")
    if not Path("/dev/fuse").exists():
        raise LabError("/dev/fuse is missing and zfs-fuse needs it: modprobe fuse")


def _widen_path() -> None:
    """`su` without a login shell leaves the sbin folders out."""
    known = os.environ.get("PATH", "").split(":")
    os.environ["PATH"] = ":".join([*known, *(part for part in FULL_PATH.split(":") if part not in known)])
