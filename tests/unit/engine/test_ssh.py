# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""What OpenSSH says, word for word, and the error that it is. Real sshds are in tests/integration/zfs."""

from pathlib import Path

import pytest

from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.core.jump import Jump
from zfs_sync.engine import ssh
from zfs_sync.engine.ssh import SshFeeder, SshFiles, SshPeer, arguments, failure

PEER = SshPeer("nas2", "-oProxyCommand=x", "zfs-sync", 22)


def files(folder: Path, script: str = "") -> SshFiles:
    """Ssh is a script that says what OpenSSH would."""
    program = folder / "ssh"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return SshFiles(folder / "key", folder / "known hosts", folder / "c", str(program))


@pytest.mark.parametrize(
    ("status", "said", "code"),
    [
        (255, "Host key verification failed.", "E_HOST_KEY_UNKNOWN"),
        (255, "ssh: connect to host nas2 port 22: Connection refused", "E_PEER_UNREACHABLE"),
        (255, "ssh: Could not resolve hostname nas2: Name or service not known", "E_PEER_UNREACHABLE"),
        (255, "kex_exchange_identification: Connection closed by remote host", "E_INTERRUPTED"),
        (255, "Timeout, server nas2 not responding.", "E_INTERRUPTED"),
        (255, "zfs-sync@nas2: Permission denied (publickey).", "E_SSH"),
        (None, "", "E_INTERRUPTED"),
        (-9, "", "E_INTERRUPTED"),
        (3, "", "E_SSH"),
        (1, 'zfs-sync-gate: {"code": "E_NOT_ALLOWED_HERE", "message": "no", "hint": ""}', "E_NOT_ALLOWED_HERE"),
    ],
)
def test_what_ssh_says_has_a_code(tmp_path: Path, status: int | None, said: str, code: str) -> None:
    error = failure(status, said + "\n", PEER, files(tmp_path))
    assert error.code == code
    assert "nas2" in error.message


def test_what_a_peer_says_steers_no_terminal(tmp_path: Path) -> None:
    said = "\x1b]0;title\x07\x1b[2J all is well \u202e"
    error = ssh.failure(1, said, PEER, files(tmp_path))
    assert error.code == "E_SSH"
    assert error.message.isprintable()
    assert "all is well" in error.message


def test_only_our_files_are_read_and_a_host_is_no_option(tmp_path: Path) -> None:
    argv = arguments(PEER, files(tmp_path), shared=False)
    assert argv[-2:] == ["--", "-oProxyCommand=x"]
    assert argv[1:3] == ["-F", "none"]
    for option in ("StrictHostKeyChecking=yes", "BatchMode=yes", "GlobalKnownHostsFile=/dev/null", "ControlPath=none"):
        assert option in argv
    assert f'UserKnownHostsFile="{tmp_path / "known hosts"}"' in argv


def test_a_gate_that_is_gone_before_it_has_read_says_why(tmp_path: Path) -> None:
    said = "exec <&-; echo 'ssh: connect to host nas2 port 22: No route to host' >&2; sleep 0.2; exit 255"
    with pytest.raises(ZfsSyncError) as caught:
        SshFeeder(PEER, files(tmp_path, said), edge="e" * 400, relative="").dataset()
    assert caught.value.code == "E_PEER_UNREACHABLE"


def test_an_answer_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ssh, "ANSWER_BYTES", 1000)
    endless = files(tmp_path, "cat >/dev/null; head -c 5000 /dev/zero")
    with pytest.raises(ZfsSyncError) as caught:
        SshFeeder(PEER, endless, edge="e", relative="").dataset()
    assert caught.value.message == "nas2 answered more than 1000 bytes."


@pytest.mark.parametrize("answer", ['{"dataset": null}', ""])
def test_an_answer_is_one_line(tmp_path: Path, answer: str) -> None:
    feeder = SshFeeder(PEER, files(tmp_path, f"cat >/dev/null; echo '{answer}'"), edge="e", relative="")
    if answer:
        assert feeder.dataset() is None
    else:
        with pytest.raises(ZfsSyncError):
            feeder.dataset()


def test_a_fingerprint_that_cannot_be_asked_for_is_unknown(tmp_path: Path) -> None:
    broken = SshFiles(tmp_path / "key", tmp_path / "known", tmp_path / "c", str(tmp_path / "no ssh"))
    error = failure(255, "Host key verification failed.\n", PEER, broken)
    assert "offered unknown; trusted none" in error.message


def test_a_pipe_that_breaks_while_the_request_is_written_is_no_crash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ssh.wire, "request_line", lambda _: b"x" * 1_000_000)
    feeder = SshFeeder(PEER, files(tmp_path, "exec <&-; exit 3"), edge="e", relative="")
    with pytest.raises(ZfsSyncError) as caught:
        feeder.estimate(None, 1)
    assert caught.value.code == "E_SSH"


JUMPING = SshPeer("nas2", "nas2", "zfs-sync", 2222, Jump("ops", "2001:db8::1", 2200))


def test_the_host_on_the_way_is_held_to_the_same_files(tmp_path: Path) -> None:
    given = files(tmp_path)
    given.control.mkdir()
    for _ in range(2):
        argv = arguments(JUMPING, given, shared=True)
    assert argv[1:5] == ["-F", str(given.control / "jump.conf"), "-J", "ops@[2001:db8::1]:2200"]
    lines = (given.control / "jump.conf").read_text().splitlines()
    assert "StrictHostKeyChecking yes" in lines
    assert "GlobalKnownHostsFile /dev/null" in lines
    assert f'UserKnownHostsFile "{given.known_hosts}"' in lines
    assert f'IdentityFile "{given.key}"' in lines
    assert not any(line.startswith("Control") for line in lines)
    assert [path.name for path in given.control.iterdir()] == ["jump.conf"]


@pytest.mark.parametrize(
    ("said", "named"),
    [
        ("No ED25519 host key is known for [2001:db8::1]:2200 and you have requested strict checking.", "on the way"),
        ("Host key for [2001:db8::1]:2200 has changed and you have requested strict checking.", "on the way"),
        ("No ED25519 host key is known for [nas2]:2222 and you have requested strict checking.", "nas2 (zfs-sync@"),
    ],
)
def test_it_is_said_whose_host_key_is_refused(tmp_path: Path, said: str, named: str) -> None:
    given = files(tmp_path, "echo 'Server host key: ssh-ed25519 SHA256:offeredofferedofferedoffered' >&2; exit 255")
    given.control.mkdir()
    error = failure(255, f"{said}\nHost key verification failed.\n", JUMPING, given)
    assert error.code == "E_HOST_KEY_UNKNOWN"
    assert named in error.message
    assert "SHA256:offered" in error.message


@pytest.mark.parametrize(
    ("heard", "code"), [("Host key verification failed.", "E_HOST_KEY_UNKNOWN"), ("", "E_INTERRUPTED")]
)
def test_what_a_shared_connection_keeps_to_itself_is_asked_for(tmp_path: Path, heard: str, code: str) -> None:
    given = files(tmp_path, f"echo '{heard}' >&2; exit 255")
    given.control.mkdir()
    lost = "kex_exchange_identification: Connection closed by remote host\n"
    assert failure(255, lost, JUMPING, given).code == code
    assert failure(255, lost, PEER, given).code == "E_INTERRUPTED", "there is nobody on the way"
