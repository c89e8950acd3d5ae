# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Which properties a group may set on its targets, and to what."""

import pytest

from zfs_sync.core.properties import (
    DEFAULTS,
    SETTABLE,
    canonical_property,
    check_properties,
    check_property_name,
    for_dataset,
)


@pytest.mark.parametrize("name", [*SETTABLE, "com.sun:auto-snapshot", "org.example:a:b_c", ":x"])
def test_names_of_the_list_and_of_users_may_be_set(name: str) -> None:
    assert check_property_name(name) == name


@pytest.mark.parametrize(
    "name",
    ["sharenfs", "sharesmb", "encryption", "keylocation", "nonsense", "", "zfs-sync:group", "-a:b", "A:b", "a b:c",
     "a:b\n", "x:" + "y" * 254, "readonly=on,mountpoint"],
)  # fmt: skip
def test_anything_else_may_not(name: str) -> None:
    with pytest.raises(ValueError, match="is not set by a sync group: take acltype"):
        check_property_name(name)


@pytest.mark.parametrize(
    ("name", "value", "canonical"),
    [
        ("readonly", "on", "on"),
        ("readonly", False, "off"),
        ("canmount", "noauto", "noauto"),
        ("compression", "zstd-19", "zstd-19"),
        ("mountpoint", "none", "none"),
        ("quota", "10GiB", "10GiB"),
        ("quota", "10240 MiB", "10GiB"),
        ("quota", "none", "none"),
        ("com.sun:auto-snapshot", False, "off"),
        ("org.example:note", "kept by -o x=y; $(touch /tmp/y)", "kept by -o x=y; $(touch /tmp/y)"),
    ],
)
def test_values_have_one_form(name: str, value: str | bool, canonical: str) -> None:
    assert canonical_property(name, value) == canonical


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("readonly", "yes", "must be one of off, on"),
        ("canmount", "", "must be one of noauto, off, on"),
        ("mountpoint", "/etc", "must be one of legacy, none"),
        ("compression", "on,x=y", "must be one of gzip"),
        ("quota", "10737418240", "write a unit"),
        ("quota", "0", "must be none or a size such as 10GiB"),
        ("quota", "0B", "must be none or a size such as 10GiB"),
        ("quota", "lots", "write a unit"),
        ("quota", "a size such as 10GiB", "write a unit"),
        ("a:b", "", "one printable line"),
        ("a:b", "x\ny", "one printable line"),
        ("a:b", "x" * 1025, "one printable line"),
    ],
)
def test_other_values_are_refused_with_what_they_may_be(name: str, value: str | bool, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        canonical_property(name, value)


def test_a_host_checks_names_and_values_together() -> None:
    check_properties(DEFAULTS)
    for bad in ({"mountpoint": "/etc"}, {"sharenfs": "on"}, {"zfs-sync:group": "other"}):
        with pytest.raises(ValueError, match=r"mountpoint|sharenfs|zfs-sync:group"):
            check_properties(bad)
    with pytest.raises(ValueError, match="copies must be one of 1, 2, 3; quota must be none or a size"):
        check_properties({"copies": "9", "atime": False, "quota": "big"})


def test_a_dataset_gets_what_its_kind_can_have() -> None:
    wanted = {"canmount": "noauto", "quota": "1GiB", "readonly": "on", "snapdev": "hidden", "a:b": "c"}
    assert for_dataset(wanted, "volume") == {"readonly": "on", "snapdev": "hidden", "a:b": "c"}
    assert for_dataset(wanted, "filesystem") == {
        "canmount": "noauto", "readonly": "on", "quota": "1073741824", "a:b": "c"
    }  # fmt: skip
    assert for_dataset({"refquota": "none"}, "filesystem") == {"refquota": "none"}
