# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""What works on this host, what does not, and the command that mends it. It reads and asks; it changes nothing."""

import json
import shlex
import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from zfs_sync.agent import config_file
from zfs_sync.agent.config import AgentConfig
from zfs_sync.agent.enrolment import agent_client
from zfs_sync.agent.identity import KeyFiles
from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.core.names import parent
from zfs_sync.zfs.host import Zfs
from zfs_sync.zfs.runner import LocalRunner


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    check: str
    ok: bool
    message: str
    remedy: str = ""


def run(path: Path, *, as_json: bool) -> int:
    """Look at everything and say it; 0 where all is well, else 1."""
    found = list(examine(path))
    if as_json:
        print(json.dumps([asdict(each) for each in found]))
    else:
        for each in found:
            print(f"{'ok  ' if each.ok else 'FAIL'}  {each.check}: {each.message}")
            if not each.ok:
                print(f"      {each.remedy}")
    return 0 if all(each.ok for each in found) else 1


def examine(path: Path) -> Iterator[Finding]:
    """The findings, one by one; without a configuration there is only the first."""
    try:
        config = config_file.load(path)
    except ZfsSyncError as error:
        yield _failed("configuration", error)
        return
    yield Finding("configuration", True, f"{path} is valid; this is system {config.system}")
    checks: tuple[tuple[str, Callable[[AgentConfig], Iterator[Finding]]], ...] = (
        ("zfs", _zfs),
        ("key", _key),
        ("witness", _witness),
        ("service", _service),
        ("trust", _trust),
    )
    for name, check in checks:
        try:
            yield from check(config)
        except ZfsSyncError as error:
            yield _failed(name, error)


def _failed(check: str, error: ZfsSyncError) -> Finding:
    details = "".join(f"; {fault.pointer}: {fault.message}" for fault in error.faults)
    return Finding(check, False, f"{error.code}: {error.message}{details}", error.hint)


def _zfs(config: AgentConfig) -> Iterator[Finding]:
    zfs = Zfs(LocalRunner())
    pools = ", ".join(pool.name for pool in zfs.pools())
    yield Finding(
        "zfs", True, f"{zfs.capabilities.zfs_version or 'it does not say its version'}; pools: {pools or 'none'}"
    )
    for rule in config.allow:
        yield _allowed(zfs, rule.dataset, rule.operations)


def _allowed(zfs: Zfs, dataset: str, operations: Sequence[str]) -> Finding:
    name = f"allow {dataset}"
    if zfs.properties(dataset, ["type"]):
        return Finding(name, True, f"exists ({', '.join(operations)})")
    above = parent(dataset)
    if "receive" in operations and above and zfs.properties(above, ["type"]):
        return Finding(name, True, "does not exist yet; it is made by the first receive")
    missing = above if "receive" in operations and above else dataset
    return Finding(name, False, f"{missing} does not exist", f"zfs create {shlex.quote(missing)}")


def _key(config: AgentConfig) -> Iterator[Finding]:
    if KeyFiles(config).enrolled:
        yield Finding("key", True, "enrolled")
    else:
        hint = (
            f"put an enrol key for {config.system} into {config.enrol_key_path}, then systemctl restart zfs-sync-agent"
        )
        yield Finding("key", False, "this host has not enrolled", hint)


def _witness(config: AgentConfig) -> Iterator[Finding]:
    if not KeyFiles(config).enrolled:
        return
    client = agent_client(config)
    try:
        answer = client.version()
    finally:
        client.close()
    yield Finding("witness", True, f"{config.witness.url} answers, version {answer['version']}")


def _service(config: AgentConfig) -> Iterator[Finding]:
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as gate:
            gate.connect(str(config.gate_socket))
    except OSError as error:
        message = f"nothing listens at {config.gate_socket}: {error.strerror}"
        yield Finding("service", False, message, "systemctl restart zfs-sync-agent; journalctl -u zfs-sync-agent")
    else:
        yield Finding("service", True, "the agent runs, and its gate is open")


def _trust(config: AgentConfig) -> Iterator[Finding]:
    for name, file in (("ssh key", config.identity_path), ("known hosts", config.known_hosts_path)):
        if file.is_file():
            yield Finding(name, True, f"{file} is there")
        else:
            yield Finding(name, False, f"{file} is missing", "run the role ssh_trust, or zfs-sync-agent trust set")
