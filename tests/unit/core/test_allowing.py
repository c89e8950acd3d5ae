# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""What an allow-list covers."""

import pytest

from zfs_sync.core.allowing import allowed, rule_to_add

RULES = [("tank/photos", ("send",)), ("backup", ("receive", "send"))]


@pytest.mark.parametrize(
    ("operation", "dataset", "expected"),
    [
        ("send", "tank/photos", True),
        ("send", "tank/photos/2026", True),
        ("receive", "tank/photos", False),
        ("send", "tank/photos2", False),
        ("send", "tank", False),
        ("receive", "backup/nas1/photos", True),
    ],
)
def test_a_rule_covers_its_subtree_and_its_operations(operation: str, dataset: str, expected: bool) -> None:
    assert allowed(RULES, operation, dataset) is expected


def test_an_empty_list_allows_nothing() -> None:
    assert not allowed([], "send", "tank")


def test_the_rule_to_add_is_a_line_of_the_configuration() -> None:
    assert rule_to_add("send", "tank/a") == "- {dataset: tank/a, operations: [send]}"
