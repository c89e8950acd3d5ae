# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""How an agent gets its key: it makes one itself and shows the witness its hash, with a single-use enrol key."""

from collections.abc import Callable
from pathlib import Path

from zfs_sync import __version__
from zfs_sync.agent.config import AgentConfig
from zfs_sync.agent.identity import KeyFiles, installation_id
from zfs_sync.api import PROTOCOL
from zfs_sync.api.reports import Enrolment
from zfs_sync.client.transport import Transport
from zfs_sync.client.witness import WitnessClient
from zfs_sync.core.errors import ZfsSyncError


def client_for(
    config: AgentConfig, token: Callable[[], str], *, ca_file: Path | None = None, timeout_seconds: float = 30.0
) -> WitnessClient:
    """A client of this host's witness, with its configured CA or another.

    Raises E_CONFIG for a URL that would send the key in clear.
    """
    transport = Transport(
        config.witness.url,
        token,
        ca_file=ca_file or config.ca_path,
        timeout_seconds=timeout_seconds,
        allow_plain_http=config.witness.allow_plain_http,
    )
    return WitnessClient(transport)


def agent_client(config: AgentConfig) -> WitnessClient:
    """A client that speaks with the agent's own key, read when it is needed."""
    files = KeyFiles(config)
    return client_for(config, lambda: files.own_token().text)


def check_protocol(client: WitnessClient) -> None:
    """Raise E_PROTOCOL_UNSUPPORTED, naming the side that is too old, unless the witness serves our protocol."""
    spoken = [each for each in client.version().get("protocol", ()) if isinstance(each, int)]
    if PROTOCOL in spoken:
        return
    old = "agent" if spoken and min(spoken) > PROTOCOL else "witness"
    raise ZfsSyncError(
        "E_PROTOCOL_UNSUPPORTED",
        f"This agent speaks protocol {PROTOCOL}, the witness at {client.url} {', '.join(map(str, spoken)) or 'none'}:"
        f" the {old} is too old.",
    )


def enrol(config: AgentConfig) -> bool:
    """Enrol where that has not been done; whether it was done now. Raises the witness's refusal.

    Killed at any moment and run again, it says the same words to the witness, which answers the same.
    """
    files = KeyFiles(config)
    if files.enrolled:
        return False
    key = files.enrol_token()
    if key is None:
        files.own_token()
        raise AssertionError("own_token raises where there is no key")
    own = files.propose()
    client = client_for(config, lambda: key.text)
    words = Enrolment(
        system=config.system,
        installation=installation_id(config.state),
        token_lookup=own.lookup,
        token_sha256=own.sha256,
        agent_version=__version__,
        protocol=PROTOCOL,
    )
    try:
        answer = client.enrol(words)
    finally:
        client.close()
    if answer.system != config.system:
        raise ZfsSyncError(
            "E_CONFIG",
            f"The enrol key belongs to system {answer.system}, and this host is configured as {config.system}.",
        )
    files.accept()
    return True
