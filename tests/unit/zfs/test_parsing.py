# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Parsers on recorded output, and on what somebody with a dataset of their own may print into it."""

import pytest

from tests.unit.zfs.recordings import FUSE_TREE
from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.zfs import parsing

FORGED = (
    "tank/theirs\tzfs-sync:group\tlocal\ta\n"
    "tank/other\tzfs-sync:group\tlocal\tphotos\n"
    "tank/theirs@now\tzfs-sync:group\tinherited from tank/theirs\ta\n"
    "tank/other\tzfs-sync:group\tlocal\tphotos\n"
)
"""As zfs-fuse prints a user property of tank/theirs with a line break and three tabs in its value."""


def test_each_property_comes_with_its_source() -> None:
    found = parsing.by_name(FUSE_TREE)
    assert found["tank/photos"]["zfs-sync:group"].source == "local"
    assert found["tank/photos/a b"]["zfs-sync:group"].source == "inherited from tank/photos"
    assert found["tank/photos/a b@-x"]["guid"].value == "12887196424746676260"


@pytest.mark.parametrize("value", ["a\tb\tc", "a\u2028b", "a\x85b", "a\x0bb", ""])
def test_a_value_may_hold_tabs_and_what_unicode_calls_a_line_end(value: str) -> None:
    (found,) = parsing.properties(f"tank\tnote:x\tlocal\t{value}\n")
    assert found.value == value


@pytest.mark.parametrize("own", ["-\t-", "local\tmusic"])
@pytest.mark.parametrize("first", [True, False])
def test_a_marker_that_is_printed_by_another_datasets_value_does_not_count(own: str, first: bool) -> None:
    real = f"tank/other\tzfs-sync:group\t{own}\n"
    found = parsing.by_name(real + FORGED if first else FORGED + real)
    assert found["tank/other"]["zfs-sync:group"].source == parsing.AMBIGUOUS
    assert found["tank/theirs"]["zfs-sync:group"].source == "local"


def test_what_is_said_twice_alike_is_well() -> None:
    found = parsing.by_name("tank\ttype\t-\tfilesystem\n" * 2)
    assert found["tank"]["type"].source == "-"


def test_snapshots_are_split_at_the_last_at_sign() -> None:
    rows = parsing.snapshot_rows("tank/a b@-x y\t12887196424746676260\t22\n")
    assert list(rows) == [("tank/a b", "-x y", 12887196424746676260, 22)]


@pytest.mark.parametrize(
    "line",
    [
        "tank@a\t1.29E\t5",
        "tank@a\t-\t5",
        "tank@a\t5",
        "tank@a\t5\t6\t7",
        "tank@a\t-5\t6",
        "tank@a\t99999999999999999999\t6",
    ],
)
def test_a_list_that_is_not_as_asked_for_is_an_error_and_no_number(line: str) -> None:
    with pytest.raises(ZfsSyncError) as caught:
        list(parsing.snapshot_rows(line + "\n"))
    assert caught.value.code == "E_ZFS_FAILED"


def test_pools_have_whole_guids_and_a_health() -> None:
    (pool,) = parsing.pools("tank\t2961497613966863477\tONLINE\n")
    assert (pool.name, pool.guid, pool.health) == ("tank", 2961497613966863477, "ONLINE")
    assert parsing.pools("") == ()


@pytest.mark.parametrize(
    ("output", "size"),
    [
        ("full\ttank@a\t12640\nsize\t12640\n", 12640),
        ("incremental\ta\ttank@b\t624\nincremental\tb\ttank@c\t700\nsize\t1324\n", 1324),
        ("full\ttank@a\t12640\n", None),
        ("size\t12.3K\n", None),
        ("", None),
    ],
)
def test_the_size_of_a_stream_is_the_line_that_sums_up(output: str, size: int | None) -> None:
    assert parsing.stream_size(output) == size


@pytest.mark.parametrize(
    ("said", "absent"),
    [
        ("cannot open 'tank/none': dataset does not exist\n", True),
        ("cannot open 'a': dataset does not exist\n\ncannot open 'b': dataset does not exist\n", True),
        ("cannot open 'a': dataset does not exist\ncannot open 'b': permission denied\n", False),
        ("", False),
    ],
)
def test_only_absent_datasets_are_excused(said: str, absent: bool) -> None:
    assert parsing.only_absent(said) is absent


@pytest.mark.parametrize(("text", "number"), [("17", 17), ("-", None), (None, None), ("1.5K", None)])
def test_a_number_that_may_be_missing(text: str | None, number: int | None) -> None:
    assert parsing.optional_number(text) == number
