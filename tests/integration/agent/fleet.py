# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""A real fleet for tests: a witness on the lab's controller, agents installed on its hosts from the built file."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from tests.integration.agent import clocks
from tests.lab.host import Host
from tests.lab.lab import Lab

ROOT = Path(__file__).parents[3]
PACKAGE = "/root/zfs-sync-agent.pyz"
PORT = 8462
SETTINGS = {"heartbeat_seconds": 2, "offline_after_seconds": 6, "lease_seconds": 6, "progress_seconds": 1}


def wait_for(condition: Callable[[], Any], what: str, seconds: float = 90) -> Any:
    """The first true answer of ``condition``; AssertionError with the last one after so long."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s (last answer: {found!r})"
        time.sleep(0.1)
    return found


def command_of(item: Mapping[str, Any]) -> str:
    """The command that the hint of a status entry ends with, whoever wrote the hint: the witness, or an agent."""
    hint = str(item["error"]["hint"])
    return hint[hint.index("zfs ") :]


def build_package(output: Path) -> Path:
    """The agent's single file, built from this source."""
    subprocess.run([sys.executable, ROOT / "packaging" / "build_pyz.py", output], check=True, capture_output=True)
    return output


def pss_mib(rollup: str) -> float:
    """The proportional share of memory that a smaps_rollup says."""
    return next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:")) / 1024


@dataclass(slots=True)
class Witness:
    """The witness's process, its folder, and an admin's way in."""

    lab: Lab
    folder: Path
    fake_clock: bool = False
    """Whether its clock may be set, by the file ``clock``."""
    settings: dict[str, Any] = field(default_factory=dict)
    """Settings beside those of every test, from its next start."""
    process: "subprocess.Popen[bytes] | None" = None
    ready_seconds: float = 0.0
    """From the start of the process to the answer that it is ready."""

    @property
    def address(self) -> str:
        return self.lab.record.controller_address

    @property
    def url(self) -> str:
        return f"https://{self.address}:{PORT}"

    @property
    def ca(self) -> str:
        return (self.folder / "tls" / "ca.crt").read_text()

    @property
    def clock(self) -> Path | None:
        return self.folder / "clock" if self.fake_clock else None

    @property
    def database(self) -> Path:
        return self.folder / "witness.db"

    @property
    def log(self) -> str:
        path = self.folder / "log"
        return path.read_text() if path.exists() else ""

    def init(self) -> None:
        self._command("init")
        if self.clock:
            clocks.set_witness(self.clock, 0)
        self._command("tls", "init", "--host", self.address)

    def start(self) -> None:
        started = time.monotonic()
        self.process = self.lab.start(
            [self._program, "serve"],
            log=self.folder / "log",
            environment=self._environment() | (clocks.environment(str(self.clock)) if self.clock else {}),
            cwd=self.folder,
        )
        wait_for(self._ready, "the witness is ready")
        self.ready_seconds = time.monotonic() - started

    def kill(self) -> None:
        self.end(signal.SIGKILL)

    def end(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)
        self.process.wait()

    def pss_mib(self) -> float:
        assert self.process is not None
        return pss_mib(Path(f"/proc/{self.process.pid}/smaps_rollup").read_text())

    def call(self, method: str, path: str, body: Any = None, expect: int | None = None) -> Any:
        token = (self.folder / "admin.key").read_text().strip()
        with self.lab.enter():
            answer = requests.request(
                method,
                f"{self.url}/api/v1{path}",
                json=body,
                headers={"Authorization": f"Bearer {token}"},
                verify=str(self.folder / "tls" / "ca.crt"),
                timeout=30,
            )
        assert answer.status_code == expect if expect else answer.status_code < 300, answer.text
        return answer.json()

    def apply(self, fleet: Mapping[str, Any]) -> Any:
        return self.call("POST", "/fleet/apply", {"fleet": fleet})

    def enrol_key(self, system: str) -> str:
        name = f"enrol {system} {time.monotonic_ns()}"
        return self.call("POST", "/api-keys", {"name": name, "role": "enrol", "system": system})["token"]

    def outcomes(self, group: str | None = None) -> dict[str, str]:
        items = self.call("GET", "/status" + (f"?group={group}" if group else ""))["items"]
        return {f"{item['edge']}/{item['relative']}": item["outcome"] for item in items}

    def in_sync(self, count: int, group: str | None = None, seconds: float = 120) -> None:
        def condition() -> bool:
            found = self.outcomes(group)
            return len(found) == count and set(found.values()) == {"IN_SYNC"}

        try:
            wait_for(condition, "everything is in sync", seconds)
        except AssertionError as error:
            items = self.call("GET", "/status")["items"]
            shown = [f"{each['edge']}/{each['relative']}: {each['outcome']} {each['error']}" for each in items]
            raise AssertionError("\n".join([str(error), *shown])) from None

    def _ready(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log
        try:
            with self.lab.enter():
                return requests.get(
                    f"{self.url}/health/ready", verify=str(self.folder / "tls" / "ca.crt"), timeout=2
                ).ok
        except (requests.ConnectionError, OSError):
            return False

    @property
    def _program(self) -> str:
        return str(Path(sys.executable).with_name("zfs-sync-witness"))

    def _command(self, *words: str) -> None:
        subprocess.run([self._program, *words], check=True, capture_output=True, env=self._environment())

    def _environment(self) -> dict[str, str]:
        settings: dict[str, Any] = {
            **SETTINGS,
            **self.settings,
            "database": self.database,
            "host": self.address,
            "port": PORT,
        }
        if (self.folder / "tls").exists():
            settings |= {
                "tls_certificate": self.folder / "tls" / "server.crt",
                "tls_key": self.folder / "tls" / "server.key",
            }
        prefixed = {f"ZFS_SYNC_WITNESS_{name.upper()}": str(value) for name, value in settings.items()}
        return {**os.environ, **prefixed}


@dataclass(slots=True)
class Fleet:
    """Hosts with agents, and their witness."""

    lab: Lab
    witness: Witness
    package: Path
    configs: dict[str, dict[str, Any]] = field(default_factory=dict)

    def host(self, name: str) -> Host:
        return self.lab.host(name)

    def configure(self, name: str, allow: Sequence[Mapping[str, Any]], **more: Any) -> dict[str, Any]:
        """The agent.conf of one host."""
        self.configs[name] = {
            "system": name,
            "witness": {"url": self.witness.url},
            "allow": list(allow),
            "scan_interval": "1s",
            **more,
        }
        return self.configs[name]

    def install(self, name: str, *options: str, enrol: bool = True) -> dict[str, Any]:
        """Install the agent; what the installer answered."""
        self.host(name).put(self.package, PACKAGE, 0o755)
        document: dict[str, Any] = {"config": self.configs[name], "ca_certificate": self.witness.ca}
        if enrol:
            document["enrol_key"] = self.witness.enrol_key(name)
        return self.installer(name, "install", "--document", "-", *options, document=document)

    def installer(self, name: str, *words: str, document: Any = None, check: bool = True) -> dict[str, Any]:
        """Run a command of the agent's file with --json; the answer."""
        done = self.host(name).ssh(
            ["python3", PACKAGE, *words, "--json"], input=json.dumps(document or {}).encode(), check=False
        )
        assert not check or done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    def trust(self, *names: str) -> None:
        """Let these hosts trust each other."""
        known = {name: self.agent(name, "trust", "show", "--json") for name in names}
        for name in names:
            peers = [
                {"name": each, "public_key": known[each]["public_key"], "host": each, "port": 22,
                 "host_keys": known[each]["host_keys"]}
                for each in names
                if each != name
            ]  # fmt: skip
            self.agent(name, "trust", "set", "--json", document={"peers": peers})

    def agent(self, name: str, *words: str, document: Any = None, check: bool = True) -> dict[str, Any]:
        """Run the installed command; its JSON answer."""
        done = self.host(name).ssh(["zfs-sync-agent", *words], input=json.dumps(document or {}).encode(), check=False)
        assert not check or done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    def journal(self, name: str) -> str:
        return self.host(name).ssh(["journalctl", "-u", "zfs-sync-agent", "-o", "cat", "--no-pager"]).stdout

    def entries(self, name: str, *matches: str) -> list[dict[str, Any]]:
        """What the agent logged with these fields, as the journal has it."""
        command = ["journalctl", "-t", "zfs-sync-agent", "-o", "json", "--no-pager", *matches]
        return [json.loads(line) for line in self.host(name).ssh(command, check=False).stdout.splitlines()]

    def guids(self, name: str, dataset: str) -> list[str]:
        """The GUIDs of a dataset's snapshots, oldest first."""
        said = (
            self.host(name)
            .ssh(["zfs", "get", "-rHp", "-d", "1", "-o", "name,value", "guid", dataset], check=False)
            .stdout
        )
        rows = [line.rsplit("\t", 1) for line in said.splitlines()]
        return [guid for path, guid in rows if path.startswith(f"{dataset}@")]

    def files(self, name: str, dataset: str) -> dict[str, str]:
        """The checksum of every file of one dataset; a replica is mounted only for as long as this looks."""
        host, place = self.host(name), shlex.quote(f"/{dataset}")
        mounted = host.ssh(["zfs", "get", "-H", "-o", "value", "mounted", dataset]).stdout.strip() == "yes"
        if not mounted:
            host.ssh(["zfs", "mount", dataset])
        found = host.ssh(f"cd {place} && find . -xdev -type f -print0 | xargs -0r sha256sum").stdout
        if not mounted:
            host.ssh(["zfs", "unmount", dataset])
            host.ssh(f"rmdir -p {place}", check=False)  # up to the pool's own place; else it would be in the way later
        return {line[66:]: line[:64] for line in found.splitlines()}

    def pss_mib(self, name: str) -> float:
        """What the agent of a host takes of its memory."""
        pid = self.host(name).ssh(["systemctl", "show", "-P", "MainPID", "zfs-sync-agent"]).stdout.strip()
        return pss_mib(self.host(name).ssh(["cat", f"/proc/{pid}/smaps_rollup"]).stdout)
