"""Room for many hosts: each systemd takes eight of the kernel's inotify instances, and boots half without."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from tests.lab.cgroups import trees
from tests.lab.names import PREFIX

_INSTANCES = Path("/proc/sys/fs/inotify/max_user_instances")
_ENOUGH = 1024
_HOSTS_WITHOUT = 10


def make_room(new_hosts: int, say: Callable[[str], None]) -> None:
    """Raise fs.inotify.max_user_instances when the machine is about to have more than ten hosts, and say so."""
    present = sum(1 for _ in (trees().primary / PREFIX).glob("*/[!_]*/payload"))
    if present + new_hosts <= _HOSTS_WITHOUT or int(_INSTANCES.read_text()) >= _ENOUGH:
        return
    if os.access(_INSTANCES, os.W_OK):
        _INSTANCES.write_text(str(_ENOUGH))
        say(f"raised fs.inotify.max_user_instances to {_ENOUGH}: more than {_HOSTS_WITHOUT} hosts need it")
    else:
        say(f"more than {_HOSTS_WITHOUT} hosts may not boot: sysctl -w fs.inotify.max_user_instances={_ENOUGH}")
