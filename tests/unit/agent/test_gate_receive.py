# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""A push as the target's agent meets it: over the gate's real socket, judged and received by this host's own agent."""

import json
import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.unit.agent.conftest import DEADLINE_SECONDS, FED, Ready, until, work_of
from tests.unit.agent.test_gate_server import ASKED, Peer, read
from tests.unit.engine.conftest import listed
from tests.unit.engine.streams import package
from tests.unit.zfs.program import Program
from zfs_sync.agent import gate_receive, gate_server
from zfs_sync.agent.allow import AllowList
from zfs_sync.agent.config import AgentConfig
from zfs_sync.agent.gate_server import GateServer
from zfs_sync.api.work import Peer as WorkPeer
from zfs_sync.api.work import Work
from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.zfs import commands

TARGET = "backup/photos"
PUSHED = replace(
    FED,
    id="photos:nas1:backup/photos",
    from_system="nas2",
    to_system="nas1",
    direction="push",
    peer=WorkPeer(system="nas2", host="nas2", user="zfs-sync", port=22, formerly=["munich"]),
)
SNAPSHOTS = [{"guid": str(guid), "createtxg": str(guid), "name": f"s{guid}"} for guid in (1, 2)]
SOURCE = {"dataset": {"path": "tank/photos", "guid": "7", "type": "filesystem", "add": SNAPSHOTS}}
STREAM = package(1, 2)


@pytest.fixture
def told() -> list[Work]:
    """What this host was last told: nas2 pushes to it."""
    return [work_of("nas1", PUSHED)]


@pytest.fixture
def server(storage: Ready, config: AgentConfig, program: Program, told: list[Work]) -> Iterator[GateServer]:
    marker = "local\tphotos"
    look = commands.get(ASKED, [TARGET], depth=1)
    program.say(look, listed(TARGET, 1, marker=marker))
    program.say(("after",), listed(TARGET, 1, 2, marker=marker))
    after, now = (program.folder / f"{program.key(argv)}.out" for argv in (("after",), look))
    program.say(commands.receive(TARGET, unmounted=True), then=f"cat >/dev/null; cp {after} {now}")
    for label in ("s1", "s2"):
        program.say(commands.hold("zfs-sync:photos", TARGET, label))
        program.say(commands.release("zfs-sync:photos", TARGET, label))
    allow = AllowList(config.allow, "agent.conf")
    made = GateServer(config.gate_socket, storage, lambda: told[0], allow, arrived=lambda: None)  # type: ignore[arg-type]
    made.open()
    thread = threading.Thread(target=made.serve)
    thread.start()
    yield made
    made.close()
    thread.join(DEADLINE_SECONDS)


def push(
    server: GateServer, *, stream: bytes = STREAM, peer: str = "nas2", described: Any = SOURCE, **more: Any
) -> tuple[int | None, list[dict[str, Any]], str]:
    """Exit status, the lines of the answer, and the code on standard error."""
    line = json.dumps(described).encode() + b"\n"
    request = {"v": 1, "op": "receive", "edge": PUSHED.id, "relative": "", "base_guid": "1", "to_guid": "2"}
    request |= {"source_bytes": len(line), **more}
    asking = Peer(server, json.dumps({"peer": peer}).encode() + b"\n")
    asking.say(json.dumps({key: each for key, each in request.items() if each is not None}).encode() + b"\n" + line)
    first = os.read(asking.stdout, 4096)
    if first:
        with suppress(BrokenPipeError):  # there was nothing to push
            asking.say(stream)
    os.close(asking.stdin)
    asking.stdin = os.dup(asking.stderr)
    answer, said = first + read(asking.stdout), read(asking.stderr).decode()
    status = asking.status()
    asking.close()
    code = json.loads(said.removeprefix("zfs-sync-gate: "))["code"] if said else ""
    return status, [json.loads(each) for each in answer.splitlines()], code


def test_a_push_is_judged_received_and_held_here(server: GateServer, program: Program) -> None:
    status, (ready, done), code = push(server)
    assert (status, code) == (0, "")
    assert (ready["state"], ready["base_guid"], ready["to_guid"]) == ("ready", "1", "2")
    assert (done["state"], done["snapshots"], done["head_guid"]) == ("done", 1, "2")
    assert f"zfs hold zfs-sync:photos {TARGET}@s2" in program.asked
    assert push(server)[1] == [{**done, "snapshots": 0}], "it is there already, and no stream is asked for"


def test_a_peer_may_push_by_the_name_that_it_had(server: GateServer) -> None:
    assert push(server, peer="munich")[0] == 0
    assert push(server, peer="nas3")[2] == "E_PEER_UNKNOWN"


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"op": "send", "source_bytes": None}, "E_EDGE_UNKNOWN"),
        ({"op": "estimate", "source_bytes": None}, "E_EDGE_UNKNOWN"),
        ({"edge": "photos:nas1:backup/other"}, "E_EDGE_UNKNOWN"),
        ({"described": {"dataset": None}}, "E_SOURCE_GONE"),
        ({"described": {"dataset": 5}}, "E_VALIDATION"),
        ({"to_guid": "9"}, "E_SOURCE_GONE"),
    ],
)
def test_what_is_refused_costs_no_stream(server: GateServer, program: Program, more: dict[str, Any], code: str) -> None:
    status, lines, said = push(server, **more)
    assert (status, lines, said) == (1, [], code)
    assert not [line for line in program.asked if line.startswith("zfs receive")]


def test_a_stream_of_something_else_is_refused(server: GateServer, program: Program) -> None:
    program.say(commands.receive(TARGET, unmounted=True), then="cat >/dev/null; exit 1")
    status, lines, code = push(server, stream=package(5, 2))
    assert (status, [each["state"] for each in lines], code) == (1, ["ready"], "E_STREAM_REFUSED")


def test_an_edge_that_is_pulled_is_not_pushed(server: GateServer, told: list[Work]) -> None:
    told[0] = work_of("nas1", replace(PUSHED, direction="pull"))
    assert push(server)[2] == "E_PEER_UNKNOWN"


def test_a_peer_of_which_nothing_may_be_sent_is_not_received_into(server: GateServer, told: list[Work]) -> None:
    told[0] = work_of("nas1", replace(PUSHED, peers=True))
    assert push(server)[2] == "E_NOT_ALLOWED_HERE"


def test_a_push_that_is_withdrawn_is_ended(server: GateServer, program: Program, told: list[Work]) -> None:
    program.say(commands.receive(TARGET, unmounted=True), then="cat >/dev/null; exit 1")
    line = json.dumps(SOURCE).encode() + b"\n"
    request = {"v": 1, "op": "receive", "edge": PUSHED.id, "relative": "", "base_guid": "1", "to_guid": "2"}
    asking = Peer(server)
    asking.say(json.dumps({**request, "source_bytes": len(line)}).encode() + b"\n" + line)
    assert os.read(asking.stdout, 4096)
    told[0] = work_of("nas1")
    assert asking.status() == 1
    assert b"E_INTERRUPTED" in read(asking.stderr)
    asking.close()


def test_a_peer_describes_so_many_datasets_at_a_time_and_no_more(server: GateServer) -> None:
    mine = gate_server.MOST_RECEIVED // 2
    request = {"v": 1, "op": "receive", "edge": PUSHED.id, "relative": "", "to_guid": "2", "source_bytes": 1000}
    line = json.dumps(request).encode() + b"\n"
    waiting = [Peer(server) for _ in range(mine)]
    for peer in waiting:
        peer.say(line)
    until(lambda: server._receives._taken["nas2"] == mine)
    late = Peer(server)
    late.say(line)
    assert b"E_GATE_FULL" in read(late.stderr)
    for peer in [*waiting, late]:
        peer.close()


def test_a_description_that_does_not_come_is_given_up() -> None:
    ours, theirs = os.pipe()
    os.write(theirs, b"half")
    with pytest.raises(ZfsSyncError) as caught:
        gate_receive.read_exactly(ours, 10, seconds=0.05)
    assert "did not describe" in caught.value.message
    os.close(theirs)
    with pytest.raises(ZfsSyncError) as caught:
        gate_receive.read_exactly(ours, 10)
    assert "broke off" in caught.value.message
    os.close(ours)


def test_nothing_beyond_the_description_is_read(tmp_path: Path) -> None:
    (tmp_path / "said").write_bytes(b"described" + STREAM)
    with (tmp_path / "said").open("rb", buffering=0) as said:
        assert gate_receive.read_exactly(said.fileno(), 9) == b"described"
        assert said.read() == STREAM
