# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""What an installation is made of, seen alike: each resource says what has to change, and changes it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

SECRET = "(secret)"  # noqa: S105  (what stands in a diff instead of one)


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is not as it should be."""

    action: str
    """What is done about it, as a sentence without a full stop."""
    path: str
    before: str | None
    after: str | None


class Resource(Protocol):
    """A file, a link, an account, a service."""

    def change(self) -> Change | None:
        """What has to change now; None where all is well. Changes nothing."""

    def make(self) -> None:
        """Make it so. Raises E_INSTALL, or OSError, where that cannot be done."""


@dataclass(slots=True)
class Ledger:
    """Goes through resources in order, changes them unless it only checks, and keeps what it did."""

    check: bool
    changes: list[Change] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def bring(self, resources: Iterable[Resource]) -> bool:
        """Bring these about; whether any of them had to change."""
        before = len(self.changes)
        for resource in resources:
            change = resource.change()
            if change is None:
                continue
            self.changes.append(change)
            if not self.check:
                resource.make()
        return len(self.changes) > before

    def answer(self) -> dict[str, Any]:
        """The part of the answer that every command of the installer gives."""
        return {
            "changed": bool(self.changes),
            "check": self.check,
            "actions": [change.action for change in self.changes],
            "diff": [
                {"path": change.path, "before": change.before or "", "after": change.after or ""}
                for change in self.changes
            ],
            "warnings": self.warnings,
        }
