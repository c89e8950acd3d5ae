# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The witness's settings: /etc/zfs-sync/witness.yml, and above it the environment (``ZFS_SYNC_WITNESS_...``).

A setting that is not known is an error in either place, and all faults are told at once: a misspelt setting that is
silently ignored is found on the day it was needed.
"""

import difflib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from zfs_sync.core.errors import Fault, ZfsSyncError, pointer
from zfs_sync.witness.faults import sentence

ENV_PREFIX = "ZFS_SYNC_WITNESS_"
CONFIG_VARIABLE = ENV_PREFIX + "CONFIG"
DEFAULT_FILE = Path("/etc/zfs-sync/witness.yml")
FRONT_ENDS = frozenset(ENV_PREFIX + name for name in ("URL", "TOKEN", "TOKEN_FILE", "CA_PATH", "TIMEOUT"))
"""How front ends find their witness; whoever has set these may run the witness's commands in the same shell."""

MiB = 1024 * 1024


class Settings(BaseSettings):
    """Every setting with its default. The reference page is made from these descriptions."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX, extra="forbid", frozen=True, use_attribute_docstrings=True, env_ignore_empty=True
    )

    database: Path = Path("/var/lib/zfs-sync-witness/witness.db")
    """The SQLite database. Its folder must be writable, for the write-ahead log lies beside it."""
    host: str = "127.0.0.1"
    """The address to listen on. Beyond loopback it takes TLS."""
    port: Annotated[int, Field(ge=0, le=65_535)] = 8462
    """The port to listen on; 0 takes a free one, and the log says which."""
    tls_certificate: Path | None = None
    """The server's certificate chain (PEM). `zfs-sync-witness tls init` makes one."""
    tls_key: Path | None = None
    """The certificate's private key (PEM)."""
    allow_plain_http: bool = False
    """Listen beyond loopback without TLS. Keys then travel readable; the witness warns at every start."""
    heartbeat_seconds: Annotated[int, Field(ge=1, le=3_600)] = 30
    """The longest silence of an agent."""
    offline_after_seconds: Annotated[int, Field(ge=2, le=86_400)] = 90
    """How long after the last word of its agent a system counts as offline."""
    lease_seconds: Annotated[int, Field(ge=2, le=3_600)] = 60
    """How long a claimed job stays with its agent without a word of progress."""
    progress_seconds: Annotated[int, Field(ge=1, le=600)] = 5
    """How often an agent reports progress of a running job."""
    long_poll_seconds: Annotated[int, Field(ge=1, le=300)] = 30
    """The longest time that a request for work is held."""
    jobs_per_system: Annotated[int, Field(ge=1, le=1_000)] = 4
    """How many jobs run at once on a system, sends and receives together."""
    max_body_bytes: Annotated[int, Field(ge=64 * 1024)] = 32 * MiB
    """The largest request body."""
    report_max_datasets: Annotated[int, Field(ge=1)] = 100_000
    """The most datasets that one system may report."""
    report_max_snapshots: Annotated[int, Field(ge=1)] = 2_000_000
    """The most snapshots that one system may report."""
    report_chunk_max_snapshots: Annotated[int, Field(ge=1)] = 50_000
    """The most snapshots in one part of a report."""
    event_listeners: Annotated[int, Field(ge=1, le=10_000)] = 200
    """How many clients may follow jobs as events at once."""
    jobs_kept_days: Annotated[int, Field(ge=1, le=36_500)] = 90
    """How long ended jobs are kept, with their history. What they moved stays counted."""
    audit_kept_days: Annotated[int, Field(ge=1, le=36_500)] = 400
    """How long entries of the audit are kept, and keys that were revoked."""
    metrics_max_datasets: Annotated[int, Field(ge=0)] = 10_000
    """With more datasets on edges than this, /metrics has one series per edge, the worst of its datasets."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """The least important line that is logged."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment stands above the file, which comes as arguments."""
        return env_settings, init_settings


def load(environ: Mapping[str, str] | None = None, file: Path | None = None) -> Settings:
    """The settings of this machine. Raises E_CONFIG with every fault of file and environment.

    The file is ``file``, else the one that ``ZFS_SYNC_WITNESS_CONFIG`` names, else /etc/zfs-sync/witness.yml, which may
    be missing; the others may not.
    """
    variables = os.environ if environ is None else environ
    named = file or (Path(variables[CONFIG_VARIABLE]) if variables.get(CONFIG_VARIABLE) else None)
    path = named or DEFAULT_FILE
    declared = _read(path, required=named is not None)
    faults = _unknown_variables(variables)
    try:
        settings = Settings(**declared)
    except ValidationError as error:
        faults += [_fault(each["loc"], dict(each), declared) for each in error.errors(include_url=False)]
        raise _refusal(path, faults) from error
    faults += _contradictions(settings)
    if faults:
        raise _refusal(path, faults)
    return settings


def _read(path: Path, *, required: bool) -> dict[str, Any]:
    if not required and not path.exists():
        return {}
    try:
        declared = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ZfsSyncError("E_CONFIG", f"The settings in {path} cannot be read: {error}.") from error
    if declared is None:
        return {}
    if not isinstance(declared, dict) or not all(isinstance(key, str) for key in declared):
        raise ZfsSyncError("E_CONFIG", f"The settings in {path} are not a mapping of names to values.")
    return declared


def _unknown_variables(variables: Mapping[str, str]) -> list[Fault]:
    known = {ENV_PREFIX + name.upper() for name in Settings.model_fields} | {CONFIG_VARIABLE}
    unknown = sorted(name for name in variables if name.startswith(ENV_PREFIX) and name not in known | FRONT_ENDS)
    return [Fault(f"${name}", "this setting is not known" + _suggestion(name, known)) for name in unknown]


def _fault(location: tuple[int | str, ...], detail: dict[str, Any], declared: Mapping[str, Any]) -> Fault:
    name = str(location[0]) if location else ""
    if name in declared and name not in Settings.model_fields:
        return Fault(pointer(name), "this setting is not known" + _suggestion(name, set(Settings.model_fields)))
    where = pointer(*location) if name in declared else f"${ENV_PREFIX}{name.upper()}"
    return Fault(where, sentence(detail))


def _contradictions(settings: Settings) -> list[Fault]:
    faults = []
    if (settings.tls_certificate is None) != (settings.tls_key is None):
        faults.append(Fault(pointer("tls_key"), "tls_certificate and tls_key are given together or not at all"))
    if settings.offline_after_seconds <= settings.heartbeat_seconds:
        faults.append(Fault(pointer("offline_after_seconds"), "this must be more than heartbeat_seconds"))
    if settings.lease_seconds <= settings.progress_seconds:
        faults.append(Fault(pointer("lease_seconds"), "this must be more than progress_seconds"))
    return faults


def _suggestion(name: str, known: set[str]) -> str:
    close = difflib.get_close_matches(name, sorted(known), n=1)
    return f"; did you mean {close[0]}?" if close else ""


def _refusal(path: Path, faults: list[Fault]) -> ZfsSyncError:
    return ZfsSyncError("E_CONFIG", f"The witness's settings ({path} and environment) have faults.", faults=faults)
