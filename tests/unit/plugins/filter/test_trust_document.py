# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whom a host trusts, from what its peers said of themselves."""

from __future__ import annotations

from ansible_collections.zfs_sync.fleet.plugins.filter.trust_document import trust_document


def peer(system, logs_in=False, reached=False, port=22):
    return {"system": system, "host": system.upper(), "port": port, "logs_in": logs_in, "reached": reached}


def said(system):
    return {"system": system, "public_key": "ssh-ed25519 " + system, "host_keys": ["ssh-ed25519 host-" + system]}


OWN = {"system": "me", "public_keys": {"gone": "ssh-ed25519 old"}, "known_hosts": {"[gone]:2222": ["ssh-rsa old"]}}


def test_each_peer_gets_what_its_edges_need_and_no_more():
    document = trust_document(
        [peer("a", logs_in=True), peer("b", reached=True)], [said("a"), said("b"), said("x")], OWN
    )
    assert document == {
        "peers": [
            {"name": "a", "public_key": "ssh-ed25519 a"},
            {"name": "b", "host": "B", "port": 22, "host_keys": ["ssh-ed25519 host-b"]},
        ],
        "missing": [],
    }


def test_a_peer_that_could_not_be_asked_keeps_the_trust_it_has():
    document = trust_document([peer("gone", logs_in=True, reached=True, port=2222)], [], OWN)
    assert document == {
        "peers": [
            {
                "name": "gone",
                "public_key": "ssh-ed25519 old",
                "host": "GONE",
                "port": 2222,
                "host_keys": ["ssh-rsa old"],
            }
        ],
        "missing": ["gone"],
    }


def test_a_peer_of_which_nothing_is_known_is_missing_and_not_trusted():
    assert trust_document([peer("new", logs_in=True)], [], OWN) == {"peers": [], "missing": ["new"]}


def test_a_peer_without_a_key_yet_may_not_log_in():
    assert trust_document([peer("a", logs_in=True)], [{**said("a"), "public_key": None}], OWN)["peers"] == []


def through(port=22, known=True):
    jump = {"host": "JUMP", "port": port, "system": "jump" if known else None}
    return dict(peer("b", reached=True), jump=jump)


def test_the_host_on_the_way_is_believed_by_its_own_keys():
    (trusted,) = trust_document([through()], [said("b"), said("jump")], OWN)["peers"]
    assert trusted["jump"] == {"host": "JUMP", "port": 22, "host_keys": ["ssh-ed25519 host-jump"]}


def test_a_host_on_the_way_that_is_not_of_the_fleet_is_given():
    keys = {"[jump]:2222": ["ssh-rsa given"]}
    (trusted,) = trust_document([through(2222, known=False)], [said("b")], OWN, keys)["peers"]
    assert trusted["jump"]["host_keys"] == ["ssh-rsa given"]


def test_a_host_on_the_way_that_could_not_be_asked_keeps_its_trust():
    own = dict(OWN, known_hosts={"jump": ["ssh-rsa old"]})
    (trusted,) = trust_document([through()], [said("b")], own)["peers"]
    assert trusted["jump"]["host_keys"] == ["ssh-rsa old"]


def test_the_host_on_the_way_lets_a_peer_through_by_its_key():
    passing = dict(peer("a"), forwards=["b:22"])
    (trusted,) = trust_document([passing], [said("a")], OWN)["peers"]
    assert trusted == {"name": "a", "public_key": "ssh-ed25519 a", "forwards": ["b:22"]}
