"""Taking a lab down, also one whose starter crashed, or of which half is gone.

Nothing here trusts a record: processes are found by the lab's cgroup, mounts by the lab's state folder and machine
names, namespaces by name. So every step may be repeated, and does nothing where there is nothing.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from tests.lab import record as records
from tests.lab.cgroups import Cgroup, trees
from tests.lab.errors import LabError
from tests.lab.names import NAMESPACE_PREFIX, PREFIX, LabPaths, network_namespace
from tests.lab.network import NAMESPACES, remove_namespaces
from tests.lab.process import run
from tests.lab.ssh import end_connections

_NSPAWN_RUNTIME = Path("/run/systemd/nspawn")


def remove_lab(name: str, state: Path | None = None) -> bool:
    """Remove the lab `name` with all that it has on this machine; return whether there was anything."""
    paths = records.locate(name, state)
    found = paths.runtime.exists() or paths.state.exists() or name in labs_on_machine()
    end_connections(paths)
    lab = Cgroup.of(name)
    lab.kill()
    _unmount(paths)
    remove_namespaces(name)
    lab.remove()
    _remove_files(paths)
    _remove_empty_parents(lab)
    return found


def labs_on_machine() -> list[str]:
    """Return the names of all labs of which anything is left: registered, running, or only as a namespace."""
    names = set(records.registered_labs())
    for tree in trees().all:
        names |= {folder.name for folder in (tree / PREFIX).glob("*") if folder.is_dir()}
    for namespace in NAMESPACES.glob(f"{NAMESPACE_PREFIX}.*"):
        names.add(namespace.name.split(".")[1])
    return sorted(names)


def remove_abandoned() -> None:
    """Remove the labs whose owner, a test run, is no more; one test process at a time does."""
    with records.register_locked():
        for name in records.registered_labs():
            record = records.read(records.locate(name))
            if record and record.owner_pid and not Path(f"/proc/{record.owner_pid}").exists():
                remove_lab(name)


def _unmount(paths: LabPaths) -> None:
    """Unmount all of the lab, the innermost first; lazily when somebody still looks at it."""
    for mount_point in reversed(list(_mounts(paths))):
        if run(["umount", mount_point], check=False).returncode:
            run(["umount", "--lazy", mount_point])
    left = list(_mounts(paths))
    if left:
        raise LabError(f"lab {paths.name}: still mounted, so nothing is deleted: {', '.join(left)}")


def _mounts(paths: LabPaths) -> Iterator[str]:
    machine = f"/{network_namespace(paths.name)}."
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        mount_point = re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), line.split()[4])
        of_nspawn = mount_point.startswith(f"{_NSPAWN_RUNTIME}/") and machine in mount_point
        if mount_point.startswith(f"{paths.state}/") or of_nspawn:
            yield mount_point


def _remove_files(paths: LabPaths) -> None:
    """Delete what a lab makes, by name: the state folder may be one that somebody gave us, with more in it."""
    if paths.hosts.exists():
        shutil.rmtree(paths.hosts)
    for file in paths.files:
        file.unlink(missing_ok=True)
    _remove_if_empty(paths.state)
    for left in _NSPAWN_RUNTIME.glob(f"*/{network_namespace(paths.name)}.*"):
        shutil.rmtree(left)
    if paths.runtime.exists():
        shutil.rmtree(paths.runtime)


def _remove_empty_parents(lab: Cgroup) -> None:
    for tree in lab.trees.all:
        _remove_if_empty(tree / PREFIX)


def _remove_if_empty(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:
        return
