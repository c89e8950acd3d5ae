# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parts of a fleet document, and where it names a system."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.zfs_sync.fleet.plugins.filter.fleet_mentions import fleet_mentions
from ansible_collections.zfs_sync.fleet.plugins.filter.fleet_part import fleet_part

CHAIN = [
    {"system": "nas1", "dataset": "tank/a", "role": "source"},
    {"system": "nas2", "dataset": "tank/a", "role": "target"},
    {"system": "nas3", "dataset": "tank/a", "role": "target", "from": "nas2:tank/a"},
]
FLEET = {
    "version": 1,
    "owner": "gitops/berlin",
    "defaults": {"system": {"ssh": {"port": 22}}},
    "systems": {"nas1": {}, "nas2": None, "nas3": {}},
    "sync_groups": {"chain": {"members": CHAIN}, "pair": {"members": CHAIN[:2]}, "empty": None},
}


def test_a_part_has_what_is_named_and_what_holds_for_all():
    part = fleet_part(FLEET, systems=["nas2", "nas9"], sync_groups=["pair"])
    assert part == {**FLEET, "systems": {"nas2": None}, "sync_groups": {"pair": {"members": CHAIN[:2]}}}
    assert fleet_part({"version": 1}) == {"version": 1, "systems": {}, "sync_groups": {}}


def test_a_system_is_found_where_it_is_declared_a_member_or_a_feeder():
    assert fleet_mentions(FLEET, "nas2") == {
        "places": [
            "/systems/nas2",
            "/sync_groups/chain/members/1",
            "/sync_groups/chain/members/2",
            "/sync_groups/pair/members/1",
        ],
        "sync_groups": ["chain", "pair"],
    }
    assert fleet_mentions(FLEET, "nas") == {"places": [], "sync_groups": []}


@pytest.mark.parametrize("make", [fleet_part, lambda fleet: fleet_mentions(fleet, "nas1")])
def test_what_is_no_document_is_refused(make):
    with pytest.raises(AnsibleFilterError):
        make(["nas1"])
