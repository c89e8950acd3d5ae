# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""A peer behind a real sshd: requests, streams, and every way in which a connection fails."""

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.integration.zfs.live import forced_command
from tests.integration.zfs.live.check_faults import DEADLINE_SECONDS, converges, until
from tests.integration.zfs.live.conftest import Pair, sh
from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.engine.ssh import SshFeeder, SshFiles, SshPeer, SshSource

SSHD = """
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host
PidFile {folder}/pid
AuthorizedKeysFile {folder}/authorized
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
"""


@dataclass(frozen=True, slots=True)
class Server:
    """An sshd of our own, and the agent's files that trust it."""

    folder: Path
    peer: SshPeer
    files: SshFiles

    def authorize(self) -> None:
        """Let the key in, for the forced command only."""
        path = shlex.quote(os.pathsep.join(sys.path))
        words = shlex.join([sys.executable, forced_command.__file__, str(self.folder / "play.json")])
        key = (self.folder / "key.pub").read_text()
        (self.folder / "authorized").write_text(f'restrict,command="PYTHONPATH={path} {words}" {key}')

    def command(self, source: str, fault: str = "none") -> None:
        """What the forced command does from now on."""
        play = {"source": source, "state": str(self.folder / "peer-state"), "fault": fault}
        (self.folder / "play.json").write_text(json.dumps(play))

    def feeder(self, relative: str = "") -> SshFeeder:
        return SshFeeder(self.peer, self.files, edge="g:here:beta/x", relative=relative)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("sshd")
    for name in ("host", "key"):
        sh("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (folder / "config").write_text(SSHD.format(port=port, folder=folder))
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {(folder / 'host.pub').read_text()}")
    control = folder / "c"
    control.mkdir(mode=0o700)
    Path("/run/sshd").mkdir(exist_ok=True)
    process = subprocess.Popen(["/usr/sbin/sshd", "-D", "-e", "-f", str(folder / "config")], stderr=subprocess.DEVNULL)
    until((folder / "pid").exists)
    peer = SshPeer("nas1", "127.0.0.1", "root", port)
    made = Server(folder, peer, SshFiles(folder / "key", folder / "known_hosts", control))
    made.authorize()
    yield made
    for master in control.iterdir():
        subprocess.run(["ssh", "-F", "none", "-O", "exit", "-S", str(master), "x"], capture_output=True, check=False)
    process.terminate()
    process.wait()


def failed(action: Callable[[], object]) -> ZfsSyncError:
    with pytest.raises(ZfsSyncError) as caught:
        action()
    return caught.value


def test_a_dataset_of_a_peer_replicates(server: Server, make_pair: Callable[[str], Pair]) -> None:
    pair = make_pair("a b")
    server.command(pair.source)
    for label in ("one", "two x", "three"):
        pair.snapshot(label, file=label)
    feeder = server.feeder()
    moved = pair.sync(feeder=feeder)
    assert moved.snapshots == 3
    assert moved.warnings == ()
    assert pair.guids(pair.target) == pair.guids(pair.source)
    assert pair.seen[0].bytes_total
    pair.snapshot("four")
    assert pair.sync(feeder=feeder).snapshots == 1


def test_questions_share_a_connection_and_streams_do_not(server: Server, pair: Pair) -> None:
    server.command(pair.source)
    pair.snapshot("a")
    server.feeder().dataset()
    masters = list(server.files.control.iterdir())
    assert len(masters) == 1
    pair.sync(feeder=server.feeder())
    assert list(server.files.control.iterdir()) == masters


def test_a_source_that_does_not_exist(server: Server) -> None:
    server.command("alpha/none")
    assert server.feeder().dataset() is None
    error = failed(lambda: server.feeder().estimate(None, 1))
    assert error.code == "E_SOURCE_GONE"
    assert error.message == "nas1: alpha/none does not exist on this host."


def test_the_error_of_a_gate_reaches_the_job(server: Server, pair: Pair) -> None:
    server.command(pair.source)
    pair.snapshot("a")
    source = server.feeder().send(None, 4711)
    assert source.process.stdout
    assert source.process.stdout.read() == b""
    error = source.error(source.process.wait(DEADLINE_SECONDS))
    assert error
    assert error.code == "E_SOURCE_GONE"
    assert "4711" in error.message
    source.process.stdout.close()


def test_a_gate_without_a_word(server: Server) -> None:
    server.command("alpha", "silent")
    error = failed(server.feeder().dataset)
    assert error.code == "E_SSH"
    assert "status 3" in error.message


def test_a_host_that_is_not_known(server: Server, tmp_path: Path) -> None:
    known = tmp_path / "none"
    known.write_text("")
    feeder = SshFeeder(server.peer, replace(server.files, known_hosts=known, control=tmp_path), edge="e", relative="")
    error = failed(feeder.dataset)
    fingerprint = sh("ssh-keygen", "-l", "-f", str(server.folder / "host.pub")).split()[1]
    assert error.code == "E_HOST_KEY_UNKNOWN"
    assert f"offered {fingerprint}; trusted none" in error.message


def test_a_host_key_that_has_changed(server: Server, tmp_path: Path) -> None:
    sh("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "other"))
    known = tmp_path / "known"
    known.write_text(f"[127.0.0.1]:{server.peer.port} {(tmp_path / 'other.pub').read_text()}")
    feeder = SshFeeder(server.peer, replace(server.files, known_hosts=known, control=tmp_path), edge="e", relative="")
    error = failed(feeder.dataset)
    offered, trusted = (
        sh("ssh-keygen", "-l", "-f", str(key)).split()[1]
        for key in (server.folder / "host.pub", tmp_path / "other.pub")
    )
    assert error.code == "E_HOST_KEY_UNKNOWN"
    assert offered in error.message
    assert f"trusted {trusted}" in error.message


def test_a_key_that_is_not_let_in(server: Server, tmp_path: Path) -> None:
    sh("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "stranger"))
    files = replace(server.files, key=tmp_path / "stranger", control=tmp_path)
    error = failed(SshFeeder(server.peer, files, edge="e", relative="").dataset)
    assert error.code == "E_SSH"
    assert "Permission denied (publickey)" in error.message


@pytest.mark.parametrize("peer", [SshPeer("nas9", "127.0.0.1", "root", 1), SshPeer("nas9", "nas9.invalid", "root", 22)])
def test_a_host_that_cannot_be_reached(server: Server, tmp_path: Path, peer: SshPeer) -> None:
    error = failed(SshFeeder(peer, replace(server.files, control=tmp_path), edge="e", relative="").dataset)
    assert error.code == "E_PEER_UNREACHABLE"
    assert "nas9" in error.message


def test_a_connection_killed_half_way(server: Server, make_pair: Callable[[str], Pair]) -> None:
    pair = make_pair("lost")
    pair.fill("f", 1)
    pair.snapshot("a")
    server.command(pair.source, "hang")
    errors: list[ZfsSyncError] = []
    kept: list[int] = []

    class Kept(SshFeeder):
        def send(self, base_guid: int | None, to_guid: int, *, alone: bool = False) -> SshSource:
            source = super().send(base_guid, to_guid, alone=alone)
            kept.append(source.process.pid)
            return source

    def run() -> None:
        errors.append(
            failed(lambda: pair.sync(feeder=Kept(server.peer, server.files, edge="g:here:beta/x", relative="")))
        )

    thread = threading.Thread(target=run)
    thread.start()
    until(lambda: kept and pair.seen and pair.seen[-1].bytes_done >= forced_command.HANG_BYTES)
    os.kill(kept[0], signal.SIGKILL)
    thread.join(DEADLINE_SECONDS)
    assert [each.code for each in errors] == ["E_INTERRUPTED"]
    server.command(pair.source)
    converges(pair)
