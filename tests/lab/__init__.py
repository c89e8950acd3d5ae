"""The container lab: hosts with a real systemd, sshd and ZFS (zfs-fuse) on one machine, up in seconds.

`python -m tests.lab` is its command, `Lab` its interface for tests, `tests.lab.fixtures` its pytest fixtures;
docs/reference/lab.md describes them.
"""

from tests.lab.errors import CommandError, LabError
from tests.lab.host import Host
from tests.lab.lab import Lab

__all__ = ["CommandError", "Host", "Lab", "LabError"]
