# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The doctor's look at the witness: whether it is reached, takes this host's key, and has our time."""

import re
import shlex
import time
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

from zfs_sync.agent.config import AgentConfig
from zfs_sync.agent.enrolment import check_protocol, client_for
from zfs_sync.agent.findings import Finding, failed, ok, warning
from zfs_sync.agent.identity import KeyFiles
from zfs_sync.agent.reporter import remembered
from zfs_sync.core.errors import CATALOGUE, ZfsSyncError

MOST_CLOCK_SECONDS = 60.0
WITNESS_HOST = "the witness's host"
REFUSALS = frozenset({"E_UNAUTHENTICATED", "E_KEY_MALFORMED", "E_FORBIDDEN", "E_AGENT_CLONED"})
"""What a witness says to somebody whose key it does not take: it is there."""

_NO_NAME = re.compile(
    r"name or service not known|name resolution|no address associated|nodename nor servname", re.IGNORECASE
)
_TIME = re.compile(r"not yet valid|has expired", re.IGNORECASE)


def enrolment_findings(config: AgentConfig) -> Iterator[Finding]:
    """Whether this host has a key, or could get one."""
    files = KeyFiles(config)
    for path, read in ((files.own, files.own_token), (files.enrol, files.enrol_token)):
        try:
            if path.is_file():
                read()
        except ZfsSyncError as error:
            yield failed("key-broken", error.message, f"mv {shlex.quote(str(path))} {shlex.quote(f'{path}.broken')}")
            return
    if files.enrolled:
        yield ok("enrolment", "This host has its own key.")
    elif files.enrol_token():
        why = "journalctl -t zfs-sync-agent -p warning -n 5"
        yield warning("enrol-key-unused", "This host has an enrol key that is not used yet; the log says why.", why)
    else:
        message = f"This host is not enrolled: there is no key in {files.own}."
        command, where, advice = enrol_commands(config)
        yield failed("not-enrolled", message, command, where=where, advice=advice)


def enrol_commands(config: AgentConfig) -> tuple[str, str, str]:
    """The command that makes an enrol key, where it is typed, and what comes after it."""
    command = f"zfs-sync-witness key create enrol-{config.system} --role enrol --system {config.system} --print"
    advice = (
        "Or run the playbook site. Without Ansible: write the key that this prints into a file here, enrol.key,"
        " and then: zfs-sync-agent upgrade --enrol-key-file enrol.key"
    )
    return command, WITNESS_HOST, advice


def witness_findings(config: AgentConfig) -> Iterator[Finding]:
    """Whether the witness is there, and agrees with this host about key and time."""
    files = KeyFiles(config)
    enrolled = files.enrolled
    client = client_for(config, lambda: files.own_token().text if enrolled else "none")
    try:
        version = client.version()
        check_protocol(client)
        offset = _offset(client.seconds)
    except ZfsSyncError as error:
        yield _trouble(error, config, enrolled=enrolled)
        return
    finally:
        client.close()
    yield ok("witness", f"{client.url} answers, version {version['version']}, and knows this host's key.")
    yield _clock(offset)
    if enrolled:
        yield _reports(config)


def _reports(config: AgentConfig) -> Finding:
    trouble = remembered(config.state)
    if trouble is None:
        return ok("report", "Nothing keeps the agent from reporting.")
    code, message, advice = (str(trouble.get(each, "")) for each in ("code", "message", "hint"))
    if code.startswith("E_ZFS_"):  # what is wrong with ZFS is a finding of its own, and mended there
        return warning("report-refused", f"{code}: {message}", advice=advice)
    command = CATALOGUE[code].example if code in CATALOGUE else ""
    where = WITNESS_HOST if code == "E_REPORT_TOO_LARGE" else ""
    return failed("report-refused", f"{code}: {message}", command, where=where, advice=advice)


def _offset(witness_seconds: Callable[[], float | None]) -> float | None:
    """By how many seconds this host's clock is ahead of the witness's; its Date header has whole seconds."""
    before = time.time()
    theirs = witness_seconds()
    return None if theirs is None else (before + time.time()) / 2 - theirs


def _clock(offset: float | None) -> Finding:
    if offset is None or abs(offset) <= MOST_CLOCK_SECONDS:
        return ok(
            "clock", "The clock agrees with the witness's." if offset is not None else "The witness tells no time."
        )
    way = "ahead of" if offset > 0 else "behind"
    return failed(
        "clock-off",
        f"This host's clock is {abs(offset):.0f} s {way} the witness's; the limit is {MOST_CLOCK_SECONDS:.0f} s.",
        "timedatectl set-ntp true",
        advice="Look first which of the two is right; the other one is to be set.",
    )


def _trouble(error: ZfsSyncError, config: AgentConfig, *, enrolled: bool) -> Finding:
    host = urlsplit(config.witness.url).hostname or config.witness.url
    if error.code in REFUSALS:
        if not enrolled:
            return ok("witness", f"{config.witness.url} answers and has proved itself.")
        command, where, advice = enrol_commands(config)
        return failed("witness-key-refused", f"{error.code}: {error.message}", command, where=where, advice=advice)
    if error.code == "E_WITNESS_UNTRUSTED":
        return _untrusted(error)
    if error.code != "E_WITNESS_UNREACHABLE":
        return failed("witness-unreachable", f"{error.code}: {error.message}", advice=error.hint)
    if _NO_NAME.search(error.message):
        advice = "Or mend witness.url in agent.conf, or the name server. ADDRESS is the witness's."
        return failed("witness-name", error.message, f"echo 'ADDRESS {host}' >> /etc/hosts", advice=advice)
    advice = f"If it runs there, something between here and {host} is in the way, such as a firewall."
    command = "systemctl start zfs-sync-witness"
    return failed("witness-unreachable", error.message, command, where=WITNESS_HOST, advice=advice)


def _untrusted(error: ZfsSyncError) -> Finding:
    if _TIME.search(error.message):
        now = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
        advice = f"By this host's clock it is {now}. If that is right, the certificate has to be renewed."
        return failed(
            "witness-untrusted", error.message, "zfs-sync-witness tls renew", where=WITNESS_HOST, advice=advice
        )
    advice = "Copy the witness's CA, tls/ca.crt beside its database, to this host, as ca.crt. Or run the playbook site."
    return failed("witness-untrusted", error.message, "zfs-sync-agent upgrade --ca-file ca.crt", advice=advice)
