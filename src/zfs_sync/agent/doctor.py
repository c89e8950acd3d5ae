# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""doctor: what works on this host, what does not, and the command that mends it. It changes nothing."""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from zfs_sync.agent import config_file
from zfs_sync.agent.config import AgentConfig
from zfs_sync.agent.doctor_host import service_findings, state_findings, tool_findings, trust_findings
from zfs_sync.agent.doctor_peers import peer_findings
from zfs_sync.agent.doctor_witness import enrolment_findings, witness_findings
from zfs_sync.agent.doctor_zfs import zfs_findings
from zfs_sync.agent.findings import Finding, Status, failed, ok
from zfs_sync.agent.install.layout import Layout
from zfs_sync.core.errors import ZfsSyncError

MARKS: dict[Status, str] = {"ok": "ok      ", "warning": "warning ", "failed": "FAILED  "}
AS_ROOT = "sudo zfs-sync-agent doctor"


@dataclass(frozen=True, slots=True)
class Area:
    """A group of checks; one that raises is a finding itself, by the id that is given for it."""

    otherwise: str
    look: Callable[[], Iterator[Finding]]

    def findings(self) -> list[Finding]:
        """What there is to say."""
        found: list[Finding] = []
        try:
            found.extend(self.look())
        except ZfsSyncError as error:
            found.append(failed(self.otherwise, error.message, advice=error.hint))
        except PermissionError as error:
            found.append(failed("not-root", f"{error.filename}: {error.strerror}.", AS_ROOT))
        return found


def run(path: Path, *, as_json: bool) -> int:
    """Print the findings; 1 where something failed."""
    try:
        config = config_file.load(path)
    except ZfsSyncError as error:
        faults = "; ".join(f"{fault.pointer}: {fault.message}" for fault in error.faults)
        findings = [failed("config-invalid", f"{error.message} {faults}".strip(), advice=error.hint)]
    else:
        findings = [ok("config", f"{path} is valid."), *examine(config, path)]
    healthy = all(each.status != "failed" for each in findings)
    if as_json:
        print(json.dumps({"ok": healthy, "checks": [asdict(each) for each in findings]}))
    else:
        _print(findings)
    return 0 if healthy else 1


def examine(config: AgentConfig, path: Path) -> list[Finding]:
    """All findings about a host with this configuration, which was read from ``path``."""
    layout = Layout()
    areas = (
        Area("tool-missing", tool_findings),
        Area("state-unwritable", lambda: state_findings(config)),
        Area("not-enrolled", lambda: enrolment_findings(config)),
        Area("witness-unreachable", lambda: witness_findings(config)),
        Area("zfs-silent", lambda: zfs_findings(config, path)),
        Area("service-stopped", lambda: service_findings(config, layout)),
        Area("trust-missing", lambda: trust_findings(config, layout)),
        Area("peer-failed", lambda: peer_findings(config, layout)),
    )
    return [finding for area in areas for finding in area.findings()]


def _print(findings: list[Finding]) -> None:
    for each in findings:
        print(f"{MARKS[each.status]}{each.id}: {each.message}")
        if each.advice:
            print(f"        {each.advice}")
        if each.remedy:
            print(f"        {f'on {each.where}: ' if each.where else ''}{each.remedy}")
