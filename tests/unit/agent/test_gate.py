# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The forced command as sshd starts it: a process that hands its descriptors over and knows nothing else."""

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.agent.conftest import DEADLINE_SECONDS

PROGRAM = [sys.executable, "-m", "zfs_sync.agent.main", "gate"]


class Agent:
    """An agent that answers as a test says, on the real socket."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.bind(str(path))
        self.socket.listen()
        self.socket.settimeout(DEADLINE_SECONDS)
        self.greeting = b""

    def serve(self, answer: bytes, said: bytes = b"") -> threading.Thread:
        def run() -> None:
            connection, _ = self.socket.accept()
            with connection:
                self.greeting, received, _, _ = socket.recv_fds(connection, 1024, 3)
                stdin, stdout, _ = received
                os.write(stdout, said + os.read(stdin, 100))
                for descriptor in received:
                    os.close(descriptor)
                connection.sendall(answer)

        thread = threading.Thread(target=run)
        thread.start()
        return thread


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Agent]:
    made = Agent(tmp_path / "gate.sock")
    yield made
    made.socket.close()


def gate(*words: str, stdin: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        [*PROGRAM, *words], input=stdin, capture_output=True, timeout=DEADLINE_SECONDS * 2, check=False
    )


def code(said: bytes) -> str:
    return str(json.loads(said.decode().removeprefix("zfs-sync-gate: "))["code"])


@pytest.mark.parametrize("status", [0, 1])
def test_the_agent_reads_and_writes_in_its_place(agent: Agent, status: int) -> None:
    thread = agent.serve(bytes([status]), b"stream ")
    done = gate("--peer", "nas2", "--socket", str(agent.path), stdin=b"request\n")
    thread.join()
    assert (done.returncode, done.stdout, done.stderr) == (status, b"stream request\n", b"")
    assert json.loads(agent.greeting) == {"peer": "nas2"}


def test_the_peer_sees_the_end_while_the_gate_still_waits(agent: Agent) -> None:
    go_on = threading.Event()

    def run() -> None:
        connection, _ = agent.socket.accept()
        with connection:
            _, received, _, _ = socket.recv_fds(connection, 1024, 3)
            for descriptor in received[:2]:
                os.close(descriptor)
            go_on.wait(DEADLINE_SECONDS)
            os.close(received[2])
            connection.sendall(b"\0")

    thread = threading.Thread(target=run)
    thread.start()
    argv = [*PROGRAM, "--peer", "nas2", "--socket", str(agent.path)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.read() == b""
        assert process.poll() is None
        go_on.set()
        assert process.wait(DEADLINE_SECONDS) == 0
    thread.join()


def test_an_agent_that_is_not_there_is_told_to_the_peer(tmp_path: Path) -> None:
    done = gate("--peer", "nas2", "--socket", str(tmp_path / "none"))
    assert (done.returncode, done.stdout, code(done.stderr)) == (75, b"", "E_AGENT_NOT_RUNNING")
    assert b"systemctl start zfs-sync-agent" in done.stderr


def test_an_agent_that_dies_is_told_to_the_peer(agent: Agent) -> None:
    thread = agent.serve(b"")
    done = gate("--peer", "nas2", "--socket", str(agent.path), stdin=b"x")
    thread.join()
    assert (done.returncode, code(done.stderr)) == (75, "E_AGENT_NOT_RUNNING")


@pytest.mark.parametrize(
    "words", [[], ["--peer"], ["--peer", ""], ["nas2"], ["--peer", "nas2", "--config", "x"], ["--peer", "a", "more"]]
)
def test_other_words_are_refused(words: list[str]) -> None:
    done = gate(*words)
    assert (done.returncode, code(done.stderr)) == (64, "E_VALIDATION")


def test_it_imports_next_to_nothing() -> None:
    listing = "import sys; from zfs_sync.agent import gate, main; print(*sorted(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-S", "-c", listing],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(Path(__file__).parents[3] / "src")},
    )
    assert done.returncode == 0, done.stderr
    loaded = set(done.stdout.split())
    assert {name for name in loaded if name.startswith("zfs_sync")} == {
        "zfs_sync",
        "zfs_sync.agent",
        "zfs_sync.agent.gate",
        "zfs_sync.agent.main",
    }
    assert not loaded & {"yaml", "requests", "cattrs", "subprocess", "argparse", "logging"}
