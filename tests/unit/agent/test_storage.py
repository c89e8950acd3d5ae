# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""ZFS is asked what it can do once it answers, and not before."""

from pathlib import Path

import pytest

from tests.unit.zfs.recordings import POOLS, zfs_fuse
from zfs_sync.agent.storage import Storage
from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.zfs import commands


def test_a_daemon_that_does_not_answer_is_asked_again_later(tmp_path: Path) -> None:
    replay = zfs_fuse()
    storage = Storage(replay, tmp_path)
    replay.say(commands.list_pools(), stderr="internal error: failed to initialize ZFS library\n", status=1)
    with pytest.raises(ZfsSyncError) as caught:
        storage.engine()
    assert caught.value.code == "E_ZFS_MISSING"
    assert replay.asked == [commands.list_pools()], "what it can do would be wrong now"
    replay.say(commands.list_pools(), stdout=POOLS)
    engine = storage.engine()
    assert engine.zfs.capabilities.holds
    asked = len(replay.asked)
    assert storage.engine() is engine
    assert len(replay.asked) == asked
