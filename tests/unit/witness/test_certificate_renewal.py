# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""A certificate renewed under a real witness: the process stays, open connections go on, new ones are shown it."""

import signal
import socket
import ssl
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.witness.documents import fleet
from tests.unit.witness.process import DEADLINE, Served, run_json
from zfs_sync.client.transport import Transport
from zfs_sync.client.witness import WitnessClient


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    run_json(tmp_path, "init")
    run_json(tmp_path, "tls", "init", "--host", "localhost")
    return tmp_path


def tls(folder: Path) -> dict[str, str]:
    state = folder / "state" / "tls"
    return {"TLS_CERTIFICATE": str(state / "server.crt"), "TLS_KEY": str(state / "server.key")}


def presented(served: Served) -> bytes:
    """The certificate that a new connection is shown."""
    context = ssl.create_default_context(cafile=str(served.folder / "state" / "tls" / "ca.crt"))
    with (
        socket.create_connection(("localhost", served.ready["port"]), timeout=DEADLINE) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as secure,
    ):
        return secure.getpeercert(binary_form=True) or b""


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 3 * DEADLINE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("hurried", [False, True])
def test_the_running_witness_takes_the_new_certificate(folder: Path, *, hurried: bool) -> None:
    with Served(folder, tls(folder)) as served:
        before = presented(served)
        run_json(folder, "tls", "renew")
        if hurried:
            served.process.send_signal(signal.SIGHUP)
        wait_for(lambda: presented(served) != before)
        assert served.process.poll() is None
        assert [line["event"] for line in served.lines()].count("ready") == 1


def test_an_agent_goes_on_through_a_renewal(folder: Path) -> None:
    token = (folder / "state" / "admin.key").read_text().strip()
    with Served(folder, tls(folder)) as served, served.client(token) as admin:
        admin.post("/api/v1/fleet/apply", json={"fleet": fleet()}).raise_for_status()
        key = admin.post("/api/v1/api-keys", json={"name": "a", "role": "agent", "system": "nas1"}).json()["token"]
        agent = WitnessClient(Transport(served.url, lambda: key, ca_file=folder / "state" / "tls" / "ca.crt"))
        told = agent.work("nas1", etag=None, wait_seconds=0)
        assert told is not None
        answers: list[object] = []
        poll = threading.Thread(target=lambda: answers.append(agent.work("nas1", etag=told[1], wait_seconds=30)))
        poll.start()
        before = presented(served)
        run_json(folder, "tls", "renew")
        wait_for(lambda: presented(served) != before)
        assert agent.version()["version"], "a new connection, trusted by the same CA"
        removed = {"delete": {"sync_groups": ["photos"]}, "fleet": fleet(sync_groups={})}
        admin.post("/api/v1/fleet/apply", json=removed).raise_for_status()
        poll.join(3 * DEADLINE)
        assert not poll.is_alive()
        assert len(answers) == 1, "the long poll of before was answered on its own connection"
        agent.close()


def test_a_pair_that_does_not_belong_together_is_not_taken(folder: Path) -> None:
    with Served(folder, tls(folder)) as served:
        before = presented(served)
        key = folder / "state" / "tls" / "server.key"
        run_json(folder, "tls", "init", "--host", "localhost", "--directory", str(folder / "other"))
        (folder / "other" / "server.key").replace(key)
        wait_for(lambda: any(line["event"] == "certificate_not_taken" for line in served.lines()))
        assert presented(served) == before
        run_json(folder, "tls", "init", "--host", "localhost")
        wait_for(lambda: presented(served) != before)
