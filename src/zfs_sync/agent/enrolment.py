# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""How an agent gets its key: it makes one itself and shows the witness its hash, with a single-use enrol key."""

import logging
from collections.abc import Callable
from pathlib import Path

from zfs_sync import __version__
from zfs_sync.agent.config import AgentConfig
from zfs_sync.agent.identity import KeyFiles, installation_id
from zfs_sync.api import PROTOCOL
from zfs_sync.api.reports import Enrolment, Succession
from zfs_sync.client.transport import Transport
from zfs_sync.client.witness import WitnessClient
from zfs_sync.core.errors import ZfsSyncError

LOG = logging.getLogger(__name__)


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


def renew(config: AgentConfig, client: WitnessClient) -> None:
    """Put a new key in the place of this agent's own, which the witness has asked for.

    The new one is on disk before the witness hears of it. Killed at any moment, ``settle_renewal`` goes on from there.
    """
    files = KeyFiles(config)
    new = files.propose()
    words = Succession(installation=installation_id(config.state), token_lookup=new.lookup, token_sha256=new.sha256)
    client.succeed(config.system, words)
    files.accept()
    LOG.info("this agent has a new key", extra={"system": config.system})


def settle_renewal(config: AgentConfig, client: WitnessClient) -> None:
    """Finish a renewal that was cut off: the witness may have taken the new key, and ended the old one since."""
    files = KeyFiles(config)
    new = files.proposed_token()
    if new is None or not files.enrolled:
        return
    try:
        renew(config, client)
    except ZfsSyncError as error:
        if error.code == "E_FORBIDDEN":  # nobody asked for it any more: the own key is the right one
            files.forget_proposed()
            return
        if error.code != "E_UNAUTHENTICATED":
            raise
        with_new = client_for(config, lambda: new.text)
        try:
            with_new.enrolment(config.system, installation_id(config.state))
        finally:
            with_new.close()
        files.accept()


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
