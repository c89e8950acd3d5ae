# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""``run`` and ``once``: puts the parts of the agent together, and ends them in order."""

import fcntl
import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from zfs_sync import __version__
from zfs_sync.agent import config_file, gate_service, logs
from zfs_sync.agent.allow import AllowList
from zfs_sync.agent.config import AgentConfig
from zfs_sync.agent.enrolment import agent_client, check_protocol, enrol, renew, settle_renewal
from zfs_sync.agent.gate_server import GateServer
from zfs_sync.agent.holds import Releases
from zfs_sync.agent.identity import KeyFiles, ensure_seed, installation_id
from zfs_sync.agent.jobs import JobRunner
from zfs_sync.agent.known_hosts import GRACE_SECONDS, KnownHosts
from zfs_sync.agent.loops import Attempts, HeartbeatLoop, JobLoop, ScanLoop, WorkLoop
from zfs_sync.agent.notify import Systemd
from zfs_sync.agent.outbox import Outbox
from zfs_sync.agent.remarks import Remarks
from zfs_sync.agent.reporter import Reporter
from zfs_sync.agent.storage import Storage
from zfs_sync.agent.work_cache import WorkCache
from zfs_sync.agent.worker import Worker
from zfs_sync.client.backoff import Backoff
from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.engine.ssh import SshFiles
from zfs_sync.zfs.runner import LocalRunner

LOG = logging.getLogger(__name__)
WATCHDOG_SECONDS = 15.0
STOP_SECONDS = 20.0
REPORT_BEFORE_RESULT_SECONDS = 15.0
MOST_ROUNDS = 100


class Agent:
    """Everything of one agent, made and not started."""

    def __init__(self, config: AgentConfig, source: str, *, scans: bool) -> None:
        """``source`` is the file that the configuration came from; ``scans`` says that a thread scans all the time."""
        self.config, self.scans = config, scans
        self.stop = threading.Event()
        self.allow = AllowList(config.allow, source)
        self.storage = Storage(LocalRunner(), config.state)
        self.client = agent_client(config)
        self.cache = WorkCache(config.state, config.system)
        self.releases = Releases(self.cache, self.storage)
        self.remarks = Remarks(self.cache, self.storage, self.allow)
        self.outbox = Outbox(config.state)
        installation = installation_id(config.state)
        self.worker = self._worker()
        self.jobs = JobRunner(
            self.client,
            self.cache,
            self.worker,
            self.outbox,
            known_hosts=KnownHosts(config.known_hosts_path, grace_seconds=GRACE_SECONDS if scans else 0.0),
            installation=installation,
            parallel=config.parallel_jobs,
        )
        self.reporter = Reporter(
            self.client,
            self.storage,
            system=config.system,
            installation=installation,
            allow=self.allow,
            running=self.jobs.running,
            renew=lambda: renew(config, self.client),
            folder=config.state,
        )
        self.scan = ScanLoop(self.reporter, self.stop, config.scan_seconds)
        self.work = WorkLoop(self.client, self.cache, config.system, self.stop)

    def report_now(self) -> None:
        """Report before a result goes out, so that the planner need not guess; the witness may be away."""
        if self.scans:
            self.scan.now(REPORT_BEFORE_RESULT_SECONDS)
            return
        try:
            self.reporter.scan()
        except ZfsSyncError as error:
            LOG.warning("what arrived is not reported yet: %s", error, extra={"code": error.code})

    def _worker(self) -> Worker:
        control = Path(self.config.run_dir) / "ssh"
        control.mkdir(mode=0o700, parents=True, exist_ok=True)
        return Worker(
            client=self.client,
            storage=self.storage,
            allow=self.allow,
            files=SshFiles(self.config.identity_path, self.config.known_hosts_path, control),
            cache=self.cache,
            outbox=self.outbox,
            arrived=self.report_now,
            stopping=self.stop.is_set,
        )


def run(path: Path) -> int:
    """The service: until SIGTERM or SIGINT. Raises E_CONFIG, E_BUSY."""
    config = _prepare(path)
    with alone(config):
        agent = Agent(config, str(path), scans=True)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: agent.stop.set())
        return _Service(agent).run()


def once(path: Path) -> int:
    """One scan, and every job that waits; then the end. Returns 1 where a job failed."""
    config = _prepare(path)
    with alone(config):
        enrol(config)
        agent = Agent(config, str(path), scans=False)
        _introduce(agent)
        agent.reporter.scan()
        for _ in range(MOST_ROUNDS):
            agent.work.ask(wait_seconds=0)
            agent.jobs.deliver()
            if not _round(agent):
                break
        agent.outbox.deliver(agent.client)
        agent.releases.run()
        agent.remarks.run()
    return 1 if agent.worker.failed else 0


def _introduce(agent: Agent) -> None:
    """What comes before everything else that is said to the witness."""
    settle_renewal(agent.config, agent.client)
    check_protocol(agent.client)


def serve_gate(path: Path) -> int:
    """Answer peers for as long as they ask, on the socket that systemd passes. Raises E_CONFIG where it passes none."""
    config = _prepare(path)
    listening = gate_service.passed_socket(config, path)
    agent = Agent(config, str(path), scans=False)
    told = gate_service.Told(agent.client, config.system, agent.cache.work)
    told.ask()
    server = GateServer(
        config.gate_socket,
        agent.storage,
        lambda: told.work,
        agent.allow,
        arrived=agent.report_now,
        listening=listening,
    )
    gate_service.serve(server, told, agent.stop)
    return 0


def _round(agent: Agent) -> bool:
    """Run what waits now; whether there was anything."""
    started = 0
    while (ready := agent.jobs.start_ready()) or agent.jobs.busy:
        started += ready
        agent.cache.wait(agent.cache.version, 0.2)
    return started > 0


def _prepare(path: Path) -> AgentConfig:
    config = config_file.load(path)
    logs.configure(config.log_level)
    config.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    ensure_seed(config.state)
    return config


@contextmanager
def alone(config: AgentConfig) -> Iterator[None]:
    """One agent per state directory. Raises E_BUSY."""
    descriptor = os.open(config.state / "agent.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise ZfsSyncError(
            "E_BUSY",
            f"Another agent runs with {config.state}.",
            hint="The service reports and runs jobs by itself; to look into it: systemctl status zfs-sync-agent",
        ) from error
    else:
        yield
    finally:
        os.close(descriptor)


class _Service:
    """The threads of the daemon."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self._systemd = Systemd()
        self._gate = GateServer(
            agent.config.gate_socket, agent.storage, lambda: agent.cache.work, agent.allow, arrived=agent.report_now
        )
        self._threads: list[threading.Thread] = []
        self._broken: str | None = None

    def run(self) -> int:
        """Until told to stop, or a thread broke; then the service manager starts it anew."""
        threading.excepthook = self._thread_broke
        agent = self._agent
        self._gate.open()
        self._start("gate", self._gate.serve)
        self._start("enrol", self._speak)
        self._systemd.say(READY="1", STATUS=f"{agent.config.system}: serving peers")
        LOG.info("agent %s started", __version__, extra={"system": agent.config.system})
        while not agent.stop.wait(WATCHDOG_SECONDS) and not self._broken:
            self._systemd.say(WATCHDOG="1", STATUS=self._status())
        self._systemd.say(STOPPING="1")
        agent.stop.set()
        self._gate.close()
        agent.cache.poke()
        agent.scan.soon()
        agent.jobs.stop(STOP_SECONDS)
        LOG.info("agent stopped")
        return 1 if self._broken else 0

    def _speak(self) -> None:
        """Enrol, however long that takes, then talk with the witness."""
        agent = self._agent
        attempts = Attempts("enrolment", agent.stop, Backoff(most_seconds=15.0))
        while not KeyFiles(agent.config).enrolled and not agent.stop.is_set():
            if attempts.run(lambda: enrol(agent.config)):
                LOG.info("enrolled", extra={"system": agent.config.system})
        speaking = Attempts("speaking with the witness", agent.stop, Backoff(most_seconds=15.0))
        while not agent.stop.is_set() and not speaking.run(lambda: _introduce(agent)):
            pass
        if agent.stop.is_set():
            return
        self._start("scan", agent.scan.run)
        self._start("heartbeat", HeartbeatLoop(agent.reporter, agent.cache, agent.scan, agent.stop).run)
        self._start("work", agent.work.run)
        self._start("jobs", JobLoop(agent.jobs, agent.cache, agent.stop, agent.releases, agent.remarks).run)

    def _start(self, name: str, target: Callable[[], None]) -> None:
        thread = threading.Thread(target=target, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _thread_broke(self, details: threading.ExceptHookArgs) -> None:
        """A defect of ours: say it, and let the service manager start the agent anew."""
        name = details.thread.name if details.thread else "a thread"
        error = details.exc_value or details.exc_type()
        LOG.error("%s broke", name, exc_info=(type(error), error, details.exc_traceback))
        self._broken = name
        self._agent.stop.set()

    def _status(self) -> str:
        agent = self._agent
        running = len(agent.jobs.running())
        return f"{agent.config.system}: {agent.reporter.datasets} datasets, {running} running"
