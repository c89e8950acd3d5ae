# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""uninstall: everything that install put in place, and nothing of anybody's data.

Without purge the configuration and the agent's state stay, so that an installation that follows is the same agent.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from zfs_sync.agent.config import AgentConfig
from zfs_sync.agent.holds import NoHolds
from zfs_sync.agent.install import service
from zfs_sync.agent.install.account import NoAccount
from zfs_sync.agent.install.files import Absent, Folder
from zfs_sync.agent.install.layout import PEER_USER, ROOT, Layout
from zfs_sync.agent.install.resource import Ledger, Resource
from zfs_sync.core.errors import ZfsSyncError


def uninstall(layout: Layout, config: AgentConfig | None, *, check: bool, purge: bool) -> dict[str, Any]:
    """Remove the agent and its holds; no dataset is touched. ``config`` says where its state is, where there is one."""
    ledger = Ledger(check)
    if service.systemd_runs():
        ledger.bring([service.Stopped()])
    gone = ledger.bring(Absent(layout.units / name) for name in service.ALL)
    if gone and service.systemd_runs() and not check:
        service.forget_units()
    if config:
        _give_back(ledger, config)
    ledger.bring(_program(layout))
    if purge:
        ledger.bring(_state(layout, config))
    elif layout.home.is_dir():
        ledger.bring(_kept(layout))
    ledger.bring([NoAccount(PEER_USER)])
    return ledger.answer()


def _give_back(ledger: Ledger, config: AgentConfig) -> None:
    """Give back our holds, which nobody else would; where ZFS does not answer, the agent is removed all the same."""
    try:
        ledger.bring([NoHolds(config)])
    except ZfsSyncError as error:
        ledger.warnings.append(f"holds of ours on snapshots of this host stay: {error.message}")


def _program(layout: Layout) -> Iterator[Resource]:
    yield Absent(layout.command)
    yield Absent(layout.library)
    yield Absent(layout.ssh_folder)


def _state(layout: Layout, config: AgentConfig | None) -> Iterator[Resource]:
    """Our own folders, and files that the configuration keeps elsewhere.

    The settings' folder is shared with a witness on the same host: it goes when nothing in it is anybody else's.
    """
    folders = [layout.home]
    files = [layout.config, layout.ca]
    if config:
        public = config.identity_path.with_name(f"{config.identity_path.name}.pub")
        files += [config.key_path, config.enrol_key_path, config.identity_path, public, config.known_hosts_path]
        files += [config.ca_path] if config.ca_path else []
        folders += [] if _within(config.state, folders) else [config.state]
    settings = layout.config.parent
    if settings.is_dir() and set(settings.iterdir()) <= set(files):
        folders.append(settings)
    yield from (Absent(path) for path in files if not _within(path, folders))
    yield from (Absent(folder) for folder in folders)


def _within(path: Path, folders: Sequence[Path]) -> bool:
    return any(path.is_relative_to(folder) for folder in folders)


def _kept(layout: Layout) -> Iterator[Resource]:
    """What stays belongs to nobody but root: the group that it was shared with is gone."""
    yield Folder(layout.home, 0o700, ROOT)
    if (layout.home / "agent").is_dir():
        yield Folder(layout.home / "agent", 0o700, ROOT)
