# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""What an allow-list covers: the same answer on the host that keeps it, and in the witness that was told of it."""

from collections.abc import Collection, Iterable

from zfs_sync.core.names import is_inside

Rule = tuple[str, Collection[str]]
"""The top of a subtree, and the operations that are allowed there."""


def allowed(rules: Iterable[Rule], operation: str, dataset: str) -> bool:
    """Whether a rule with this operation covers the dataset: itself or a subtree around it."""
    return any(operation in operations and is_inside(dataset, top) for top, operations in rules)


def rule_to_add(operation: str, dataset: str) -> str:
    """The rule that would allow it, as a line of agent.conf."""
    return f"- {{dataset: {dataset}, operations: [{operation}]}}"
