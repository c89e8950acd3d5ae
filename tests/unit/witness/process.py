# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The real witness as a process of its own, on loopback, on a port that it chooses."""

import json
import os
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import httpx2

DEADLINE = 20.0
IDLE_PSS_MIB = 80
PROGRAM = (sys.executable, "-m", "zfs_sync.witness.main")


def environment(folder: Path, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """The settings of a witness that lives in ``folder`` and of nothing else around it."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("ZFS_SYNC_")}
    settings = {"DATABASE": str(folder / "state" / "witness.db"), "PORT": "0", **(more or {})}
    return plain | {f"ZFS_SYNC_WITNESS_{name}": value for name, value in settings.items()}


def run(folder: Path, *arguments: str, settings: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run one command to its end."""
    return subprocess.run(
        [*PROGRAM, *arguments],
        env=environment(folder, settings),
        capture_output=True,
        text=True,
        timeout=DEADLINE * 3,
        check=False,
    )


def run_json(folder: Path, *arguments: str, settings: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The result of a command that must succeed."""
    done = run(folder, *arguments, "--json", settings=settings)
    assert done.returncode == 0, done.stdout + done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def pss_mib(process: int) -> float:
    """The memory of a process, what it shares with others divided among them."""
    lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


class Served:
    """A witness that serves until the block is left."""

    def __init__(self, folder: Path, settings: Mapping[str, str] | None = None, **more: str) -> None:
        self.log_file = folder / "serve.log"
        self._environment = environment(folder, settings) | more
        self.folder = folder

    def __enter__(self) -> Self:
        with self.log_file.open("w") as log:
            self.started = time.monotonic()
            self.process = subprocess.Popen([*PROGRAM, "serve"], env=self._environment, stderr=log)
        self.ready = self._wait_until_ready()
        self.url = f"{self.ready['scheme']}://localhost:{self.ready['port']}"
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(DEADLINE)

    def lines(self) -> list[dict[str, Any]]:
        """What it has logged."""
        return [json.loads(line) for line in self.log_file.read_text().splitlines() if line.startswith("{")]

    def client(self, token: str | None = None) -> httpx2.Client:
        """A client that trusts this witness's CA only."""
        ca = self.folder / "state" / "tls" / "ca.crt"
        verify: ssl.SSLContext | bool = ssl.create_default_context(cafile=str(ca)) if ca.exists() else False
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        return httpx2.Client(base_url=self.url, verify=verify, headers=headers, timeout=DEADLINE, trust_env=False)

    def terminate(self) -> float:
        """Send SIGTERM and say how many seconds the end took."""
        before = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(DEADLINE)
        return time.monotonic() - before

    def _wait_until_ready(self) -> dict[str, Any]:
        while time.monotonic() - self.started < DEADLINE:
            for line in self.lines():
                if line["event"] == "ready":
                    return line
            if self.process.poll() is not None:
                break
            time.sleep(0.01)
        raise AssertionError(f"the witness did not get ready: {self.log_file.read_text()}")
