# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""What the witness said last, kept over restarts and outages, for this system only."""

import threading
from pathlib import Path

import pytest

from tests.unit.agent.conftest import DEADLINE_SECONDS, FEEDS, work_of
from zfs_sync.agent.work_cache import DEFAULTS, WorkCache

WORK = work_of("nas1", FEEDS)


def test_before_the_witness_was_heard_nothing_is_known(tmp_path: Path) -> None:
    cache = WorkCache(tmp_path, "nas1")
    assert (cache.work, cache.etag, cache.version) == (None, None, 0)
    assert cache.settings == DEFAULTS
    assert cache.edge(FEEDS.id) is None


def test_a_restart_knows_the_edges_and_asks_for_the_whole_all_the_same(tmp_path: Path) -> None:
    first = WorkCache(tmp_path, "nas1")
    first.replace(WORK, '"e1"')
    assert (first.etag, first.version, first.edge(FEEDS.id)) == ('"e1"', 1, FEEDS)
    again = WorkCache(tmp_path, "nas1")
    assert again.work == WORK
    assert again.settings == WORK.settings
    assert (again.etag, again.version) == (None, 0)
    assert again.edge("none") is None


def test_an_empty_etag_is_none(tmp_path: Path) -> None:
    cache = WorkCache(tmp_path, "nas1")
    cache.replace(WORK, "")
    assert cache.etag is None


@pytest.mark.parametrize("content", ["", "[]", '{"system": "nas1"}', '{"system": 7, "settings": {}}'])
def test_a_file_that_cannot_be_used_counts_as_nothing(tmp_path: Path, content: str) -> None:
    (tmp_path / "work.json").write_text(content)
    assert WorkCache(tmp_path, "nas1").work is None


def test_another_systems_work_counts_as_nothing(tmp_path: Path) -> None:
    WorkCache(tmp_path, "nas1").replace(WORK, "")
    assert WorkCache(tmp_path, "nas2").work is None


def test_who_waits_is_woken_by_a_change_and_by_a_poke(tmp_path: Path) -> None:
    cache = WorkCache(tmp_path, "nas1")
    assert cache.wait(7, DEADLINE_SECONDS) == 0, "it has changed already"
    for wake, version in ((lambda: cache.replace(WORK, ""), 1), (cache.poke, 1)):
        threading.Timer(0.05, wake).start()
        assert cache.wait(cache.version, DEADLINE_SECONDS) == version
