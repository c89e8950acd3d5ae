# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The systemd units: in place, enabled, and running what is installed.

An agent has one of two forms. As a service it runs all the time. By a timer it runs once every so often, and a socket
starts one that answers peers, for as long as they ask.
"""

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from zfs_sync.agent.config import AgentConfig
from zfs_sync.agent.install.account import run
from zfs_sync.agent.install.layout import UNIT
from zfs_sync.agent.install.resource import Change

RUNNING_SYSTEMD = Path("/run/systemd/system")
TIMER, SOCKET = "zfs-sync-agent-once.timer", "zfs-sync-agent-gate.socket"
ONCE, GATE = "zfs-sync-agent-once.service", "zfs-sync-agent-gate.service"
ALL = (UNIT, TIMER, SOCKET, ONCE, GATE)
ACTIVE = ("active", "activating", "reloading")


@dataclass(frozen=True, slots=True)
class Form:
    """What systemd has of an agent."""

    enabled: tuple[str, ...]
    """The units that start at boot, and that run or listen."""
    files: Mapping[str, bytes]
    """Every unit by its name."""

    @property
    def absent(self) -> tuple[str, ...]:
        """The units of the other form."""
        return tuple(each for each in ALL if each not in self.files)


def form_of(config: AgentConfig) -> Form:
    """The form that the configuration asks for."""
    if config.timer is None:
        return Form((UNIT,), {UNIT: _text(UNIT)})
    seconds = str(config.timer_seconds).encode()
    files = {name: _text(name).replace(b"@SECONDS@", seconds) for name in (TIMER, SOCKET, ONCE, GATE)}
    return Form((TIMER, SOCKET), files)


def _text(name: str) -> bytes:
    return resources.files("zfs_sync.agent.install").joinpath(name).read_bytes()


def systemd_runs() -> bool:
    """Whether systemd is this host's service manager (sd_booted(3))."""
    return RUNNING_SYSTEMD.is_dir()


def is_active(form: Form) -> bool:
    """Whether the agent runs now, or will be run by its timer and socket."""
    return all(_ask("is-active", each) in ACTIVE for each in form.enabled)


def is_enabled(form: Form) -> bool:
    """Whether the agent starts at boot."""
    return all(_ask("is-enabled", each) == "enabled" for each in form.enabled)


@dataclass(frozen=True, slots=True)
class Started:
    """The units of a form are enabled and run; ``stale`` says that what runs is not what is installed."""

    form: Form
    stale: bool

    def change(self) -> Change | None:
        """Compare with what systemd says."""
        steps, units = self._steps(), " and ".join(self.form.enabled)
        before = f"{'enabled' if is_enabled(self.form) else 'not enabled'}, {_ask('is-active', self.form.enabled[0])}"
        return Change(f"{' and '.join(steps)} {units}", units, before, "enabled, active") if steps else None

    def make(self) -> None:
        """Enable, and start or restart. A transfer that this ends is taken up again by the agent that starts."""
        run(["systemctl", "daemon-reload"])
        run(["systemctl", "enable", "--quiet", *self.form.enabled])
        if self.stale and GATE in self.form.files:
            run(["systemctl", "stop", GATE])
        run(["systemctl", "restart" if self.stale else "start", *self.form.enabled])

    def _steps(self) -> list[str]:
        steps = [] if is_enabled(self.form) else ["enable"]
        if not is_active(self.form):
            return [*steps, "start"]
        return [*steps, "restart"] if self.stale else steps


@dataclass(frozen=True, slots=True)
class Stopped:
    """These units neither run nor start at boot."""

    units: tuple[str, ...] = ALL

    def change(self) -> Change | None:
        """Compare with what systemd says of those that start the others: a run may begin or end at any moment."""
        going = [each for each in self.units if each not in (ONCE, GATE) and self._lives(each)]
        if not going:
            return None
        before = ", ".join(
            f"{each}: {_ask('is-enabled', each) or 'absent'}, {_ask('is-active', each)}" for each in going
        )
        return Change(f"stop and disable {' and '.join(going)}", " ".join(going), before, None)

    def make(self) -> None:
        """Stop and disable them, those that start another one first."""
        started = [each for each in self.units if each in (ONCE, GATE)]
        if starting := [each for each in self.units if each not in started and self._lives(each)]:
            run(["systemctl", "disable", "--now", "--quiet", *starting])
        if running := [each for each in started if self._lives(each)]:
            run(["systemctl", "stop", *running])

    def _lives(self, unit: str) -> bool:
        return _ask("is-enabled", unit) == "enabled" or _ask("is-active", unit) not in ("inactive", "failed", "unknown")


def forget_units() -> None:
    """Let systemd notice that files of units have gone."""
    run(["systemctl", "daemon-reload"])
    subprocess.run(["systemctl", "reset-failed", *ALL], capture_output=True, check=False)


def _ask(question: str, unit: str) -> str:
    done = subprocess.run(["systemctl", question, unit], capture_output=True, text=True, check=False)
    return done.stdout.strip()
