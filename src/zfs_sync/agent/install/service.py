# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The systemd unit: in place, enabled, and running what is installed."""

import subprocess
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from zfs_sync.agent.install.account import run
from zfs_sync.agent.install.layout import UNIT
from zfs_sync.agent.install.resource import Change

RUNNING_SYSTEMD = Path("/run/systemd/system")


def unit_text() -> bytes:
    """The unit as it is installed."""
    return resources.files("zfs_sync.agent.install").joinpath(UNIT).read_bytes()


def systemd_runs() -> bool:
    """Whether systemd is this host's service manager (sd_booted(3))."""
    return RUNNING_SYSTEMD.is_dir()


def is_active() -> bool:
    """Whether the agent's unit runs now."""
    return _ask("is-active") in ("active", "activating", "reloading")


def is_enabled() -> bool:
    """Whether the agent's unit starts at boot."""
    return _ask("is-enabled") == "enabled"


@dataclass(frozen=True, slots=True)
class Started:
    """The unit is enabled and runs; ``stale`` says that what runs is not what is installed."""

    stale: bool

    def change(self) -> Change | None:
        """Compare with what systemd says."""
        steps = self._steps()
        before = f"{'enabled' if _ask('is-enabled') == 'enabled' else 'not enabled'}, {_ask('is-active')}"
        return Change(f"{' and '.join(steps)} {UNIT}", UNIT, before, "enabled, active") if steps else None

    def make(self) -> None:
        """Enable, and start or restart. A transfer that this ends is taken up again by the agent that starts."""
        run(["systemctl", "daemon-reload"])
        run(["systemctl", "enable", "--quiet", UNIT])
        run(["systemctl", "restart" if self.stale else "start", UNIT])

    def _steps(self) -> list[str]:
        steps = [] if _ask("is-enabled") == "enabled" else ["enable"]
        if not is_active():
            return [*steps, "start"]
        return [*steps, "restart"] if self.stale else steps


@dataclass(frozen=True, slots=True)
class Stopped:
    """The unit neither runs nor starts at boot."""

    def change(self) -> Change | None:
        """Compare with what systemd says."""
        enabled, active = _ask("is-enabled"), _ask("is-active")
        if enabled != "enabled" and active in ("inactive", "failed", "unknown"):
            return None
        return Change(f"stop and disable {UNIT}", UNIT, f"{enabled or 'absent'}, {active}", None)

    def make(self) -> None:
        """Stop and disable it."""
        run(["systemctl", "disable", "--now", "--quiet", UNIT])


def forget_unit() -> None:
    """Let systemd notice that the unit's file has gone."""
    run(["systemctl", "daemon-reload"])
    subprocess.run(["systemctl", "reset-failed", UNIT], capture_output=True, check=False)


def _ask(question: str) -> str:
    done = subprocess.run(["systemctl", question, UNIT], capture_output=True, text=True, check=False)
    return done.stdout.strip()
