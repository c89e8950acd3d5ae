# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""A real witness on loopback, and what the benchmarks say to it."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2

from tests.unit.witness.process import Served, run_json
from zfs_sync.api import PROTOCOL
from zfs_sync.core.tokens import mint

TIMEOUT_SECONDS = 120.0
INSTALLATION = "inst-1"


class Caller:
    """One kept-alive connection with one key; every answer must be a success."""

    def __init__(self, url: str, token: str) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        self._client = httpx2.Client(base_url=f"{url}/api/v1", headers=headers, timeout=TIMEOUT_SECONDS)

    def __call__(self, method: str, path: str, body: Any = None) -> Any:
        return self._answer(method, path, json=body)

    def send(self, method: str, path: str, body: bytes) -> Any:
        """Send JSON that was written beforehand."""
        return self._answer(method, path, content=body, headers={"Content-Type": "application/json"})

    def _answer(self, method: str, path: str, **request: Any) -> Any:
        answer = self._client.request(method, path, **request)
        if not answer.is_success:
            raise RuntimeError(f"{method} {path}: {answer.status_code} {answer.text[:500]}")
        return answer.json()


class Bench:
    """The witness that is measured, and an administrator's way in."""

    def __init__(self, served: Served, folder: Path) -> None:
        self.url = served.url
        self.key_file = folder / "state" / "admin.key"
        self.admin = Caller(self.url, self.key_file.read_text().strip())

    def agent(self, system: str) -> Caller:
        """Declare a system and enrol its agent; what it speaks with."""
        self.admin("PUT", f"/systems/{system}", {})
        words = {"name": f"enrol {system}", "role": "enrol", "system": system}
        key = self.admin("POST", "/api-keys", words)["token"]
        own = mint("agent", secrets.token_bytes)
        enrolment = {"system": system, "installation": INSTALLATION, "agent_version": "0.1.0", "protocol": PROTOCOL}
        Caller(self.url, key)("POST", "/enrol", enrolment | {"token_lookup": own.lookup, "token_sha256": own.sha256})
        return Caller(self.url, own.text)


@contextmanager
def witness(folder: Path) -> Iterator[Bench]:
    """A witness of its own in ``folder``, with an empty database."""
    folder.mkdir(parents=True)
    run_json(folder, "init")
    with serving(folder) as bench:
        yield bench


@contextmanager
def serving(folder: Path) -> Iterator[Bench]:
    """A witness on the database that ``folder`` has."""
    with Served(folder) as served:
        yield Bench(served, folder)
        served.terminate()
