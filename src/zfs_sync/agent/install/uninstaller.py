# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""uninstall: everything that install put in place, and nothing of anybody's data.

Without purge the configuration and the agent's state stay, so that an installation that follows is the same agent.
"""

from collections.abc import Iterator
from typing import Any

from zfs_sync.agent.config import AgentConfig
from zfs_sync.agent.install import service
from zfs_sync.agent.install.account import NoAccount
from zfs_sync.agent.install.files import Absent, Folder
from zfs_sync.agent.install.layout import PEER_USER, ROOT, Layout
from zfs_sync.agent.install.resource import Ledger, Resource


def uninstall(layout: Layout, config: AgentConfig | None, *, check: bool, purge: bool) -> dict[str, Any]:
    """Remove the agent; no dataset is touched. ``config`` says where its state is, where there is one."""
    ledger = Ledger(check)
    if service.systemd_runs():
        ledger.bring([service.Stopped()])
    if ledger.bring([Absent(layout.unit)]) and service.systemd_runs() and not check:
        service.forget_unit()
    ledger.bring(_program(layout))
    if purge:
        ledger.bring(_state(layout, config))
    elif layout.home.is_dir():
        ledger.bring(_kept(layout))
    ledger.bring([NoAccount(PEER_USER)])
    return ledger.answer()


def _program(layout: Layout) -> Iterator[Resource]:
    yield Absent(layout.command)
    yield Absent(layout.library)
    yield Absent(layout.ssh_folder)


def _state(layout: Layout, config: AgentConfig | None) -> Iterator[Resource]:
    if config:
        places = (config.key_path, config.enrol_key_path, config.identity_path, config.known_hosts_path, config.ca_path)
        yield from (Absent(path) for path in places if path is not None)
        yield Absent(config.identity_path.with_name(f"{config.identity_path.name}.pub"))
        yield Absent(config.state)
    yield Absent(layout.home)
    yield from _settings(layout)


def _settings(layout: Layout) -> Iterator[Resource]:
    """The agent's files in a folder that the witness may share."""
    own, folder = (layout.config, layout.ca), layout.config.parent
    shared = folder.is_dir() and any(path not in own for path in folder.iterdir())
    yield from (Absent(path) for path in own)
    if not shared:
        yield Absent(folder)


def _kept(layout: Layout) -> Iterator[Resource]:
    """What stays belongs to nobody but root: the group that it was shared with is gone."""
    yield Folder(layout.home, 0o700, ROOT)
    if (layout.home / "agent").is_dir():
        yield Folder(layout.home / "agent", 0o700, ROOT)
