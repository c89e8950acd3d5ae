# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is read from zfs-fuse, which abbreviates lists, and from OpenZFS; what each prints was recorded."""

from __future__ import annotations

import pytest
from ansible_collections.zfs_sync.fleet.plugins.module_utils._client import WitnessError
from ansible_collections.zfs_sync.fleet.plugins.module_utils._zfs import NOWHERE, Zfs

ABSENT = "cannot open '%s': dataset does not exist\n" % NOWHERE
FUSE = "\n".join(
    "tank/photos%s\t%s" % (name, rest)
    for name, rest in (
        ("", "type\t-\tfilesystem"),
        ("", "guid\t-\t4438896165168945854"),
        ("", "used\t-\t331776"),
        ("", "zfs-sync:group\tlocal\tphotos"),
        ("", "createtxg\t-\t6"),
        ("@tuesday", "guid\t-\t1389854051268356003"),
        ("@tuesday", "createtxg\t-\t27"),
        ("@tuesday", "creation\t-\t1793500100"),
        ("@monday", "type\t-\tsnapshot"),
        ("@monday", "guid\t-\t5602912535703100974"),
        ("@monday", "createtxg\t-\t17"),
        ("@destroyed", "guid\t-\t-"),
        ("/a b", "type\t-\tfilesystem"),
        ("/a b", "guid\t-\t7476847040226712195"),
        ("/a b", "zfs-sync:group\tinherited from tank/photos\tphotos"),
        ("/%recv", "guid\t-\t77"),
    )
)
OPEN = (
    "tank/vol\ttype\t-\tvolume\ntank/vol\tguid\t-\t12887196424746676260\ntank/vol\tused\t-\t5\n"
    "tank/vol\treferenced\t-\t4\ntank/vol\tzfs-sync:group\t-\t-\ntank/vol\tencryptionroot\t-\ttank\n"
)
OPEN_LIST = "tank/vol@b\t9223372036854775809\t31\t1793500100\ntank/vol@-a b\t18446744073709551615\t30\t1793500000\n"


class Module:
    """The part of AnsibleModule that reading needs; it answers as one version of zfs does."""

    def __init__(self, knows, output, listing="", tools=("zfs", "zpool")):
        self.knows, self.output, self.listing, self.tools = knows, output, listing, tools
        self.asked = []

    def get_bin_path(self, name, opt_dirs):
        return "/sbin/" + name if name in self.tools else None

    def run_command(self, argv, environ_update):
        assert environ_update["LC_ALL"] == "C"
        self.asked.append(argv)
        if NOWHERE in argv:
            return (1, "", ABSENT) if self.knows else (2, "", "usage:\n")
        if argv[0].endswith("zpool"):
            return 0, "tank\t2961497613966863477\tONLINE\n", ""
        return 0, self.listing if argv[1] == "list" else self.output, ""


def test_where_lists_are_abbreviated_one_get_reads_everything():
    module = Module(False, FUSE)
    child, photos = sorted(Zfs(module).datasets(["tank/photos"]), key=lambda each: -len(each["path"]))
    assert photos["guid"] == "4438896165168945854"
    assert (photos["marker"], photos["used"], photos["referenced"]) == ("photos", 331776, None)
    assert photos["add"] == [
        {"guid": "5602912535703100974", "createtxg": "17", "name": "monday", "creation": None},
        {"guid": "1389854051268356003", "createtxg": "27", "name": "tuesday", "creation": 1793500100},
    ]
    assert (child["path"], child["marker"], child["add"]) == ("tank/photos/a b", None, [])
    reading = [argv for argv in module.asked if NOWHERE not in argv]
    assert [argv[1] for argv in reading] == ["get"]
    assert "encryptionroot" not in reading[0][reading[0].index("-o") + 2]


def test_where_lists_are_exact_snapshots_are_listed():
    module = Module(True, OPEN, OPEN_LIST)
    (vol,) = Zfs(module).datasets(["tank/vol"])
    assert (vol["type"], vol["encryption_root"], vol["marker"]) == ("volume", "tank", None)
    assert [each["name"] for each in vol["add"]] == ["-a b", "b"]
    assert vol["add"][0]["guid"] == "18446744073709551615"


def test_roots_inside_others_are_asked_for_once():
    module = Module(True, OPEN, OPEN_LIST)
    Zfs(module).datasets(["tank/vol/x", "tank/vol", "tank/vol-2"])
    assert module.asked[-1][-2:] == ["tank/vol", "tank/vol-2"]


def test_no_datasets_are_none_and_not_all():
    module = Module(True, OPEN)
    assert Zfs(module).datasets([]) == []
    assert module.asked == []


def test_pools_are_named_by_their_guid():
    assert Zfs(Module(True, "")).pools() == [{"name": "tank", "guid": "2961497613966863477", "health": "ONLINE"}]


@pytest.mark.parametrize("name", ["-r", "tank/a\nb", "", "tank/$(x)", "/tank"])
def test_what_is_no_name_never_reaches_zfs(name):
    module = Module(True, OPEN)
    with pytest.raises(WitnessError) as caught:
        Zfs(module).datasets(["tank/ok", name])
    assert caught.value.code == "E_VALIDATION"
    assert module.asked == []


def test_a_host_without_zfs_is_told_of():
    with pytest.raises(WitnessError) as caught:
        Zfs(Module(True, "", tools=("zpool",)))
    assert (caught.value.code, caught.value.message) == ("E_ZFS_MISSING", "this host has no command zfs")


def test_a_dataset_that_is_not_there_is_an_error_and_not_an_empty_report():
    module = Module(True, OPEN)
    module.run_command = lambda argv, environ_update: (1, "", "cannot open 'tank/x': dataset does not exist\n")
    with pytest.raises(WitnessError) as caught:
        Zfs(module).datasets(["tank/x"])
    assert caught.value.code == "E_ZFS_FAILED"
    assert "cannot open 'tank/x'" in caught.value.message


def test_a_property_with_a_line_break_speaks_for_no_other_dataset():
    forged = FUSE + "\ntank/photos/a b\tx:y\tlocal\tline\ntank/photos\tguid\t-\t1"
    with pytest.raises(WitnessError) as caught:
        Zfs(Module(False, forged)).datasets(["tank/photos"])
    assert "two things of guid of tank/photos" in caught.value.message
