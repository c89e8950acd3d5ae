# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What counts as a difference, and as a host that could not be asked."""

from __future__ import annotations

import json

from ansible_collections.zfs_sync.fleet.plugins.filter.drift_report import drift_report

SAME = {
    "zfs_sync_agent_drift": {"actions": [], "enrolled": True},
    "zfs_sync_ssh_trust_drift": {"stdout": json.dumps({"actions": []})},
}
CHANGES = [
    {"kind": "system", "name": "nas1", "action": "unchanged", "fields": []},
    {"kind": "sync_group", "name": "photos", "action": "updated", "fields": ["interval"]},
]


def of_host(**more):
    return drift_report({"changes": []}, {"nas1": dict(SAME, **more)})


def test_nothing_differs():
    found = drift_report({"changes": CHANGES[:1]}, {"nas1": SAME})
    assert (found["report"]["drift"], found["report"]["unknown"]) == (False, False)
    assert found["lines"] == ["Nothing differs from the fleet document."]


def test_what_the_witness_would_change_is_a_difference():
    found = drift_report({"changes": CHANGES}, {})
    assert found["report"]["drift"]
    assert found["lines"] == [
        "1 thing differs from the fleet document.",
        "witness: sync group photos would be updated (interval)",
    ]


def test_what_an_installer_would_do_is_a_difference():
    found = of_host(zfs_sync_agent_drift={"actions": ["change /etc/zfs-sync/agent.conf"], "enrolled": False})
    assert found["report"]["hosts"]["nas1"]["agent"] == ["change /etc/zfs-sync/agent.conf", "enrol"]
    assert found["lines"][0] == "2 things differ from the fleet document."


def test_trust_of_a_stranger_is_a_difference():
    said = {"stdout": json.dumps({"actions": ["change /var/lib/zfs-sync/.ssh/authorized_keys"]})}
    assert (
        "nas1: trust: change /var/lib/zfs-sync/.ssh/authorized_keys" in of_host(zfs_sync_ssh_trust_drift=said)["lines"]
    )


def test_a_host_without_an_agent_will_trust_its_peers_later():
    found = of_host(zfs_sync_agent_drift={"actions": ["make"]}, zfs_sync_ssh_trust_drift={"skipped": True})
    assert found["report"]["hosts"]["nas1"] == {"agent": ["make", "enrol"], "trust": ["trust its peers"], "faults": []}


def test_a_host_that_could_not_be_asked_is_no_host_without_a_difference():
    for more in (
        {"zfs_sync_agent_drift": {"unreachable": True, "msg": "no route"}},
        {"zfs_sync_agent_drift": {}},
        {"zfs_sync_agent_drift": {"msg": "E_INSTALL: no"}},
        {"zfs_sync_ssh_trust_drift": {"stdout": "", "stderr": "no route"}},
        {"zfs_sync_ssh_trust_drift": {"stdout": json.dumps({"error": {"message": "no route"}})}},
    ):
        found = of_host(**more)
        assert (found["report"]["drift"], found["report"]["unknown"]) == (False, True), more
        assert found["lines"][0] == "Nothing differs from the fleet document, and 1 of the hosts could not be asked."
        assert len(found["lines"]) == 2
