# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""What an installation is asked for: the configuration, and what goes into files beside it."""

import re
import ssl
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any

import yaml
from annotated_types import Len

from zfs_sync.agent import config_file
from zfs_sync.agent.config import AgentConfig
from zfs_sync.agent.install.layout import Layout
from zfs_sync.api.annotations import STRICT, Example
from zfs_sync.api.structure import structure
from zfs_sync.core import tokens
from zfs_sync.core.errors import ZfsSyncError

HEADER = "# Written by zfs-sync-agent install. What it may hold: schemas/agent-config.schema.json\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallDocument:
    """The document on standard input: YAML or JSON."""

    __pydantic_config__ = STRICT

    config: dict[str, Any] | None = None
    """The content of agent.conf; what is there stays where it is not given."""
    ca_certificate: Annotated[str, Len(1, 200_000), Example("-----BEGIN CERTIFICATE-----")] | None = None
    """The witness's CA in PEM."""
    enrol_key: Annotated[str, Len(1, 200), Example("zs_enrol_...")] | None = None
    """The single-use key to enrol with; of no use, and not stored, on a host whose own key the witness takes."""
    reenrol: Annotated[bool, Example(False)] = False
    """Put this host's own key away, whatever the witness says of it, and enrol anew with enrol_key."""

    def __repr__(self) -> str:
        """Leave the key out."""
        return f"InstallDocument(config={self.config!r})"


@dataclass(frozen=True, slots=True)
class Request:
    """What the installation shall look like."""

    config: AgentConfig
    text: str
    """The content of agent.conf."""
    ca: str | None
    enrol_key: str | None
    reenrol: bool


def read_document(text: str) -> InstallDocument:
    """The document in ``text``. Raises E_CONFIG or E_VALIDATION, with all faults and no secret."""
    try:
        raw = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ZfsSyncError("E_CONFIG", "Standard input is neither YAML nor JSON.") from error
    return structure(InstallDocument, {} if raw is None else raw)


def request(document: InstallDocument, layout: Layout, text: str | None = None, *, timer: str | None = None) -> Request:
    """Everything checked. ``text`` is an agent.conf to take as it is; else the document's, else the host's own.

    ``timer`` takes the place of what that says of it; "off" for a service.
    """
    if document.ca_certificate:
        _check_certificate(document.ca_certificate)
    if document.enrol_key:
        tokens.parse(document.enrol_key.strip())
    if text is None and document.config is not None:
        text = _rendered(_with_ca(document, layout))
    if text is None:
        text = _installed(layout)
    if timer is not None:
        text = _with_timer(text, timer)
    return _request(config_file.parse(text, str(layout.config)), text, document)


def _installed(layout: Layout) -> str:
    if not layout.config.is_file():
        raise ZfsSyncError(
            "E_INSTALL",
            f"This host has no {layout.config}, and none was given.",
            hint="Give one with --config FILE, or as 'config' in a document on standard input with --document -",
        )
    return layout.config.read_text(encoding="utf-8")


def _with_timer(text: str, timer: str) -> str:
    """The text with this line for the timer; everything else as it was written."""
    rest = re.sub(r"^timer:.*\n?", "", text, flags=re.MULTILINE)
    return rest if timer == "off" else f"{rest.rstrip()}\ntimer: {timer}\n"


def _request(config: AgentConfig, text: str, document: InstallDocument) -> Request:
    return Request(config, text, document.ca_certificate, document.enrol_key, document.reenrol)


def _with_ca(document: InstallDocument, layout: Layout) -> dict[str, Any]:
    """The configuration; with a CA at hand and no place for it given, the usual place."""
    config = dict(document.config or {})
    witness = config.get("witness")
    if document.ca_certificate and isinstance(witness, dict) and not witness.get("ca_file"):
        config["witness"] = {**witness, "ca_file": str(layout.ca)}
    return config


def _rendered(config: dict[str, Any]) -> str:
    """The same text for the same configuration, whatever order it came in."""
    config_file.from_document(config)
    order = [each.name for each in fields(AgentConfig)]
    ordered = {name: config[name] for name in order if name in config}
    return HEADER + yaml.safe_dump(ordered, sort_keys=False, allow_unicode=True, width=120)


def _check_certificate(text: str) -> None:
    try:
        ssl.create_default_context(cadata=text)
    except (ssl.SSLError, ValueError) as error:
        raise ZfsSyncError("E_INSTALL", "ca_certificate is no certificate in PEM.") from error


def ca_path(request: Request, layout: Layout) -> Path:
    """Where the CA goes."""
    return request.config.ca_path or layout.ca
