"""A whole lab: hosts, switch, controller."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.lab import measuring
from tests.lab import record as records
from tests.lab.cgroups import Cgroup
from tests.lab.cleanup import remove_lab
from tests.lab.container import Container
from tests.lab.errors import CommandError, LabError
from tests.lab.host import Host
from tests.lab.image import package_repository, shared_base
from tests.lab.inotify import make_room
from tests.lab.names import CONTROLLER, REPOSITORY, LabPaths, check_host_name
from tests.lab.namespaces import Entered
from tests.lab.network import Network
from tests.lab.requirements import require_machine
from tests.lab.ssh import Ssh

_AT_A_TIME = 8
PROCESSES = "_controller"  # the cgroup of what `start` started; no host's name has an underscore


def _silent(_: str) -> None:
    return None


class Lab:
    """A lab that is there. `with Lab.create(...) as lab:` takes it down at the end."""

    def __init__(self, paths: LabPaths, record: records.LabRecord) -> None:
        self.paths = paths
        self.name = paths.name
        self._use(record)

    def _use(self, record: records.LabRecord) -> None:
        self.record = record
        self.network = Network(self.name, record)
        self.secure_shell = Ssh(self.paths, self.network)
        self.hosts = {name: self._host(name) for name in record.hosts}

    def _host(self, name: str) -> Host:
        container = Container(self.name, name, self.record, self.paths.host(name))
        return Host(name, self.record.address(name), container, self.network, self.secure_shell)

    @classmethod
    def create(
        cls,
        name: str = "lab",
        hosts: Iterable[str] = ("h1", "h2", "h3"),
        *,
        wheelhouse: Path | None = None,
        state: Path | None = None,
        owner_pid: int | None = None,
        say: Callable[[str], None] = _silent,
    ) -> Lab:
        """Return the lab `name` with at least `hosts`, all of those up; what is there already stays as it is.

        `wheelhouse` is what pip in the hosts finds packages in, `state` the lab's folder, `owner_pid` the process after
        whose end nobody wants the lab. Raises LabError when the machine cannot run labs, or a host does not come up.
        """
        require_machine()
        names = [check_host_name(host) for host in hosts]
        paths = records.locate(name, state)
        record = records.read(paths)
        if record is None:
            remove_lab(name, state)
            base = shared_base(say)
            packages = package_repository(base, say)
            record = records.register(paths, base, packages, _existing(wheelhouse), owner_pid)
        lab = cls(paths, record)
        lab._add(names)
        lab._boot(names, say)
        return lab

    @classmethod
    def open(cls, name: str = "lab") -> Lab:
        """Return the lab `name`. Raises LabError when there is none."""
        require_machine()
        paths = records.locate(name)
        record = records.read(paths)
        if record is None:
            raise LabError(f"there is no lab {name}: python -m tests.lab up --name {name}")
        return cls(paths, record)

    def _add(self, names: list[str]) -> None:
        """Enter new hosts: addresses, cables, keys, and the names of all in the /etc/hosts of each."""
        new = [name for name in names if name not in self.record.hosts]
        old = list(self.hosts.values())
        self._use(self.record.with_hosts(names))
        records.write(self.paths, self.record)
        self.network.create_switch()
        self.secure_shell.create_key()
        for name in self.record.hosts:
            self.paths.host(name).create()
            self.network.attach(name)
            self.secure_shell.introduce(name)
        self.secure_shell.write_configuration()
        for name in new:
            self._write_names(name)
            measuring.prepare(self.paths.host(name))
        for host in old if new else ():
            lines = "".join(f"{self.record.address(name)} {name}\n" for name in new)
            if host.container.leader is not None:
                host.ssh("cat >> /etc/hosts", input=lines.encode())

    def _write_names(self, name: str) -> None:
        etc = self.paths.host(name).upper / "etc"
        (etc / "hostname").write_text(f"{name}\n")
        lines = ["127.0.0.1 localhost", "::1 localhost", f"{self.record.controller_address} {CONTROLLER}"]
        lines += [f"{self.record.address(host)} {host}" for host in self.record.hosts]
        (etc / "hosts").write_text("\n".join(lines) + "\n")
        for file in ("hostname", "hosts"):
            (etc / file).chmod(0o644)

    def _boot(self, names: list[str], say: Callable[[str], None]) -> None:
        make_room(len(names), say)
        self._for_each(Host.start, names)
        self._for_each(Host.wait_running, names)

    def _for_each(self, action: Callable[[Host], None], names: Iterable[str]) -> None:
        with ThreadPoolExecutor(_AT_A_TIME) as pool:
            list(pool.map(lambda name: action(self.host(name)), names))

    def host(self, name: str) -> Host:
        """Return the host `name`. Raises LabError, with the names that there are, when there is none."""
        try:
            return self.hosts[name]
        except KeyError:
            raise LabError(f"lab {self.name} has no host {name}; it has {', '.join(self.hosts)}") from None

    def partition(self, a: str, b: str) -> None:
        """Cut two hosts off from each other; either may be `controller`."""
        self.network.cut(self._end(a), self._end(b))

    def heal(self, a: str, b: str) -> None:
        """Undo `partition`."""
        self.network.join(self._end(a), self._end(b))

    def _end(self, name: str) -> str:
        return name if name == CONTROLLER else self.host(name).name

    def heal_all(self) -> None:
        """Undo every fault: cables plugged, clear and joined, memory without limit, hosts thawed and on."""
        for host in self.hosts.values():
            host.link(True)
            host.clear()
            for other in self.network.cut_from(host.name):
                self.heal(host.name, other)
            if host.container.cgroup.memory_limit() is not None:
                host.limit_memory(None)
            host.thaw()
        self._for_each(Host.power_on, self.hosts)

    def run(
        self,
        argv: Sequence[str],
        *,
        check: bool = True,
        cwd: Path | None = None,
        environment: Mapping[str, str] | None = None,
        timeout_seconds: float | None = 600,
    ) -> subprocess.CompletedProcess[str]:
        """Run `argv` on the controller, inside the lab's network, and return what it said."""
        done = subprocess.run(
            [*self.network.inside(), *argv],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            cwd=cwd,
            env=environment,
            timeout=timeout_seconds,
        )
        if check and done.returncode:
            raise CommandError(" ".join(argv), done.returncode, f"{done.stdout}\n{done.stderr}", where=CONTROLLER)
        return done

    def start(
        self,
        argv: Sequence[str],
        *,
        log: Path | None = None,
        cwd: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> subprocess.Popen[bytes]:
        """Start `argv` on the controller, inside the lab's network; `down` ends it if nobody else did."""
        cgroup = Cgroup.of(self.name, PROCESSES)
        cgroup.create()
        with (log or Path(os.devnull)).open("ab") as out:
            return subprocess.Popen(
                [*cgroup.joiner(), *self.network.inside(), *argv],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                cwd=cwd,
                env=environment,
            )

    def enter(self) -> Entered:
        """Take the calling thread into the lab's network; used as a context manager, only until its end."""
        return Entered(self.network.namespace)

    def down(self) -> None:
        """Remove the lab and everything of it."""
        for name, host in self.hosts.items():
            measuring.collect(host, self.paths.host(name))
        remove_lab(self.name)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.down()


def _existing(wheelhouse: Path | None) -> Path:
    given = wheelhouse or Path(os.environ.get("ZFS_SYNC_LAB_WHEELHOUSE") or REPOSITORY / ".build" / "wheelhouse")
    given.mkdir(parents=True, exist_ok=True)
    return given.resolve()
