# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""That what the fault tests rely on can fail."""

import pytest

from tests.integration.agent.evidence import check_histories, check_holders


@pytest.mark.parametrize(
    "events",
    [
        pytest.param([("j", "running", 1), ("j", "succeeded", 1), ("j", "succeeded", 1)], id="two ends"),
        pytest.param([("j", "failed", 1), ("j", "running", 2)], id="life after the end"),
        pytest.param([("j", "running", 2), ("j", "running", 1)], id="an epoch goes back"),
    ],
)
def test_a_wrong_history_is_noticed(events: list[tuple[str, str, int]]) -> None:
    with pytest.raises(AssertionError, match="job j"):
        check_histories(events)


def test_two_holders_of_one_dataset_are_noticed() -> None:
    targets = {"i": "h2:b/d", "j": "h2:b/d", "k": "h3:b/d"}
    check_holders([("i", "running", 1), ("k", "running", 1), ("i", "failed", 1), ("j", "running", 1)], targets)
    with pytest.raises(AssertionError, match="h2:b/d"):
        check_holders([("i", "running", 1), ("i", "lost", 1), ("j", "running", 1)], targets)
