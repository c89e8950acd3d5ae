# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The real process: over TLS, quick to start and small, quick to end, and nothing acknowledged is ever lost."""

import os
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.unit.witness.documents import fleet
from tests.unit.witness.process import DEADLINE, IDLE_PSS_MIB, Served, pss_mib, run_json

SECONDS_TO_READY = 2.0


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("witness")
    run_json(folder, "init")
    run_json(folder, "tls", "init", "--host", "localhost", "--host", "127.0.0.1")
    return folder


@pytest.fixture
def tls(prepared: Path) -> dict[str, str]:
    tls = prepared / "state" / "tls"
    return {"TLS_CERTIFICATE": str(tls / "server.crt"), "TLS_KEY": str(tls / "server.key")}


@pytest.fixture
def served(prepared: Path, tls: dict[str, str]) -> Iterator[Served]:
    with Served(prepared, tls) as running:
        yield running


@pytest.fixture
def token(prepared: Path) -> str:
    return (prepared / "state" / "admin.key").read_text().strip()


def _cpu_seconds(process: int) -> float:
    """User and system time so far: what a busy machine does not change."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_it_serves_over_tls_to_who_trusts_its_ca(served: Served, token: str) -> None:
    with served.client(token) as client:
        assert client.get("/api/v1/version").json()["protocol"] == [1, 2]
        assert client.get("/health/live").headers["Strict-Transport-Security"]
    with pytest.raises(httpx2.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        httpx2.get(served.url + "/health/live", trust_env=False)


def test_old_tls_is_refused(served: Served) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with pytest.warns(DeprecationWarning, match="TLSVersion.TLSv1_1"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    with socket.create_connection(("127.0.0.1", served.ready["port"]), DEADLINE) as plain, pytest.raises(ssl.SSLError):
        context.wrap_socket(plain)


def test_it_is_ready_soon_and_small(served: Served, token: str) -> None:
    assert _cpu_seconds(served.process.pid) < SECONDS_TO_READY
    with served.client(token) as client:
        for _ in range(20):
            client.get("/api/v1/fleet").raise_for_status()
    assert pss_mib(served.process.pid) < IDLE_PSS_MIB


def test_systemd_is_told_when_it_is_ready_and_when_it_ends(prepared: Path, tls: dict[str, str], tmp_path: Path) -> None:
    address = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind(str(address))
        channel.settimeout(DEADLINE)
        with Served(prepared, tls, NOTIFY_SOCKET=str(address)) as running:
            assert channel.recv(1000) == b"READY=1"
            running.terminate()
            assert channel.recv(1000) == b"STOPPING=1"


def test_a_client_that_idles_does_not_delay_the_end(served: Served, token: str) -> None:
    with served.client(token) as client:
        client.get("/api/v1/version").raise_for_status()
        assert served.terminate() < 2.0


def test_nothing_that_was_acknowledged_is_lost_by_a_kill(prepared: Path, tls: dict[str, str], token: str) -> None:
    acknowledged: list[str] = []

    def write(running: Served, worker: int) -> None:
        try:
            with running.client(token) as client:
                for number in range(10_000):
                    name = f"w{worker}-{len(acknowledged)}-{number}"
                    answer = client.post("/api/v1/fleet/apply", json={"fleet": fleet({name: {}}, {})})
                    if answer.status_code != 200:
                        return
                    acknowledged.append(name)
        except httpx2.TransportError:
            return

    with Served(prepared, tls) as running:
        threads = [threading.Thread(target=write, args=(running, worker)) for worker in range(3)]
        for thread in threads:
            thread.start()
        deadline = time.monotonic() + DEADLINE
        while len(acknowledged) < 30 and time.monotonic() < deadline:
            time.sleep(0.01)
        running.process.kill()
        for thread in threads:
            thread.join(DEADLINE)
    assert len(acknowledged) >= 30
    with Served(prepared, tls) as again, again.client(token) as client:
        document = client.get("/api/v1/fleet").json()
        assert set(acknowledged) <= set(document["fleet"]["systems"])
        state = int(document["state"].strip('"').rpartition("-")[2])
        assert state >= len(acknowledged)


def test_a_known_key_is_in_no_file_but_its_own(served: Served, prepared: Path, token: str) -> None:
    with served.client(token) as client:
        client.get("/api/v1/systems", params={"after": token})
        client.get(f"/api/v1/{token}")
    served.terminate()
    holders = [path.name for path in prepared.rglob("*") if path.is_file() and token.encode() in path.read_bytes()]
    assert holders == ["admin.key"]
    assert os.path.getsize(served.log_file) > 0  # noqa: PTH202
