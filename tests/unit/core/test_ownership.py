# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0

import pytest

from tests.unit.core.test_planner import GROUP, dataset, target
from zfs_sync.core.ownership import MARKED, Ownership
from zfs_sync.core.planner import ERROR_CODES, Outcome, judge

PEERS = Ownership(peers=True)
TAKEOVER = Ownership(takeover=True)


@pytest.mark.parametrize(
    ("ownership", "marker", "admitted"),
    [
        (MARKED, GROUP, True),
        (MARKED, None, False),
        (MARKED, "other", False),
        (Ownership.of(["old"], peers=False, takeover=False), "old", True),
        (PEERS, None, True),
        (PEERS, "other", False),
        (TAKEOVER, None, True),
        (TAKEOVER, "other", False),
    ],
)
def test_what_admits_a_target(ownership, marker, admitted) -> None:
    assert ownership.admits(GROUP, marker) is admitted
    verdict = judge(GROUP, dataset(1, 2), target(1, marker=marker), ownership=ownership)
    assert (verdict.outcome is Outcome.BEHIND) is admitted


@pytest.mark.parametrize(
    ("source", "other", "outcome"),
    [
        (dataset(1, 2), target(1, marker=None), Outcome.BEHIND),
        (dataset(1), target(1, 2, marker=None), Outcome.IN_SYNC),
        (dataset(1, 2), target(1, 3, marker=None), Outcome.DIVERGED),
        (dataset(1), target(2, marker=None), Outcome.NO_COMMON_BASE),
        (dataset(1), target(marker=None), Outcome.NO_COMMON_BASE),
        (None, target(1, marker=None), Outcome.IN_SYNC),
        (None, None, Outcome.UNREPORTED),
        (dataset(1), None, Outcome.INITIAL),
    ],
)
def test_peers_follow_whoever_is_ahead(source, other, outcome) -> None:
    assert judge(GROUP, source, other, ownership=PEERS).outcome is outcome


@pytest.mark.parametrize(
    ("ownership", "guids", "written", "outcome"),
    [
        (MARKED, (1,), 5, Outcome.TARGET_DIRTY),
        (MARKED, (1, 2), 5, Outcome.TARGET_DIRTY),
        (MARKED, (1,), 0, Outcome.BEHIND),
        (MARKED, (1, 2, 3), 5, Outcome.TARGET_AHEAD),
        (PEERS, (1,), 5, Outcome.TARGET_DIRTY),
        (PEERS, (1, 2), 5, Outcome.IN_SYNC),
    ],
)
def test_a_target_that_was_written_to(ownership, guids, written, outcome) -> None:
    verdict = judge(GROUP, dataset(1, 2), dataset(*guids, marker=GROUP, written=written), ownership=ownership)
    assert verdict.outcome is outcome
    assert ERROR_CODES[Outcome.TARGET_DIRTY] == "E_TARGET_MODIFIED"


def test_a_target_without_snapshots_that_was_written_to_is_told_as_well() -> None:
    verdict = judge(GROUP, dataset(), dataset(marker=GROUP, written=7))
    assert (verdict.outcome, "since it was made" in verdict.message) == (Outcome.TARGET_DIRTY, True)
