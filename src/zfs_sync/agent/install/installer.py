# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""install and upgrade: all of an agent, in order, as resources."""

import time
from collections.abc import Callable, Iterator
from typing import Any

from zfs_sync import __version__
from zfs_sync.agent.config import AgentConfig
from zfs_sync.agent.identity import PRIVATE, KeyFiles
from zfs_sync.agent.install import keys, service
from zfs_sync.agent.install.account import Account
from zfs_sync.agent.install.archive import Archive
from zfs_sync.agent.install.document import Request, ca_path
from zfs_sync.agent.install.files import Absent, Binary, File, Folder, Link
from zfs_sync.agent.install.layout import ARCHIVE, FOR_PEERS, PEER_USER, ROOT, Layout
from zfs_sync.agent.install.resource import Ledger, Resource
from zfs_sync.agent.standing import Standing, standing
from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.core.names import is_inside
from zfs_sync.zfs.runner import LocalRunner

ENROL_WAIT_SECONDS = 20.0


class Installer:
    """Brings one host to what a request says."""

    def __init__(self, layout: Layout, archive: Archive, request: Request, *, check: bool) -> None:
        self._layout, self._archive, self._request = layout, archive, request
        self._config = request.config
        self._form = service.form_of(request.config)
        self._ledger = Ledger(check)
        self._standing = standing(request.config, ca=request.ca)

    def run(self, *, start: bool = True, wait_seconds: float = ENROL_WAIT_SECONDS) -> dict[str, Any]:
        """Install; the answer for front ends. Raises E_INSTALL where a key would go and none come."""
        ledger = self._ledger
        self._check_reenrol()
        ledger.warnings += _without_zfs()
        outdated = list(_old_versions(self._layout, self._archive.folder))
        ledger.bring(self._host())
        stale = ledger.bring(self._program())
        stale |= ledger.bring(self._settings())
        ledger.bring(self._own_keys())
        stale |= ledger.bring(self._enrol_key())  # an agent whose key was taken away enrols when it starts
        ledger.bring(outdated)
        self._end_other_form()
        if start and self._has_systemd():
            ledger.bring([service.Started(self._form, stale)])
            if not ledger.check:
                self._await_enrolment(wait_seconds)
        return {**ledger.answer(), **facts(self._config, self._standing)}

    def _host(self) -> Iterator[Resource]:
        layout = self._layout
        yield Account(PEER_USER, layout.home)
        yield Folder(layout.home, 0o750, FOR_PEERS)
        yield Folder(self._config.state, 0o700, FOR_PEERS)
        if is_inside(str(self._config.identity_path), str(self._config.state)):
            yield Folder(self._config.identity_path.parent, 0o700, ROOT)
        yield Folder(layout.config.parent, 0o755, ROOT)

    def _program(self) -> Iterator[Resource]:
        layout, folder = self._layout, self._archive.folder
        title = f"zfs-sync-agent {self._archive.version}"
        yield Folder(layout.library, 0o755, ROOT)
        yield Folder(layout.versions, 0o755, ROOT)
        yield Folder(layout.versions / folder, 0o755, ROOT)
        yield Binary(layout.versions / folder / ARCHIVE, self._archive.content, 0o755, ROOT, title)
        yield from switch(layout, f"versions/{folder}")
        yield Link(layout.command, str(layout.current / ARCHIVE))
        if self._has_systemd():
            for name, content in self._form.files.items():
                yield File(layout.units / name, content, 0o644, ROOT)

    def _end_other_form(self) -> None:
        if service.systemd_runs():
            self._ledger.bring([service.Stopped(self._form.absent)])
            gone = self._ledger.bring(Absent(self._layout.units / name) for name in self._form.absent)
            if gone and not self._ledger.check:
                service.forget_units()

    def _settings(self) -> Iterator[Resource]:
        if self._request.ca:
            yield File(ca_path(self._request, self._layout), self._request.ca.encode(), 0o644, ROOT)
        yield File(self._layout.config, self._request.text.encode(), 0o644, ROOT)

    def _own_keys(self) -> Iterator[Resource]:
        yield keys.Installation(self._config.state)
        yield keys.SshKey(self._config.identity_path, f"zfs-sync@{self._config.system}")

    def _enrol_key(self) -> Iterator[Resource]:
        """The enrol key first: an agent that is ended in between has one of the two."""
        key, anew = self._request.enrol_key, self._request.reenrol
        if key and (anew or not self._standing.enrolled):
            yield File(self._config.enrol_key_path, f"{key.strip()}\n".encode(), PRIVATE, ROOT, secret=True)
        if anew or (key and self._standing.state == "refused"):
            yield Absent(self._config.key_path)

    def _check_reenrol(self) -> None:
        if self._request.reenrol and not self._request.enrol_key and not self._ledger.check:
            raise ZfsSyncError(
                "E_INSTALL", "reenrol puts this host's key away, and no enrol_key is given to get another."
            )

    def _await_enrolment(self, seconds: float) -> None:
        files = KeyFiles(self._config)
        if not files.enrolled and files.enrol.is_file():
            _wait(lambda: files.enrolled, seconds)
            self._standing = standing(self._config)
        if self._standing.reason:
            self._ledger.warnings.append(f"{self._standing.reason.code}: {self._standing.reason.message}")
        if not files.enrolled:
            self._ledger.warnings.append("this host is not enrolled yet; why not, says: zfs-sync-agent doctor")

    def _has_systemd(self) -> bool:
        if service.systemd_runs():
            return True
        missing = "systemd does not run on this host: start 'zfs-sync-agent run' by its own service manager"
        if missing not in self._ledger.warnings:
            self._ledger.warnings.append(missing)
        return False


def _without_zfs() -> Iterator[str]:
    missing = LocalRunner().missing_tools()
    if missing:
        names = " and no command ".join(missing)
        yield f"this host has no command {names}: the agent has nothing to report until ZFS is installed"


def switch(layout: Layout, target: str) -> Iterator[Resource]:
    """The links that make ``target`` the version that runs, and the one before it the way back."""
    running = layout.current.readlink() if layout.current.is_symlink() else None
    if running is not None and str(running) != target:
        yield Link(layout.previous, str(running))
    yield Link(layout.current, target)


def _old_versions(layout: Layout, coming: str) -> Iterator[Resource]:
    """Versions that will neither run nor be the way back when ``coming`` runs."""
    running = layout.current.readlink().name if layout.current.is_symlink() else coming
    back = layout.previous.readlink().name if layout.previous.is_symlink() else coming
    kept = {coming, back if running == coming else running}
    folders = sorted(layout.versions.iterdir()) if layout.versions.is_dir() else []
    yield from (Absent(folder) for folder in folders if folder.name not in kept)


def rollback(layout: Layout, config: AgentConfig, *, check: bool) -> dict[str, Any]:
    """Make the version before the one that runs. Raises E_INSTALL where there is none."""
    if not layout.previous.is_symlink() or not (layout.previous / ARCHIVE).is_file():
        raise ZfsSyncError("E_INSTALL", "There is no earlier version on this host to go back to.")
    ledger = Ledger(check)
    ledger.bring(switch(layout, str(layout.previous.readlink())))
    if service.systemd_runs():
        ledger.bring([service.Started(service.form_of(config), stale=True)])
    return {**ledger.answer(), **facts(config, standing(config)), "version": installed_version(layout)}


def installed_version(layout: Layout) -> str | None:
    """The version that the links say runs; None where none is installed."""
    if not layout.current.is_symlink():
        return None
    return layout.current.readlink().name.rpartition("-")[0]


def facts(config: AgentConfig, found: Standing) -> dict[str, Any]:
    """What front ends want to know of an installation, whether or not it changed."""
    return {
        "version": __version__,
        "system": config.system,
        "enrolled": found.enrolled,
        "enrolment": found.answer(),
        "running": service.systemd_runs() and service.is_active(service.form_of(config)),
        "public_key": keys.public_key(config.identity_path),
        "host_keys": list(keys.host_keys()),
    }


def _wait(condition: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.1)
