# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is a switchover, and what is another edit."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.zfs_sync.fleet.plugins.filter.switchover import switchover


def member(system, role, **more):
    return dict({"system": system, "dataset": "tank/a", "role": role}, **more)


HELD = [member("nas1", "source"), member("nas2", "target"), member("nas3", "target", **{"from": "nas2"})]


def test_a_target_becomes_the_source():
    wanted = [member("nas3", "target"), member("nas2", "source"), member("nas1", "target")]
    assert switchover(HELD, wanted) == {
        "old": {"system": "nas1", "dataset": "tank/a"},
        "new": {"system": "nas2", "dataset": "tank/a"},
        "same": True,
        "due": True,
    }


def test_what_is_done_is_not_due():
    found = switchover(HELD, list(reversed(HELD)))
    assert (found["same"], found["due"]) == (True, False)


def test_a_member_more_is_another_edit():
    assert not switchover(HELD, [*HELD, member("nas4", "target")])["same"]
    assert switchover([member("nas1", "peer"), member("nas2", "peer")], HELD)["old"] is None


@pytest.mark.parametrize("members", [None, {}, ["nas1"]])
def test_what_is_no_list_of_members_is_refused(members):
    with pytest.raises(AnsibleFilterError):
        switchover(HELD, members)
