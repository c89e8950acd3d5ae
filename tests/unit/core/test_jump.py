# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Jump hosts as they are declared, and their canonical form."""

import pytest

from zfs_sync.core.jump import Jump, parse_jump


@pytest.mark.parametrize(
    ("text", "expected", "canonical"),
    [
        ("ops@jump.example.org:2222", Jump("ops", "jump.example.org", 2222), "ops@jump.example.org:2222"),
        ("jump", Jump("zfs-sync", "jump", 22), "zfs-sync@jump:22"),
        ("ops@10.0.0.1", Jump("ops", "10.0.0.1", 22), "ops@10.0.0.1:22"),
        ("[2001:db8::1]:2200", Jump("zfs-sync", "2001:db8::1", 2200), "zfs-sync@[2001:db8::1]:2200"),
        ("ops@[fe80::1]", Jump("ops", "fe80::1", 22), "ops@[fe80::1]:22"),
    ],
)
def test_what_is_left_out_is_filled_in(text: str, expected: Jump, canonical: str) -> None:
    assert parse_jump(text) == expected
    assert str(parse_jump(text)) == canonical
    assert parse_jump(canonical) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "@jump",
        "a@b@c",
        "jump:0",
        "jump:65536",
        "jump:",
        "2001:db8::1",
        "[jump",
        "[]",
        "-oProxyCommand=x",
        "jump;touch /tmp/y",
        "$(id)@jump",
        "ops@jump:22 -o x",
        "ops@jump\nHost *",
        "a,b",
    ],
)
def test_what_ssh_could_misread_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"jump host|port|login name|neither a host name"):
        parse_jump(text)
