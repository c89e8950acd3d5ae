# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zfs_sync.core import names

LEGAL = ["tank", "tank/a b", "tank/-x", "tank/a:b.c_d-e", "t/" + "x" * 253, "tank/vm images", "tank/ "]
ILLEGAL = ["", "/", "tank/", "/tank", "tank//a", "tank/../x", "tank/.", "tank@s", "tank/x; touch /tmp/y", "tank/a\nb"]
RESERVED = ["c0", "c1t0", "mirror", "mirror-1", "raidz2", "draid", "spare", "log", "1tank", "-x"]


@pytest.mark.parametrize("path", LEGAL)
def test_legal_datasets_are_returned_as_they_are(path: str) -> None:
    assert names.check_dataset(path) == path


@pytest.mark.parametrize("path", [*ILLEGAL, *RESERVED, "tank/" + "x" * 251, "tank/ü"])
def test_what_zfs_forbids_is_refused_with_a_sentence(path: str) -> None:
    with pytest.raises(ValueError, match="is not a dataset"):
        names.check_dataset(path)


@pytest.mark.parametrize("label", ["", "a/b", "a@b", "a\nb", "x" * 255, "$(id)"])
def test_hostile_snapshot_labels_are_refused(label: str) -> None:
    with pytest.raises(ValueError, match="is not a snapshot name"):
        names.check_snapshot_label(label)


@pytest.mark.parametrize("label", ["-x", "0", "a b", "autosnap_2026-11-01_00:00:00_hourly"])
def test_odd_but_legal_snapshot_labels_pass(label: str) -> None:
    assert names.check_snapshot_label(label) == label


@pytest.mark.parametrize("name", ["", "A", "-a", ".a", "a" * 64, "a b", "a/b", "ü"])
@pytest.mark.parametrize("check", [names.check_system_name, names.check_group_name])
def test_object_names_outside_the_contract_are_refused(check, name: str) -> None:
    with pytest.raises(ValueError, match="cannot name a"):
        check(name)


def test_object_names_of_the_contract_pass() -> None:
    assert names.check_system_name("nas-1.berlin_a") == "nas-1.berlin_a"
    assert names.check_group_name("9" + "a" * 62) == "9" + "a" * 62


@pytest.mark.parametrize("host", ["nas1", "nas1.example.org", "10.0.0.12", "fe80::1", "a_b.c"])
def test_hosts(host: str) -> None:
    assert names.check_host(host) == host


@pytest.mark.parametrize("host", ["", "-oProxyCommand=x", "a b", "a;b", "x" * 254, "a..b", "user@host"])
def test_hosts_that_ssh_could_misread_are_refused(host: str) -> None:
    with pytest.raises(ValueError, match="neither a host name nor an IP address"):
        names.check_host(host)


def test_users() -> None:
    assert names.check_user("zfs-sync") == "zfs-sync"
    with pytest.raises(ValueError, match="login name"):
        names.check_user("-root")


def test_relative_paths() -> None:
    assert names.check_relative("") == ""
    assert names.check_relative("a b/c") == "a b/c"
    with pytest.raises(ValueError, match="not allowed as a component"):
        names.check_relative("../x")


def test_a_long_hostile_text_is_cut_and_escaped_in_the_message() -> None:
    with pytest.raises(ValueError, match=r"x{70,}.*\.\.\.") as caught:
        names.check_dataset("x" * 300)
    assert len(str(caught.value)) < 200


component = st.from_regex(r"[A-Za-z0-9_.:-][A-Za-z0-9 _.:-]{0,8}", fullmatch=True).filter(
    lambda c: c not in (".", "..")
)


@given(root=st.lists(component, min_size=1, max_size=3), below=st.lists(component, max_size=3))
def test_join_and_relative_are_inverse(root: list[str], below: list[str]) -> None:
    base, rest = "/".join(root), "/".join(below)
    path = names.join(base, rest)
    assert names.relative(path, base) == rest
    assert names.is_inside(path, base)
    assert names.pool_of(path) == root[0]
    assert names.parent(path) == ("/".join([*root, *below][:-1]) or None)


def test_a_sibling_with_the_same_beginning_is_not_inside() -> None:
    assert not names.is_inside("tank/ab", "tank/a")
    with pytest.raises(ValueError, match="does not lie below"):
        names.relative("tank/ab", "tank/a")
