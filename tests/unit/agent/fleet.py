# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""A real witness, and pairs of systems in it that no other test knows."""

import itertools
import secrets
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx2

from tests.unit.witness.process import Served
from zfs_sync.agent.config import AgentConfig, WitnessConfig
from zfs_sync.api.reports import DatasetReport, HostReport, Report, SnapshotReport
from zfs_sync.client.transport import Transport
from zfs_sync.client.witness import WitnessClient

NUMBERS = itertools.count(1)


@dataclass
class Fleet:
    """What an administrator does with the witness."""

    witness: Served
    ca: Path
    admin: httpx2.Client

    def call(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.admin.request(method, f"/api/v1{path}", json=body)
        answer.raise_for_status()
        return answer.json()

    def declare(self) -> str:
        """A new system."""
        name = f"n{next(NUMBERS)}"
        self.call("PUT", f"/systems/{name}", {})
        return name

    def enrol_key(self, system: str) -> str:
        key = {"name": f"enrol {system} {next(NUMBERS)}", "role": "enrol", "system": system}
        return str(self.call("POST", "/api-keys", key)["token"])

    def agent_key(self, system: str) -> str:
        key = {"name": f"agent {system} {next(NUMBERS)}", "role": "agent", "system": system}
        return str(self.call("POST", "/api-keys", key)["token"])

    def client(self, token: str) -> WitnessClient:
        return WitnessClient(Transport(self.witness.url, lambda: token, ca_file=self.ca, sleep=lambda _: None))

    def away(self) -> WitnessClient:
        """A client of a witness that does not answer."""
        return WitnessClient(Transport("https://127.0.0.1:1", lambda: "zs_x", ca_file=self.ca, sleep=lambda _: None))

    def configured(self, config: AgentConfig, system: str) -> AgentConfig:
        return replace(config, system=system, witness=WitnessConfig(url=self.witness.url, ca_file=str(self.ca)))


@dataclass
class Pair:
    """A source with one snapshot, and a target that has none: one job waits."""

    fleet: Fleet
    source: str
    target: str
    client: WitnessClient
    """The target's agent."""
    job: str

    def state(self) -> str:
        return str(self.fleet.call("GET", f"/jobs/{self.job}")["state"])


def report(*datasets: DatasetReport) -> Report:
    return Report(
        protocol=1,
        installation="one",
        generation=secrets.token_hex(4),
        base_generation=None,
        kind="full",
        seq=0,
        last=True,
        agent_version="1",
        host=HostReport(platform="linux", hostname="h"),
        datasets=list(datasets),
    )


def make_pair(fleet: Fleet) -> Pair:
    source, target = fleet.declare(), fleet.declare()
    members = [
        {"system": source, "dataset": "tank/photos", "role": "source"},
        {"system": target, "dataset": "backup/photos", "role": "target"},
    ]
    fleet.call("PUT", f"/sync-groups/g-{target}", {"members": members})
    head = SnapshotReport(guid="11", createtxg="5", name="a")
    photos = DatasetReport(path="tank/photos", guid="1", type="filesystem", add=[head])
    for system, said in ((source, report(photos)), (target, report())):
        client = fleet.client(fleet.agent_key(system))
        client.report(system, said)
        if system == source:
            client.close()
    told = client.work(target, etag=None, wait_seconds=10)
    assert told is not None
    (job,) = told[0].jobs
    return Pair(fleet, source, target, client, job.id)
