# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An agent that runs, is enrolled, and allows what the fleet document asks of its host."""

import json

import pytest

testinfra_hosts = ["ansible://zfs_sync_hosts"]
ALLOWED = {"m1": ("tank/data", "send"), "m2": ("tank/copy", "receive")}


def test_it_runs_after_each_boot(host):
    service = host.service("zfs-sync-agent")
    assert service.is_running
    assert service.is_enabled


def test_it_allows_what_the_document_asks_and_no_more(host):
    text = host.file("/etc/zfs-sync/agent.conf").content_string
    name = host.check_output("hostname")
    others = {each for other, pair in ALLOWED.items() if other != name for each in pair}
    assert all(each in text for each in ALLOWED[name])
    assert not any(each in text for each in others)


def test_it_is_enrolled_and_the_witness_knows_its_key(host):
    said = json.loads(host.run("zfs-sync-agent doctor --json").stdout)
    states = {each["id"]: each["status"] for each in said["checks"]}
    assert states["enrolment"] == states["witness"] == "ok"


@pytest.mark.parametrize("path", ["/var/lib/zfs-sync/agent/agent.key", "/var/lib/zfs-sync/agent/ssh/id_ed25519"])
def test_its_keys_are_its_own(host, path):
    key = host.file(path)
    assert (key.mode, key.user) == (0o600, "root")


def test_peers_have_an_account_without_a_password(host):
    assert host.user("zfs-sync").exists
    assert host.user("zfs-sync").password in ("!", "*", "!*")
