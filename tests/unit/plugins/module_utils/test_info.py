# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What modules that only look ask for: one object, all of them, or the first few."""

from __future__ import annotations

import pytest
from ansible_collections.zfs_sync.fleet.plugins.module_utils._client import WitnessError
from ansible_collections.zfs_sync.fleet.plugins.module_utils._info import first, given, objects


class Client:
    """A witness with a list of numbers, and one object."""

    def __init__(self, code="E_SYSTEM_NOT_FOUND"):
        self.code, self.asked = code, []

    def pages(self, route, query=None, size=500):
        self.asked.append((route, query, size))
        return iter(range(1_000))

    def get(self, path):
        self.asked.append(path)
        if path.endswith("/nas1"):
            return {"name": "nas1"}
        raise WitnessError(self.code, "no", None)


def test_what_was_not_given_is_not_asked_for():
    assert given({"group": None, "system": "nas1", "witness_url": "x"}, ["group", "system"]) == {"system": "nas1"}


def test_one_object_is_asked_for_by_its_name_and_one_that_is_absent_is_none():
    client = Client()
    assert objects(client, "/s", "nas1", "E_SYSTEM_NOT_FOUND") == [{"name": "nas1"}]
    assert objects(client, "/s", "a/b", "E_SYSTEM_NOT_FOUND") == []
    assert client.asked == ["/s/nas1", "/s/a%2Fb"]


def test_another_refusal_is_not_taken_for_absence():
    with pytest.raises(WitnessError):
        objects(Client("E_FORBIDDEN"), "/s", "nas2", "E_SYSTEM_NOT_FOUND")


def test_all_objects_are_followed_over_their_pages():
    assert len(objects(Client(), "/s", None, "E_SYSTEM_NOT_FOUND")) == 1_000


def test_the_first_are_asked_for_in_no_larger_pages_than_needed():
    client = Client()
    assert first(client, "/jobs", {"group": "a"}, 3) == [0, 1, 2]
    assert len(first(client, "/jobs", {}, None)) == 1_000
    assert client.asked == [("/jobs", {"group": "a"}, 3), ("/jobs", {}, 500)]


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_that_would_tell_nothing_is_refused(limit):
    with pytest.raises(WitnessError):
        first(Client(), "/jobs", {}, limit)
