# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""``/etc/zfs-sync/agent.conf``: what a host decides for itself, and no witness can change.

The dataclasses are the schema (``schemas/agent-config.schema.json`` is exported from them), ``config_file`` reads them.
"""

from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal

from annotated_types import Ge, Le, Len

from zfs_sync.api.annotations import STRICT, Checked, DatasetPath, Duration, Example, SystemName
from zfs_sync.client.address import check_url
from zfs_sync.core.numbers import parse_duration

DEFAULT_PATH = Path("/etc/zfs-sync/agent.conf")
DEFAULT_STATE = "/var/lib/zfs-sync/agent"
DEFAULT_RUN = "/run/zfs-sync"
LONGEST_RUN_DIR = 60
SHORTEST_SCAN_SECONDS = 1


def check_path(text: str) -> str:
    """Accept an absolute path of one line, without ways up."""
    if not text.startswith("/") or not text.isprintable() or ".." in PurePosixPath(text).parts:
        raise ValueError(f"{ascii(text)[:120]} is not an absolute path without '..'")
    return text


def check_run_dir(text: str) -> str:
    """Accept an absolute path that leaves room for the names of Unix sockets, which the kernel caps at 107 bytes."""
    if len(check_path(text).encode()) > LONGEST_RUN_DIR:
        raise ValueError(f"the path has more than {LONGEST_RUN_DIR} bytes: sockets below it could not be made")
    return text


def check_witness_url(text: str) -> str:
    """Accept the URL of a witness; plain http is judged with ``allow_plain_http`` beside it."""
    return check_url(text, allow_plain_http=True)


AbsolutePath = Annotated[str, Checked(check_path, "/etc/zfs-sync/ca.pem", "^/")]
Operation = Literal["send", "receive"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WitnessConfig:
    """The witness that this host listens to."""

    __pydantic_config__ = STRICT

    url: Annotated[str, Checked(check_witness_url, "https://witness.example.org:8462", "^https?://")]
    """Where it is. There is no default."""
    ca_file: AbsolutePath | None = None
    """The CA that signed its certificate; the public CAs where it is not given."""
    allow_plain_http: Annotated[bool, Example(False)] = False
    """Send the key in clear over plain http beyond this machine: only on a network that you trust."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowRule:
    """A subtree of datasets, and what replication may do there."""

    __pydantic_config__ = STRICT

    dataset: DatasetPath
    """The top of the subtree; it need not exist yet."""
    operations: Annotated[list[Operation], Len(1, 2), Example(["send"])]
    """send: may be read by peers that share an edge. receive: may be received into."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SshConfig:
    """How this host reaches its peers."""

    __pydantic_config__ = STRICT

    identity_file: AbsolutePath | None = None
    """The private key; by default ssh/id_ed25519 in state_dir."""
    known_hosts_file: AbsolutePath | None = None
    """The peers' host keys; by default ssh/known_hosts in state_dir. No other host is spoken to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentConfig:
    """The agent of one host."""

    __pydantic_config__ = STRICT

    system: SystemName
    """This host's name in the fleet."""
    witness: WitnessConfig
    """The witness."""
    allow: Annotated[list[AllowRule], Len(0, 1_000), Example([{"dataset": "tank/photos", "operations": ["send"]}])] = (
        field(default_factory=list)
    )
    """The allow-list: datasets outside it are neither reported nor touched, whatever the witness says."""
    key_file: AbsolutePath | None = None
    """Where this agent keeps its own key; by default agent.key in state_dir."""
    enrol_key_file: AbsolutePath | None = None
    """Where the single-use enrol key lies until it is used; by default enrol.key in state_dir."""
    scan_interval: Duration = "10s"
    """How often the datasets are looked at."""
    timer: Duration | None = None
    """Run by a systemd timer, once every so often, instead of all the time; null for a service that always runs."""
    parallel_jobs: Annotated[int, Ge(1), Le(64), Example(2)] = 2
    """How many datasets are received at the same time."""
    log_level: Annotated[Literal["debug", "info", "warning", "error"], Example("info")] = "info"
    """The least important message that is logged."""
    ssh: SshConfig = field(default_factory=SshConfig)
    """Files of ssh, where they are not in state_dir."""
    state_dir: AbsolutePath = DEFAULT_STATE
    """Where the agent keeps its key, what it was told, and what it has not delivered yet."""
    run_dir: Annotated[str, Checked(check_run_dir, DEFAULT_RUN, "^/")] = DEFAULT_RUN
    """Where the agent's sockets are."""

    @property
    def state(self) -> Path:
        """The state directory."""
        return Path(self.state_dir)

    @property
    def key_path(self) -> Path:
        """The agent's own key."""
        return Path(self.key_file) if self.key_file else self.state / "agent.key"

    @property
    def enrol_key_path(self) -> Path:
        """The enrol key, until it is used."""
        return Path(self.enrol_key_file) if self.enrol_key_file else self.state / "enrol.key"

    @property
    def identity_path(self) -> Path:
        """The private ssh key."""
        return Path(self.ssh.identity_file) if self.ssh.identity_file else self.state / "ssh" / "id_ed25519"

    @property
    def known_hosts_path(self) -> Path:
        """The peers' host keys."""
        return Path(self.ssh.known_hosts_file) if self.ssh.known_hosts_file else self.state / "ssh" / "known_hosts"

    @property
    def ca_path(self) -> Path | None:
        """The witness's CA."""
        return Path(self.witness.ca_file) if self.witness.ca_file else None

    @property
    def gate_socket(self) -> Path:
        """Where the gate finds the running agent."""
        return Path(self.run_dir) / "gate.sock"

    @property
    def scan_seconds(self) -> int:
        """``scan_interval`` as a number."""
        return max(SHORTEST_SCAN_SECONDS, parse_duration(self.scan_interval))

    @property
    def timer_seconds(self) -> int | None:
        """``timer`` as a number."""
        return parse_duration(self.timer) if self.timer else None
