# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""An encrypted source is never sent in clear: the engine refuses it on both ends, and so does the gate.

A stream that is started fails the test: the runner knows none.
"""

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.unit.agent.conftest import DEADLINE_SECONDS, FEEDS, work_of
from tests.unit.agent.test_gate_server import ask
from tests.unit.zfs.recordings import Replay, openzfs
from zfs_sync.agent.allow import AllowList
from zfs_sync.agent.config import AgentConfig
from zfs_sync.agent.gate_server import GateServer
from zfs_sync.agent.storage import Engine
from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.engine.checks import Step, decide
from zfs_sync.engine.continuity import Holds
from zfs_sync.engine.feeder import LocalFeeder
from zfs_sync.engine.receiving import Job, Receiver
from zfs_sync.engine.sending import Sender, Stream
from zfs_sync.zfs import commands
from zfs_sync.zfs.host import Zfs

SOURCE, TARGET = "tank/photos", "backup/photos"
GUID = 5602912535703100974
PROPERTIES = (
    "{0}\ttype\t-\tfilesystem\n{0}\tguid\t-\t4438896165168945854\n{0}\tused\t-\t331776\n"
    "{0}\treferenced\t-\t126976\n{0}\tzfs-sync:group\t-\t-\n{0}\tencryptionroot\t-\t{1}\n"
)
STREAMS = ("send", "receive", "hold")


@dataclass(frozen=True)
class Host:
    """The engine of a host whose source is encrypted, and what was asked of its ZFS."""

    made: Engine
    replay: Replay

    def engine(self) -> Engine:
        return self.made

    @property
    def streams(self) -> list[tuple[str, ...]]:
        """The commands about a real dataset that send, receive, or come before."""
        return [argv for argv in self.replay.asked if argv[1] in STREAMS and "probe" not in argv[-1] and len(argv) > 2]


@pytest.fixture(params=["2.1.5-1", "2.3.1-1"])
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=["tank", SOURCE], ids=["the key is inherited", "the key is its own"])
def host(request: pytest.FixtureRequest, version: str, tmp_path: Path) -> Host:
    replay = openzfs(version)
    asked = ["type", "guid", "used", "referenced", "zfs-sync:group", "encryptionroot", "written"]
    changed = "" if version.startswith("2.1") else f"{SOURCE}\tsnapshots_changed\t-\t1795496173\n"
    asked += ["snapshots_changed"] if changed else []
    kinds = ("filesystem", "volume")
    replay.say(commands.get(asked, [SOURCE], types=kinds), PROPERTIES.format(SOURCE, request.param) + changed)
    replay.say(commands.list_snapshots([SOURCE], depth=1), f"{SOURCE}@monday\t{GUID}\t17\n")
    absent = f"cannot open '{TARGET}': dataset does not exist\n"
    replay.say(commands.get(asked, [TARGET], types=kinds), stderr=absent, status=1)
    replay.say(commands.list_snapshots([TARGET], depth=1), stderr=absent, status=1)
    replay.say(commands.get(["type"], ["backup"]), "backup\ttype\t-\tfilesystem\n")
    zfs = Zfs(replay)
    holds = Holds(zfs, tmp_path / "state")
    return Host(
        Engine(zfs, holds, Sender(zfs, holds), Receiver(zfs, tmp_path / "state", holds, time.monotonic)), replay
    )


def test_the_sender_neither_estimates_nor_starts_a_stream(host: Host) -> None:
    stream = Stream(FEEDS.id, "photos", "nas2", SOURCE, None, GUID)
    for attempt in (host.made.sender.estimate, host.made.sender.start):
        with pytest.raises(ZfsSyncError, match=SOURCE) as caught:
            attempt(stream)
        assert caught.value.code == "E_ENCRYPTED_SOURCE"
    assert host.streams == []


def test_a_local_pair_is_refused_before_anything_starts(host: Host) -> None:
    feeder = LocalFeeder(host.made.sender, edge=FEEDS.id, group="photos", to_system="nas1", dataset=SOURCE)
    job = Job(FEEDS.id, "photos", TARGET, (Step(None, GUID),))
    with pytest.raises(ZfsSyncError, match=SOURCE) as caught:
        host.made.receiver.run(
            job, feeder, allow=lambda _: None, on_progress=lambda _: None, cancelled=threading.Event()
        )
    assert caught.value.code == "E_ENCRYPTED_SOURCE"
    assert host.streams == []


def test_the_receiving_end_refuses_what_its_peer_says_is_encrypted(host: Host) -> None:
    source = host.made.sender.dataset(SOURCE)
    assert source is not None
    with pytest.raises(ZfsSyncError) as caught:
        decide("photos", TARGET, Step(None, GUID), source.view(), None, parent_exists=True)
    assert caught.value.code == "E_ENCRYPTED_SOURCE"


@pytest.fixture
def server(host: Host, config: AgentConfig) -> Iterator[GateServer]:
    allow = AllowList(config.allow, "agent.conf")
    made = GateServer(config.gate_socket, host, lambda: work_of("nas1", FEEDS), allow)  # type: ignore[arg-type]
    made.open()
    thread = threading.Thread(target=made.serve)
    thread.start()
    yield made
    made.close()
    thread.join(DEADLINE_SECONDS)


def test_the_gate_says_that_it_is_encrypted_and_sends_nothing(server: GateServer, host: Host) -> None:
    request = {"v": 1, "op": "list", "edge": FEEDS.id, "relative": ""}
    status, out, _ = ask(server, request)
    assert (status, json.loads(out)["dataset"]["encryption_root"] is not None) == (0, True)
    for op in ("estimate", "send"):
        assert ask(server, {**request, "op": op, "to_guid": str(GUID)}) == (1, b"", "E_ENCRYPTED_SOURCE")
    assert host.streams == []
