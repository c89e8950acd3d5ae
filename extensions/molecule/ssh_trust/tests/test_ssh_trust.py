# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The target reaches the source's gate, and nobody reaches more."""

import os

import testinfra

INVENTORY = os.environ["MOLECULE_INVENTORY_FILE"]
IDENTITY = "/var/lib/zfs-sync/agent/ssh/id_ed25519"
BELIEVED = "-o UserKnownHostsFile=/var/lib/zfs-sync/agent/ssh/known_hosts"
WHOEVER_ANSWERS = "-o UserKnownHostsFile=/dev/null -o StrictHostKeyChecking=no"
# testinfra takes a status of 255 for a failure of its own connection, and ssh has that status when it is refused.
LOGIN = (
    "ssh -T -F none -o BatchMode=yes -o GlobalKnownHostsFile=none %s -i "
    + IDENTITY
    + " zfs-sync@%s id </dev/null || true"
)


def on(name):
    return testinfra.get_host("ansible://" + name, ansible_inventory=INVENTORY)


def keys(name):
    text = on(name).file("/var/lib/zfs-sync/.ssh/authorized_keys").content_string
    return [line for line in text.splitlines() if not line.startswith("#")]


def test_the_target_knows_the_source_and_is_let_in_to_its_gate_alone():
    done = on("m2").run(LOGIN % (BELIEVED, "m1"))
    assert "zfs-sync-gate: " in done.stderr
    assert done.stdout == ""


def test_the_source_knows_nobody_and_nobody_lets_it_in():
    assert "Host key verification failed" in on("m1").run(LOGIN % (BELIEVED, "m2")).stderr
    assert "Permission denied (publickey" in on("m1").run(LOGIN % (WHOEVER_ANSWERS, "m2")).stderr


def test_a_login_runs_one_command_and_nothing_else():
    (line,) = keys("m1")
    assert line.startswith('restrict,command="/usr/bin/zfs-sync-agent gate --peer m2" ')
    assert keys("m2") == []
