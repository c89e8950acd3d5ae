# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The agent that a timer runs: its units, its configuration, and the gate that its socket starts."""

import socket
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.agent.conftest import FEEDS, Ready, work_of
from tests.unit.agent.fleet import Fleet
from zfs_sync.agent import gate_service
from zfs_sync.agent.allow import AllowList
from zfs_sync.agent.config import AgentConfig
from zfs_sync.agent.gate_server import GateServer
from zfs_sync.agent.install import document, service
from zfs_sync.core.errors import ZfsSyncError

HARDENING = (
    "User", "Group", "UMask", "CapabilityBoundingSet", "NoNewPrivileges", "RestrictAddressFamilies",
    "RestrictNamespaces", "RestrictRealtime", "RestrictSUIDSGID", "LockPersonality", "MemoryDenyWriteExecute",
    "SystemCallArchitectures", "SystemCallFilter", "SystemCallErrorNumber", "KeyringMode", "RemoveIPC", "MemoryMax",
    "TasksMax", "StateDirectory", "StateDirectoryMode", "RuntimeDirectory", "RuntimeDirectoryMode", "KillMode",
)  # fmt: skip


def settings(text: bytes) -> dict[str, str]:
    lines = (line.partition("=") for line in text.decode().splitlines() if "=" in line and not line.startswith("#"))
    return {name: value for name, _, value in lines}


def test_the_services_of_the_timer_are_hardened_like_the_one_that_always_runs(config: AgentConfig) -> None:
    always = settings(service.form_of(config).files["zfs-sync-agent.service"])
    form = service.form_of(replace(config, timer="5m"))
    for name in (service.ONCE, service.GATE):
        unit = settings(form.files[name])
        assert {each: unit.get(each) for each in HARDENING} == {each: always[each] for each in HARDENING}
    assert set(form.files) | set(form.absent) == set(service.ALL)


def test_the_timer_has_the_configured_period(config: AgentConfig) -> None:
    form = service.form_of(replace(config, timer="5m"))
    assert settings(form.files[service.TIMER])["OnUnitInactiveSec"] == "300"
    assert form.enabled == (service.TIMER, service.SOCKET)


@pytest.mark.parametrize("before", ["system: a\n", "system: a\ntimer: 1h\nlog_level: info\n"])
def test_a_timer_is_one_line_of_the_configuration(before: str) -> None:
    on = document._with_timer(before, "5m")
    assert on.count("timer:") == 1
    assert "timer: 5m\n" in on
    assert document._with_timer(on, "5m") == on
    off = document._with_timer(on, "off")
    assert "timer" not in off
    assert "system: a\n" in off


@pytest.mark.parametrize(
    "environment", [{}, {"LISTEN_PID": "1", "LISTEN_FDS": "1"}, {"LISTEN_PID": "7", "LISTEN_FDS": "2"}]
)
def test_without_a_socket_of_its_own_there_is_nothing_to_serve(environment: dict[str, str]) -> None:
    with pytest.raises(ZfsSyncError) as refused:
        gate_service.listening_socket(environment, 7)
    assert "--timer" in refused.value.hint


def test_a_service_needs_no_gate_beside_it(config: AgentConfig) -> None:
    with pytest.raises(ZfsSyncError, match="names no timer"):
        gate_service.passed_socket(config, Path("agent.conf"))


def test_what_the_witness_says_now_is_served_and_what_it_said_when_it_is_away(fleet: Fleet) -> None:
    system = fleet.declare()
    cached = work_of(system, FEEDS)
    client = fleet.client(fleet.agent_key(system))
    told = gate_service.Told(client, system, cached)
    told.ask()
    assert told.work is not None
    assert told.work.edges == []
    heard = told.work
    told.ask()
    assert told.work is heard, "what is not new is the same object: the gate looks at that"
    client.close()
    away = gate_service.Told(fleet.away(), system, cached)
    away.ask()
    assert away.work is cached


def test_it_serves_while_somebody_asks_and_ends_when_nobody_does(
    tmp_path: Path, storage: Ready, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate_service, "TICK_SECONDS", 0.02)
    monkeypatch.setattr(gate_service, "ASK_SECONDS", 0.04)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    path = tmp_path / "gate.sock"
    asked = threading.Event()

    class Witness:
        work = None

        def ask(self) -> None:
            asked.set()

    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
        listening.bind(str(path))
        listening.listen()
        server = GateServer(path, storage, lambda: None, AllowList([], ""), listening=listening.dup())  # type: ignore[arg-type]
        server.open()
        running = threading.Thread(
            target=gate_service.serve,
            args=(server, Witness(), threading.Event()),
            kwargs={"idle_seconds": 0.3},
        )
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as peer:
            peer.connect(str(path))
            running.start()
            assert asked.wait(10)
            assert running.is_alive()
        running.join(10)
        assert not running.is_alive()
        assert path.exists(), "the socket stays: systemd keeps it"
