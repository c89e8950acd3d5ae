# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""A peer takes no more of the gate than it leaves to others."""

from contextlib import ExitStack

import pytest

from zfs_sync.agent.shares import Shares
from zfs_sync.core.errors import ZfsSyncError


def taken(shares: Shares, peer: str, stack: ExitStack) -> int:
    """How many places a peer gets that wants all."""
    count = 0
    while True:
        try:
            stack.enter_context(shares.place(peer))
        except ZfsSyncError as error:
            assert error.code == "E_GATE_FULL"  # noqa: PT017
            return count
        count += 1


def test_each_of_many_greedy_peers_leaves_room_for_another() -> None:
    shares = Shares(64)
    with ExitStack() as stack:
        assert [taken(shares, peer, stack) for peer in "abcdef"] == [32, 16, 8, 4, 2, 1]
    with ExitStack() as stack:
        assert taken(shares, "b", stack) == 32, "and what was given back is free again"


def test_a_place_is_given_back_by_whoever_fails() -> None:
    shares = Shares(2)
    with pytest.raises(OSError, match="lost"), shares.place("a"):
        raise OSError("lost")
    with shares.place("a"), shares.place("b"):
        pass
