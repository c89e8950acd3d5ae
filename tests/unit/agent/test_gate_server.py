# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The agent's side of the gate over its real socket: descriptors passed, limits kept, slow and hostile peers borne."""

import json
import os
import select
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.agent.conftest import DEADLINE_SECONDS, FEEDS, Ready, until, work_of
from tests.unit.zfs.program import Program
from tests.unit.zfs.recordings import FUSE_TREE
from zfs_sync.agent import gate_request, gate_server
from zfs_sync.agent.allow import AllowList
from zfs_sync.agent.config import AgentConfig
from zfs_sync.agent.gate_server import GateServer
from zfs_sync.api.work import Work, WorkEdge
from zfs_sync.engine.continuity import source_tag
from zfs_sync.zfs import commands

MONDAY, TUESDAY = "5602912535703100974", "1389854051268356003"
ASKED = ["type", "guid", "used", "referenced", "zfs-sync:group", "createtxg"]
LIST = {"v": 1, "op": "list", "edge": FEEDS.id, "relative": ""}
SEND = {**LIST, "op": "send", "to_guid": MONDAY}
STREAM = bytes(range(256)) * 4000


@pytest.fixture
def server(storage: Ready, config: AgentConfig, program: Program) -> Iterator[GateServer]:
    program.say(commands.get(ASKED, ["tank/photos"], depth=1), FUSE_TREE)
    program.say(commands.get(["referenced"], ["tank/photos@monday"]), "tank/photos@monday\treferenced\t-\t122880\n")
    for label in ("monday", "tuesday"):
        program.say(commands.hold(source_tag("photos", "nas2"), "tank/photos", label))
        program.say(commands.release(source_tag("photos", "nas2"), "tank/photos", label))
    program.say(commands.send("tank/photos", None, "monday"), STREAM)
    work = work_of("nas1", FEEDS)
    made = GateServer(config.gate_socket, storage, lambda: work, AllowList(config.allow, "agent.conf"))  # type: ignore[arg-type]
    made.open()
    thread = threading.Thread(target=made.serve)
    thread.start()
    yield made
    made.close()
    thread.join(DEADLINE_SECONDS)
    assert not thread.is_alive()
    assert not config.gate_socket.exists()


class Peer:
    """A gate of sshd as the agent sees it: a connection, and the three descriptors that came with it."""

    def __init__(self, server: GateServer, greeting: bytes = b'{"peer": "nas2"}\n', count: int = 3) -> None:
        self.agent = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.agent.settimeout(DEADLINE_SECONDS)
        self.agent.connect(str(server._path))
        (their_in, self.stdin), (self.stdout, their_out), (self.stderr, their_err) = (os.pipe() for _ in range(3))
        theirs = [their_in, their_out, their_err]
        if count:
            socket.send_fds(self.agent, [greeting], theirs[:count])
        else:
            self.agent.sendall(greeting)
        for descriptor in theirs:
            os.close(descriptor)

    def say(self, line: bytes) -> None:
        os.write(self.stdin, line)

    def status(self) -> int | None:
        """What the agent answers; None where it hangs up."""
        said = self.agent.recv(1)
        return said[0] if said else None

    def close(self) -> None:
        self.agent.close()
        for descriptor in (self.stdin, self.stdout, self.stderr):
            os.close(descriptor)


def read(descriptor: int) -> bytes:
    content = b""
    while chunk := os.read(descriptor, 1 << 16):
        content += chunk
    return content


def ask(server: GateServer, request: object, peer: bytes = b'{"peer": "nas2"}\n') -> tuple[int | None, bytes, str]:
    """Exit status, standard output, and the code on standard error."""
    asking = Peer(server, peer)
    asking.say(request if isinstance(request, bytes) else json.dumps(request).encode() + b"\n")
    out, said = read(asking.stdout), read(asking.stderr).decode()
    status = asking.status()
    asking.close()
    return status, out, json.loads(said.removeprefix("zfs-sync-gate: "))["code"] if said else ""


def test_a_list_is_one_line(server: GateServer) -> None:
    status, out, code = ask(server, LIST)
    assert (status, code) == (0, "")
    assert [each["guid"] for each in json.loads(out)["dataset"]["add"]] == [MONDAY, TUESDAY]


def test_a_dataset_that_is_not_there_is_null(server: GateServer, program: Program) -> None:
    gone = "cannot open 'tank/photos/none': dataset does not exist\n"
    program.say(commands.get(ASKED, ["tank/photos/none"], depth=1), stderr=gone, status=1)
    assert ask(server, {**LIST, "relative": "none"}) == (0, b'{"dataset":null}\n', "")


def test_an_estimate_is_one_line(server: GateServer) -> None:
    assert ask(server, {**SEND, "op": "estimate"}) == (0, b'{"bytes":122880}\n', "")


def test_a_send_is_the_stream_itself_and_its_snapshot_is_held(server: GateServer, program: Program) -> None:
    assert ask(server, SEND) == (0, STREAM, "")
    asked = program.asked
    assert asked.index("zfs hold zfs-sync:photos:nas2 tank/photos@monday") < asked.index("zfs send tank/photos@monday")


def test_a_send_that_fails_says_why(server: GateServer, program: Program) -> None:
    said = "WARNING: could not send tank/photos@monday: does not exist\n"
    program.say(commands.send("tank/photos", None, "monday"), b"half", stderr=said, status=1)
    assert ask(server, SEND) == (1, b"half", "E_SOURCE_GONE")


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (b"[" * 4000 + b"\n", "E_VALIDATION"),
        (b"{" * 4096 + b"\n", "E_VALIDATION"),
        (b"1" * 4096 + b"\n", "E_VALIDATION"),
        (b"\xff\xfe\n", "E_VALIDATION"),
        (b"\n", "E_VALIDATION"),
        (b"x" * 9000, "E_VALIDATION"),
        ({**LIST, "op": "destroy"}, "E_VALIDATION"),
        ({**LIST, "relative": "../secret"}, "E_VALIDATION"),
        ({**LIST, "relative": "\ud800"}, "E_VALIDATION"),
        ({**LIST, "edge": "\ud800"}, "E_EDGE_UNKNOWN"),
        ({**LIST, "v": 2}, "E_PROTOCOL_UNSUPPORTED"),
        ({**SEND, "to_guid": None}, "E_VALIDATION"),
        ({**SEND, "base_guid": MONDAY}, "E_VALIDATION"),
        ({**SEND, "op": "estimate", "base_guid": MONDAY}, "E_VALIDATION"),
        ({**SEND, "to_guid": "4711"}, "E_SOURCE_GONE"),
        ({**SEND, "base_guid": "4711"}, "E_SOURCE_GONE"),
    ],
)
def test_a_hostile_request_is_refused_and_the_next_one_served(server: GateServer, request_: object, code: str) -> None:
    """A fault that reached the thread's end would restart the agent, and end every transfer."""
    assert ask(server, request_) == (1, b"", code)
    assert ask(server, LIST)[0] == 0


@pytest.mark.parametrize("name", [b"nas3", b"x; touch /tmp/y", b"\\u0000", b"../nas2"])
def test_another_peer_gets_nothing(server: GateServer, name: bytes) -> None:
    assert ask(server, LIST, b'{"peer": "' + name + b'"}\n') == (1, b"", "E_PEER_UNKNOWN")


@pytest.mark.parametrize(
    ("greeting", "count"),
    [
        (b'{"peer": "nas2"}', 0),
        (b'{"peer": "nas2"}', 2),
        (b"nas2", 3),
        (b"[" * 1000, 3),
        (b'{"peer": 7}', 3),
        (b"{}", 3),
        (b"[]", 3),
        (b"\xff", 3),
    ],
)
def test_what_is_no_gate_is_hung_up_on(server: GateServer, greeting: bytes, count: int) -> None:
    peer = Peer(server, greeting, count)
    assert peer.status() is None
    peer.close()
    assert ask(server, LIST)[0] == 0


def test_who_connects_and_says_nothing_is_given_up(server: GateServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate_server, "GREETING_SECONDS", 0.05)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as silent:
        silent.settimeout(DEADLINE_SECONDS)
        silent.connect(str(server._path))
        assert silent.recv(1) == b""


def test_a_request_that_does_not_come_is_given_up(server: GateServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        gate_request.read_line, "__kwdefaults__", {**gate_request.read_line.__kwdefaults__, "seconds": 0.05}
    )
    peer = Peer(server)
    assert peer.status() == 1
    assert b"E_VALIDATION" in read(peer.stderr)
    peer.close()


def one_more(server: GateServer) -> str:
    """What a greedy peer hears, which may be turned away before it has asked."""
    peer = Peer(server, b'{"peer": "greedy"}\n')
    with suppress(BrokenPipeError):
        peer.say(json.dumps(LIST).encode() + b"\n")
    said = read(peer.stderr).decode()
    peer.close()
    return said


def test_a_peer_that_holds_connections_open_keeps_no_other_waiting(server: GateServer) -> None:
    mine = gate_server.MOST_SERVED // 2
    waiting = [Peer(server, b'{"peer": "greedy"}\n') for _ in range(mine)]
    until(lambda: server._shares._taken["greedy"] == mine)
    assert "E_GATE_FULL" in one_more(server)
    assert ask(server, LIST)[0] == 0
    waiting.pop().close()
    until(lambda: "E_PEER_UNKNOWN" in one_more(server))
    for peer in waiting:
        peer.close()


def test_an_answer_that_nobody_reads_does_not_count_as_given(
    server: GateServer, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate_server, "ANSWER_SECONDS", 0.05)
    many = "".join(
        f"tank/photos@s{each}\tguid\t-\t{each}\ntank/photos@s{each}\tcreatetxg\t-\t{each}\n" for each in range(1, 2000)
    )
    program.say(commands.get(ASKED, ["tank/photos"], depth=1), FUSE_TREE + many)
    peer = Peer(server)
    peer.say(json.dumps(LIST).encode() + b"\n")
    assert peer.status() == 1
    assert b"E_INTERRUPTED" in read(peer.stderr)
    peer.close()


def test_a_peer_that_is_gone_before_its_answer_harms_nobody(server: GateServer) -> None:
    peer = Peer(server)
    os.close(peer.stdout)
    peer.stdout = os.dup(peer.stderr)
    peer.say(json.dumps(LIST).encode() + b"\n")
    assert peer.status() == 0
    peer.close()
    assert ask(server, LIST)[0] == 0


@pytest.mark.parametrize("what", ["the connection", "standard output"])
def test_a_send_ends_when_the_peer_hangs_up(server: GateServer, program: Program, what: str) -> None:
    ended = program.folder / "ended"
    begins = f"head -c 1000 /dev/zero; touch {program.folder}/begun"
    slow = f"trap 'kill $!; touch {ended}; exit 1' TERM; {begins}; sleep 600 & wait"
    program.say(commands.send("tank/photos", None, "monday"), then=slow)
    peer = Peer(server)
    peer.say(json.dumps(SEND).encode() + b"\n")
    until((program.folder / "begun").exists)
    if what == "the connection":
        peer.agent.close()
    else:
        os.close(peer.stdout)
        peer.stdout = os.dup(peer.stderr)
        assert peer.status() == 1
    until(ended.exists)
    assert b"E_INTERRUPTED" in read(peer.stderr)
    peer.close()


def test_a_send_ends_when_the_agent_does(server: GateServer, program: Program) -> None:
    program.say(commands.send("tank/photos", None, "monday"), then=f"touch {program.folder}/begun; exec sleep 600")
    peer = Peer(server)
    peer.say(json.dumps(SEND).encode() + b"\n")
    until((program.folder / "begun").exists)
    server.close()
    assert peer.status() == 1
    peer.close()


@pytest.mark.parametrize(
    ("edges", "ended"),
    [
        ((), True),
        ((replace(FEEDS, to_system="nas3"),), True),
        ((replace(FEEDS, from_root="tank/photos/2026"),), True),
        ((FEEDS, replace(FEEDS, id="other:nas2:backup/x")), False),
    ],
)
def test_a_send_ends_with_the_access_that_it_had(
    server: GateServer, program: Program, edges: tuple[WorkEdge, ...], *, ended: bool
) -> None:
    program.say(commands.send("tank/photos", None, "monday"), then=f"touch {program.folder}/begun; exec sleep 600")
    peer = Peer(server)
    peer.say(json.dumps(SEND).encode() + b"\n")
    until((program.folder / "begun").exists)
    asked = threading.Event()

    def told() -> Work:
        asked.set()
        return work_of("nas1", *edges)

    server._work = told
    assert asked.wait(DEADLINE_SECONDS)
    if ended:
        assert peer.status() == 1
        assert b"E_INTERRUPTED" in read(peer.stderr)
    else:
        assert not select.select([peer.agent], [], [], 1.0)[0]
        server.close()
        assert peer.status() == 1
    peer.close()


def test_the_socket_is_for_root_and_the_peers_account(server: GateServer, config: AgentConfig) -> None:
    assert config.gate_socket.stat().st_mode & 0o777 == 0o660


def test_a_socket_that_a_crash_left_is_replaced(storage: Ready, config: AgentConfig, tmp_path: Path) -> None:
    config.gate_socket.parent.mkdir()
    config.gate_socket.write_text("left behind")
    made = GateServer(config.gate_socket, storage, lambda: None, AllowList([], ""), group="root")  # type: ignore[arg-type]
    made.open()
    made.close()
    assert not config.gate_socket.exists()
