# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a fleet document means for one host."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.zfs_sync.fleet.plugins.filter.fleet_host import fleet_host


def member(system, dataset, role, **more):
    return {"system": system, "dataset": dataset, "role": role, **more}


FLEET = {
    "version": 1,
    "defaults": {"system": {"ssh": {"port": 2222}}},
    "systems": {
        "a": {"ssh": {"host": "a.example.org", "port": None}},
        "b": None,
        "c": {"ssh": {"port": 22}},
        "d": {"ssh": None},
    },
    "sync_groups": {
        "chain": {
            "members": [
                member("a", "tank/x", "source"),
                member("b", "pool/x", "target"),
                member("c", "safe/x", "target", **{"from": "b"}),
            ]
        },
        "local": {"members": [member("a", "tank/x", "source"), member("a", "spare/x", "target")]},
        "none": None,
    },
}


def test_a_host_may_send_what_it_feeds_and_receive_what_it_is_fed():
    assert fleet_host(FLEET, "a")["allow"] == [
        {"dataset": "spare/x", "operations": ["receive"]},
        {"dataset": "tank/x", "operations": ["send"]},
    ]
    assert fleet_host(FLEET, "b")["allow"] == [{"dataset": "pool/x", "operations": ["send", "receive"]}]
    assert fleet_host(FLEET, "c")["allow"] == [{"dataset": "safe/x", "operations": ["receive"]}]


def test_peers_are_those_that_share_an_edge_each_with_its_direction():
    assert fleet_host(FLEET, "b")["peers"] == [
        {"system": "a", "host": "a.example.org", "port": 22, "logs_in": False, "reached": True},
        {"system": "c", "host": "c", "port": 22, "logs_in": True, "reached": False},
    ]
    assert [peer["system"] for peer in fleet_host(FLEET, "a")["peers"]] == ["b"]


def test_the_defaults_say_how_a_system_is_reached_unless_it_says_so_itself():
    assert fleet_host(FLEET, "a")["peers"][0]["port"] == 2222
    moved = {**FLEET, "sync_groups": {"g": {"members": [member("d", "p/x", "source"), member("a", "q/x", "target")]}}}
    assert fleet_host(moved, "a")["peers"][0]["port"] == 22, "null puts it back to the default"


def test_a_system_without_edges_may_nothing_and_has_no_peers():
    assert fleet_host(FLEET, "d") == {"declared": True, "allow": [], "peers": []}
    assert fleet_host(FLEET, "stranger")["declared"] is False
    assert fleet_host({}, "a") == {"declared": False, "allow": [], "peers": []}


def test_a_feeder_may_be_named_with_its_dataset():
    members = [
        member("a", "tank/x", "source"),
        member("b", "one/x", "target"),
        member("b", "two/x", "target", **{"from": "b:one/x"}),
    ]
    allow = fleet_host({"sync_groups": {"g": {"members": members}}}, "b")["allow"]
    assert allow[0] == {"dataset": "one/x", "operations": ["send", "receive"]}


@pytest.mark.parametrize(
    "members",
    [
        [member("a", "x", "target")],
        [member("a", "x", "source"), member("b", "y", "target", **{"from": "nobody"})],
        [{"system": "a"}],
    ],
)
def test_members_that_form_no_edges_are_an_error_that_names_the_group(members):
    with pytest.raises(AnsibleFilterError, match="photos"):
        fleet_host({"sync_groups": {"photos": {"members": members}}}, "a")


def test_what_is_no_document_is_an_error():
    with pytest.raises(AnsibleFilterError):
        fleet_host("fleet.yml", "a")


def test_in_a_group_that_is_pushed_the_source_connects():
    members = [member("a", "tank/x", "source"), member("b", "pool/x", "target")]
    pushed = {"systems": {}, "sync_groups": {"g": {"direction": "push", "members": members}}}
    assert fleet_host(pushed, "a")["peers"] == [
        {"system": "b", "host": "b", "port": 22, "logs_in": False, "reached": True}
    ]
    assert fleet_host(pushed, "b")["peers"] == [
        {"system": "a", "host": "a", "port": 22, "logs_in": True, "reached": False}
    ]
    assert fleet_host(pushed, "b")["allow"] == [{"dataset": "pool/x", "operations": ["receive"]}]


def test_peers_send_and_receive_and_each_connects_to_each():
    members = [member(each, "tank/x", "peer") for each in ("a", "b", "c")]
    found = fleet_host({"systems": {}, "sync_groups": {"g": {"members": members}}}, "b")
    assert found["allow"] == [{"dataset": "tank/x", "operations": ["send", "receive"]}]
    assert [(each["system"], each["logs_in"], each["reached"]) for each in found["peers"]] == [
        ("a", True, True),
        ("c", True, True),
    ]


JUMPS = {
    "systems": {
        "a": {"ssh": {"host": "2001:db8::a", "port": 2222, "jump": "ops@[2001:db8::b]:2200"}},
        "b": {"ssh": {"host": "2001:db8::b", "port": 2200}},
        "c": {},
    },
    "sync_groups": {
        "g": {
            "members": [
                {"system": "a", "dataset": "tank/x", "role": "source"},
                {"system": "c", "dataset": "safe/x", "role": "target"},
            ]
        }
    },
}


def test_a_jump_host_is_found_among_the_systems():
    (reached,) = fleet_host(JUMPS, "c")["peers"]
    assert reached["jump"] == {"host": "2001:db8::b", "port": 2200, "system": "b"}


def test_a_jump_host_lets_through_who_shares_an_edge_with_what_is_behind_it():
    (passing,) = fleet_host(JUMPS, "b")["peers"]
    assert (passing["system"], passing["forwards"]) == ("c", ["[2001:db8::a]:2222"])
    assert (passing["logs_in"], passing["reached"]) == (False, False)


def test_a_jump_host_outside_of_the_fleet_has_no_system():
    systems = dict(JUMPS["systems"], a={"ssh": {"jump": "bastion"}})
    (reached,) = fleet_host(dict(JUMPS, systems=systems), "c")["peers"]
    assert reached["jump"] == {"host": "bastion", "port": 22, "system": None}


def test_what_is_no_jump_host_is_said():
    systems = dict(JUMPS["systems"], a={"ssh": {"jump": "a:b:c"}})
    with pytest.raises(AnsibleFilterError, match=r"ssh\.jump of system a"):
        fleet_host(dict(JUMPS, systems=systems), "c")
