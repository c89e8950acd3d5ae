"""What a lab remembers between commands, and the machine-wide register that keeps labs apart.

The record holds only what the kernel does not: which hosts there should be, their addresses, and which folders they
were made from. Whether a host runs, and with which process, is always asked from the kernel.
"""

from __future__ import annotations

import fcntl
import json
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from tests.lab.errors import LabError
from tests.lab.names import REPOSITORY, RUN_ROOT, LabPaths, check_lab_name

_SUBNETS = 250
_FIRST_HOST = 11
_LAST_HOST = 250


@dataclass(frozen=True, slots=True)
class LabRecord:
    """One lab as `up` made it: `hosts` maps each name to the last number of its address."""

    subnet: int
    base: str
    packages: str
    wheelhouse: str
    owner_pid: int | None = None
    hosts: dict[str, int] = field(default_factory=dict)

    def address(self, host: str) -> str:
        return f"10.99.{self.subnet}.{self.hosts[host]}"

    @property
    def controller_address(self) -> str:
        return f"10.99.{self.subnet}.1"

    def with_hosts(self, names: list[str]) -> LabRecord:
        """Return the record with `names` added; hosts that are there keep their addresses."""
        new = [name for name in names if name not in self.hosts]
        start = max(self.hosts.values(), default=_FIRST_HOST - 1) + 1
        if start + len(new) - 1 > _LAST_HOST:
            raise LabError(f"a lab has room for {_LAST_HOST - _FIRST_HOST + 1} hosts")
        return replace(self, hosts=self.hosts | {name: start + index for index, name in enumerate(new)})


def default_state(name: str) -> Path:
    """Return the folder where the lab `name` keeps its state unless it was told another."""
    return REPOSITORY / ".build" / "lab" / name


def locate(name: str, state: Path | None = None) -> LabPaths:
    """Return the paths of the lab `name`: where it is registered, else `state`, else the default."""
    link = LabPaths(check_lab_name(name), Path()).state_link
    registered = link.readlink() if link.is_symlink() else None
    if state and registered and state.resolve() != registered:
        raise LabError(f"lab {name} is there already, with its state in {registered}: choose another name")
    return LabPaths(name, registered or (state.resolve() if state else default_state(name)))


def read(paths: LabPaths) -> LabRecord | None:
    """Return the record of a lab, or None when there is none."""
    if not paths.record.exists() or not paths.state_link.is_symlink():
        return None
    return LabRecord(**json.loads(paths.record.read_text()))


def write(paths: LabPaths, record: LabRecord) -> None:
    """Keep `record`; a reader never sees half of it."""
    unfinished = paths.record.with_suffix(".new")
    unfinished.write_text(json.dumps(asdict(record), indent=2) + "\n")
    unfinished.rename(paths.record)


def register(paths: LabPaths, base: Path, packages: Path, wheelhouse: Path, owner_pid: int | None) -> LabRecord:
    """Enter a new lab, with a subnet that no other lab of this machine has."""
    with register_locked():
        taken = {record.subnet for name in registered_labs() if (record := read(locate(name)))}
        preferred = 0 if paths.name == "lab" else 1 + zlib.crc32(paths.name.encode()) % (_SUBNETS - 1)
        free = [number for number in range(_SUBNETS) if number not in taken]
        if not free:
            raise LabError(f"{_SUBNETS} labs are there already: python -m tests.lab down --all")
        subnet = preferred if preferred not in taken else free[-1]
        record = LabRecord(subnet, str(base), str(packages), str(wheelhouse), owner_pid)
        paths.hosts.mkdir(parents=True, exist_ok=True)
        paths.runtime.mkdir(mode=0o700, parents=True, exist_ok=True)
        write(paths, record)
        paths.state_link.symlink_to(paths.state)
    return record


def registered_labs() -> list[str]:
    """Return the names of the labs that this machine has, in any state."""
    return sorted(folder.name for folder in RUN_ROOT.iterdir() if folder.is_dir()) if RUN_ROOT.is_dir() else []


@contextmanager
def register_locked() -> Iterator[None]:
    """Hold the register: no lab is entered meanwhile."""
    RUN_ROOT.mkdir(mode=0o755, exist_ok=True)
    with (RUN_ROOT / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
