# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is at the source is at the target, by GUID, and cannot be written there."""

import os

import testinfra

INVENTORY = os.environ["MOLECULE_INVENTORY_FILE"]


def value(name, prop, dataset):
    host = testinfra.get_host("ansible://" + name, ansible_inventory=INVENTORY)
    return host.check_output("zfs get -Hp -o value %s %s", prop, dataset)


def test_the_copy_is_the_same_snapshot():
    assert value("m2", "guid", "tank/copy@one") == value("m1", "guid", "tank/data@one")


def test_the_copy_is_read_only():
    assert value("m2", "readonly", "tank/copy") == "on"
