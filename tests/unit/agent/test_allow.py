# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The host's own word on what may be sent from here and received into here."""

import pytest

from zfs_sync.agent.allow import AllowList
from zfs_sync.agent.config import AllowRule, Operation
from zfs_sync.core.errors import ZfsSyncError

ALLOW = AllowList(
    [
        AllowRule(dataset="tank/photos", operations=["send"]),
        AllowRule(dataset="backup", operations=["receive"]),
        AllowRule(dataset="tank/photos/in", operations=["receive", "send"]),
    ],
    "/etc/zfs-sync/agent.conf",
)


@pytest.mark.parametrize(
    ("operation", "dataset", "allowed"),
    [
        ("send", "tank/photos", True),
        ("send", "tank/photos/a b/c", True),
        ("send", "tank/photos2", False),
        ("send", "tank", False),
        ("send", "backup", False),
        ("receive", "tank/photos", False),
        ("receive", "tank/photos/in/x", True),
        ("receive", "backup/x", True),
        ("receive", "backups", False),
    ],
)
def test_a_rule_covers_its_subtree_for_its_operations(operation: Operation, dataset: str, allowed: bool) -> None:
    assert ALLOW.allows(operation, dataset) is allowed
    if allowed:
        ALLOW.require(operation, dataset)
    else:
        with pytest.raises(ZfsSyncError) as caught:
            ALLOW.require(operation, dataset)
        assert caught.value.code == "E_NOT_ALLOWED_HERE"
        assert f"{{dataset: {dataset}, operations: [{operation}]}}" in caught.value.hint


def test_only_the_outermost_subtrees_are_looked_at() -> None:
    assert ALLOW.roots == ("backup", "tank/photos")
    assert AllowList([], "").roots == ()
