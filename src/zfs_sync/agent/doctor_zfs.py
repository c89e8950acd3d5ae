# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The doctor's look at ZFS: whether it answers and lets the agent work, what the allow-list covers, what is held."""

import getpass
import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

from zfs_sync.agent.allow import AllowList
from zfs_sync.agent.config import AgentConfig, AllowRule, Operation
from zfs_sync.agent.findings import Finding, failed, ok, warning
from zfs_sync.agent.holds import listing
from zfs_sync.agent.work_cache import WorkCache
from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.core.names import parent
from zfs_sync.zfs import commands
from zfs_sync.zfs.errors import DELEGATED
from zfs_sync.zfs.host import Zfs
from zfs_sync.zfs.runner import LocalRunner, demand

FUSE_UNITS = (Path("/etc/systemd/system/zfs-fuse.service"), Path("/lib/systemd/system/zfs-fuse.service"))
ALLOWED = re.compile(r"^\s*user (\S+) (\S+)$", re.MULTILINE)


def zfs_findings(config: AgentConfig, path: Path) -> Iterator[Finding]:
    """Whether ZFS answers, lets whoever runs this do what the agent does, and has what the fleet is about."""
    runner = LocalRunner()
    if os.geteuid() != 0:
        message = f"{getpass.getuser()} runs this; the agent's service runs as root."
        yield failed("not-root", message, "sudo zfs-sync-agent doctor")
    try:
        demand(runner.run(commands.list_pools()), "the pools")
    except ZfsSyncError as error:
        yield failed("zfs-silent", error.message, _wake())
        return
    zfs = Zfs(runner)
    able = zfs.capabilities
    missing = [name for name in ("holds", "bookmarks", "resume", "encryption") if not getattr(able, name)]
    without = f"; without {', '.join(missing)}" if missing else ""
    yield ok("zfs", f"{able.zfs_version or 'a ZFS without version'}, {len(zfs.pools())} pools{without}.")
    if able.delegation and os.geteuid() != 0:
        for rule in config.allow:
            said = runner.run(("zfs", "allow", rule.dataset)).stdout
            yield from delegation(rule, getpass.getuser(), said)
    yield from _allow_findings(zfs, config, path)
    yield from _hold_findings(zfs, config)


def _wake() -> str:
    return (
        "systemctl restart zfs-fuse"
        if any(unit.is_file() for unit in FUSE_UNITS)
        else "modprobe zfs && zpool import -a"
    )


def delegation(rule: AllowRule, user: str, said: str) -> Iterator[Finding]:
    """What zfs-allow(8), which said this about the rule's dataset, does not give ``user`` yet."""
    given = {each for name, words in ALLOWED.findall(said) if name == user for each in words.split(",")}
    for operation in rule.operations:
        wanted = DELEGATED[operation].split(",")
        if lacking := [each for each in wanted if each not in given]:
            remedy = f"zfs allow -u {shlex.quote(user)} {','.join(lacking)} {shlex.quote(rule.dataset)}"
            message = f"{user} may not {operation} {rule.dataset}: zfs allow gives no {', '.join(lacking)}."
            yield failed("permission-missing", message, remedy)


def _allow_findings(zfs: Zfs, config: AgentConfig, path: Path) -> Iterator[Finding]:
    """Whether the allow-list has its datasets, and covers what the edges of the fleet need of this host."""
    if not config.allow:
        yield warning("allow-empty", "The allow-list is empty: nothing is reported, sent or received.")
    for rule in config.allow:
        yield _rule(zfs, rule.dataset, sends="send" in rule.operations)
    allowed = AllowList(config.allow, str(path))
    for operation, dataset, edge in _needs(config):
        if not allowed.allows(operation, dataset):
            message = f"Edge {edge} needs to {operation} {dataset}, which {path} does not allow."
            advice = "Only if you want that: this list is what binds the witness, and nobody else can change it."
            yield failed("allow-missing", message, _allow(dataset, operation), advice=advice)


def _allow(dataset: str, operation: Operation) -> str:
    return f"zfs-sync-agent allow {shlex.quote(dataset)} {operation}"


def _needs(config: AgentConfig) -> Iterator[tuple[Operation, str, str]]:
    """What each edge asks of this host: operation, dataset, edge."""
    work = WorkCache(config.state, config.system).work
    for edge in work.edges if work else ():
        if edge.from_system == config.system:
            yield "send", edge.from_root, edge.id
        if edge.to_system == config.system:
            yield "receive", edge.to_root, edge.id


def _rule(zfs: Zfs, dataset: str, *, sends: bool) -> Finding:
    if zfs.properties(dataset, ["type"]):
        return ok("allow", f"{dataset} exists.")
    quoted = shlex.quote(dataset)
    if sends:
        return warning("dataset-missing", f"{dataset} may be sent and does not exist.", f"zfs create -p {quoted}")
    above = parent(dataset)
    if above is None or zfs.properties(above, ["type"]):
        return ok("allow", f"{dataset} does not exist yet; the first receive makes it.")
    return warning(
        "parent-missing",
        f"{dataset} cannot be received: {above} does not exist, and nothing above a target is made.",
        f"zfs create -p {shlex.quote(above)}",
    )


def _hold_findings(zfs: Zfs, config: AgentConfig) -> Iterator[Finding]:
    """How many holds are ours, and those that nobody needs any more."""
    found = listing(config, zfs)
    left = [each for each in found.holds if found.in_force(each) is False and each.snapshot]
    if left:
        names = ", ".join(f"{each.dataset}@{each.snapshot}" for each in left[:5])
        yield warning(
            "holds-left",
            f"{len(left)} snapshots are held for edges that are gone: {names}.",
            "systemctl restart zfs-sync-agent",
            advice="An agent that the witness still knows gives them back by itself. Where the host has left the fleet:"
            " systemctl stop zfs-sync-agent && zfs-sync-agent holds --release",
        )
    else:
        yield ok("holds", f"{len(found.holds)} holds of ours; zfs-sync-agent holds lists them.")
