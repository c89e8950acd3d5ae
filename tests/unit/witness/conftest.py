# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""A real witness on a real database in a temporary directory; only its clock is ours."""

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import Connection
from starlette.testclient import TestClient

from zfs_sync.api import PROTOCOL
from zfs_sync.api.protocol import HEADER
from zfs_sync.witness.app import create_app
from zfs_sync.witness.db.database import Database
from zfs_sync.witness.db.metadata import metadata
from zfs_sync.witness.logs import make_logger
from zfs_sync.witness.principal import COMMAND_LINE
from zfs_sync.witness.services import keys
from zfs_sync.witness.services.keys import NewKey
from zfs_sync.witness.settings import Settings

ROLES = ("admin", "operator", "viewer")


@dataclass
class ManualClock:
    """A clock that moves when a test says so."""

    now: datetime = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass
class Api:
    """A client that speaks with one key."""

    client: TestClient
    token: str
    headers: dict[str, str] = field(default_factory=dict)

    def __call__(self, method: str, path: str, **options: Any) -> Any:
        headers = (
            {"Authorization": f"Bearer {self.token}", HEADER: str(PROTOCOL)} | self.headers | options.pop("headers", {})
        )
        return self.client.request(method, path, headers=headers, **options)

    def get(self, path: str, **options: Any) -> Any:
        return self("GET", path, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> Any:
        return self("POST", path, json=body, **options)

    def put(self, path: str, body: Any = None, **options: Any) -> Any:
        return self("PUT", path, json=body, **options)

    def delete(self, path: str, **options: Any) -> Any:
        return self("DELETE", path, **options)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(database=tmp_path / "witness.db")


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    opened = Database(f"sqlite:///{settings.database}")
    opened.write(metadata.create_all)
    yield opened
    opened.close()


@pytest.fixture
def log_stream() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def log_lines(log_stream: io.StringIO) -> Callable[[], list[dict[str, Any]]]:
    return lambda: [json.loads(line) for line in log_stream.getvalue().splitlines()]


@pytest.fixture
def app(settings: Settings, clock: ManualClock, database: Database, log_stream: io.StringIO) -> FastAPI:
    return create_app(settings, clock, database, make_logger("debug", log_stream))


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, raise_server_exceptions=False) as opened:
        yield opened


@pytest.fixture
def mint(database: Database, clock: ManualClock) -> Callable[..., str]:
    """Make a key: ``mint("agent", system="nas1")`` gives its text."""

    def make(role: str, *, system: str | None = None, name: str | None = None, seconds: int | None = None) -> str:
        new = NewKey(name or f"{role}-{system or 'test'}", role, system, seconds)

        def write(connection: Connection) -> str:
            return keys.create(connection, COMMAND_LINE, new, clock())[1].text

        return database.write(write)

    return make


@pytest.fixture
def tokens(mint: Callable[..., str]) -> dict[str, str]:
    """A key of each role; agent and enrol are bound to nas1."""
    bound = {role: mint(role, system="nas1") for role in ("agent", "enrol")}
    return {role: mint(role) for role in ROLES} | bound


@pytest.fixture
def admin(client: TestClient, tokens: dict[str, str]) -> Api:
    return Api(client, tokens["admin"])


@pytest.fixture
def operator(client: TestClient, tokens: dict[str, str]) -> Api:
    return Api(client, tokens["operator"])


@pytest.fixture
def viewer(client: TestClient, tokens: dict[str, str]) -> Api:
    return Api(client, tokens["viewer"])


@pytest.fixture
def agent(client: TestClient, tokens: dict[str, str]) -> Api:
    """The agent of nas1."""
    return Api(client, tokens["agent"])


@pytest.fixture
def agent_of(client: TestClient, mint: Callable[..., str]) -> Callable[[str], Api]:
    """The agent of any system: ``agent_of("nas2")``."""
    return lambda system: Api(client, mint("agent", system=system, name=f"agent-of-{system}"))
