# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The host's allow-list, in one place: what may be sent from here and received into here, whoever asks."""

from collections.abc import Sequence
from dataclasses import dataclass

from zfs_sync.agent.config import AllowRule, Operation
from zfs_sync.core.allowing import allowed, rule_to_add
from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.core.names import is_inside


@dataclass(frozen=True, slots=True)
class AllowList:
    """The rules, and the file that they stand in."""

    rules: Sequence[AllowRule]
    source: str

    def allows(self, operation: Operation, dataset: str) -> bool:
        """Whether a rule with this operation covers the dataset: itself or a subtree around it."""
        return allowed(((rule.dataset, rule.operations) for rule in self.rules), operation, dataset)

    def require(self, operation: Operation, dataset: str) -> None:
        """Raise E_NOT_ALLOWED_HERE, naming the dataset and the file, unless it is allowed."""
        if not self.allows(operation, dataset):
            raise ZfsSyncError(
                "E_NOT_ALLOWED_HERE",
                f"This host does not allow to {operation} {dataset}: no rule of {self.source} covers it.",
                hint=f"Its administrator can add to 'allow' in {self.source}: {rule_to_add(operation, dataset)}",
            )

    @property
    def roots(self) -> tuple[str, ...]:
        """The subtrees that may be looked at, outermost only."""
        kept: list[str] = []
        for root in sorted({rule.dataset for rule in self.rules}):
            if not any(is_inside(root, other) for other in kept):
                kept.append(root)
        return tuple(kept)
