# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fleet's status as people read it."""

from __future__ import annotations

from ansible_collections.zfs_sync.fleet.plugins.filter.status_lines import status_lines


def system(name, **more):
    base = {"online": True, "enrolled": True, "maintenance": False, "agent_version": "1", "datasets": 2, "warnings": []}
    return {"name": name, "last_seen": "2026-11-24T08:30:00Z", **base, **more}


def edge(**more):
    base = {"from_system": "a", "from_root": "tank", "to_system": "b", "to_root": "pool", "relative": ""}
    return {
        **base,
        "outcome": "IN_SYNC",
        "late": False,
        "lag_snapshots": 0,
        "message": "so",
        "job": None,
        "error": None,
        **more,
    }


def test_each_host_and_each_dataset_has_a_line():
    lines = status_lines({"systems": [system("a"), system("b", online=False)], "edges": [edge(), edge(relative="x")]})
    assert [line.split()[0] for line in lines if line] == ["HOST", "a", "b", "FROM", "a:tank", "a:tank/x"]
    assert "offline" in lines[2]


def test_an_error_is_followed_by_its_remedy_on_a_line_of_its_own():
    error = {"code": "E_TARGET_MODIFIED", "message": "It was written to.", "hint": "Run:\nzfs rollback pool@s"}
    lines = status_lines({"edges": [edge(outcome="BEHIND", late=True, lag_snapshots=3, error=error)]})
    assert "BEHIND (late)  3 snapshots  It was written to." in lines[1]
    assert lines[-3:] == ["  It was written to.", "  Run:", "  zfs rollback pool@s"]
    assert "E_TARGET_MODIFIED b:pool" in lines


def test_a_transfer_shows_how_far_it_is():
    job = {"state": "running", "bytes_done": 50, "bytes_total": 200}
    assert "running 25%" in status_lines({"edges": [edge(job=job)]})[1]
    assert "running 50 bytes" in status_lines({"edges": [edge(job={**job, "bytes_total": None})]})[1]


def test_hosts_say_what_is_special_of_them():
    hosts = [
        system("a", maintenance=True),
        system("b", enrolled=False, online=False, last_seen=None, agent_version=None),
    ]
    lines = status_lines({"systems": hosts, "edges": []})
    assert "online, maintenance" in lines[1]
    assert "not enrolled" in lines[2]
    assert lines[2].endswith("never")


def test_an_agent_that_waits_and_a_copy_of_another_one_are_shown():
    waiting = {"name": "c", "agent_version": "1", "since": "2026-11-24T08:00:00Z", "last_seen": None}
    copied = system("a", warnings=["E_AGENT_CLONED: installation x uses its key too"])
    lines = status_lines({"systems": [copied], "pending": [waiting], "edges": []})
    assert lines[2].split() == ["c", "waits", "for", "approval", "1", "-", "2026-11-24T08:00:00Z"]
    assert "a: E_AGENT_CLONED: installation x uses its key too" in lines
