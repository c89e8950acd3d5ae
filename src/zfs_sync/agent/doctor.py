# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""doctor: what works on this host, what does not, and the command that mends it. It changes nothing."""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from zfs_sync.agent import config_file
from zfs_sync.agent.config import AgentConfig
from zfs_sync.agent.doctor_host import service_findings, trust_findings
from zfs_sync.agent.doctor_peers import peer_findings
from zfs_sync.agent.enrolment import client_for
from zfs_sync.agent.findings import Finding, failed, ok, warning
from zfs_sync.agent.identity import KeyFiles
from zfs_sync.agent.install.layout import Layout
from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.core.names import parent
from zfs_sync.zfs import commands
from zfs_sync.zfs.host import Zfs
from zfs_sync.zfs.runner import LocalRunner, demand

ANSWERS = frozenset({"E_UNAUTHENTICATED", "E_KEY_MALFORMED", "E_FORBIDDEN"})
"""What a witness says to somebody whose key it does not know: it is there."""
MARKS: dict[Literal["ok", "warning", "failed"], str] = {"ok": "ok      ", "warning": "warning ", "failed": "FAILED  "}


@dataclass(frozen=True, slots=True)
class Area:
    """A group of checks; one that raises is a finding itself."""

    name: str
    look: Callable[[], Iterator[Finding]]

    def findings(self) -> list[Finding]:
        """What there is to say."""
        found: list[Finding] = []
        try:
            found.extend(self.look())
        except ZfsSyncError as error:
            found.append(failed(self.name, error.message, error.hint))
        except OSError as error:
            found.append(
                failed(self.name, f"{error.filename}: {error.strerror}.", "Run zfs-sync-agent doctor as root.")
            )
        return found


def run(path: Path, *, as_json: bool) -> int:
    """Print the findings; 1 where something failed."""
    try:
        config = config_file.load(path)
    except ZfsSyncError as error:
        faults = "; ".join(f"{fault.pointer}: {fault.message}" for fault in error.faults)
        findings = [failed("config", f"{error.message} {faults}".strip(), error.hint)]
    else:
        findings = [ok("config", f"{path} is valid."), *examine(config)]
    healthy = all(each.status != "failed" for each in findings)
    if as_json:
        print(json.dumps({"ok": healthy, "checks": [asdict(each) for each in findings]}))
    else:
        _print(findings)
    return 0 if healthy else 1


def examine(config: AgentConfig) -> list[Finding]:
    """All findings about a host with this configuration."""
    layout = Layout()
    areas = (
        Area("enrolment", lambda: _enrolment(config)),
        Area("witness", lambda: _witness(config)),
        Area("zfs", lambda: _zfs(config)),
        Area("service", lambda: service_findings(config, layout)),
        Area("trust", lambda: trust_findings(config, layout)),
        Area("peers", lambda: peer_findings(config, layout)),
    )
    return [finding for area in areas for finding in area.findings()]


def _print(findings: list[Finding]) -> None:
    for each in findings:
        print(f"{MARKS[each.status]}{each.check}: {each.message}")
        if each.remedy:
            print(f"        {each.remedy}")


def _enrolment(config: AgentConfig) -> Iterator[Finding]:
    files = KeyFiles(config)
    if files.enrolled:
        files.own_token()
        yield ok("enrolment", "This host has its own key.")
    elif files.enrol_token():
        yield warning("enrolment", "This host has an enrol key that is not used yet.", "journalctl -u zfs-sync-agent")
    else:
        files.own_token()


def _witness(config: AgentConfig) -> Iterator[Finding]:
    files = KeyFiles(config)
    enrolled = files.enrolled
    client = client_for(config, lambda: files.own_token().text if enrolled else "none")
    try:
        version = client.version()
    except ZfsSyncError as error:
        if error.code not in ANSWERS or enrolled:
            raise
        yield ok("witness", f"{client.url} answers and has proved itself.")
    else:
        yield ok("witness", f"{client.url} answers, version {version['version']}, and knows this host's key.")
    finally:
        client.close()


def _zfs(config: AgentConfig) -> Iterator[Finding]:
    runner = LocalRunner()
    demand(runner.run(commands.list_pools()), "the pools")
    zfs = Zfs(runner)
    able = zfs.capabilities
    missing = [name for name in ("holds", "bookmarks", "resume", "encryption") if not getattr(able, name)]
    without = f"; without {', '.join(missing)}" if missing else ""
    yield ok("zfs", f"{able.zfs_version or 'a ZFS without version'}, {len(zfs.pools())} pools{without}.")
    if not config.allow:
        yield warning("allow", "The allow-list is empty: nothing is reported, sent or received.")
    for rule in config.allow:
        yield _rule(zfs, rule.dataset, sends="send" in rule.operations)


def _rule(zfs: Zfs, dataset: str, *, sends: bool) -> Finding:
    if zfs.properties(dataset, ["type"]):
        return ok("allow", f"{dataset} exists.")
    if sends:
        return warning("allow", f"{dataset} may be sent and does not exist.", f"zfs create -p '{dataset}'")
    above = parent(dataset)
    if above is None or zfs.properties(above, ["type"]):
        return ok("allow", f"{dataset} does not exist yet; the first receive makes it.")
    remedy = f"zfs create -p '{above}'"
    return warning("allow", f"{dataset} cannot be received: {above} does not exist, and nothing above is made.", remedy)
