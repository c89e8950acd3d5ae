# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Which URLs a key may travel to."""

import pytest

from zfs_sync.client.address import check_url, is_loopback


@pytest.mark.parametrize(
    ("url", "checked"),
    [
        ("https://witness.example.org:8470/", "https://witness.example.org:8470"),
        ("https://[2001:db8::1]:8470", "https://[2001:db8::1]:8470"),
        ("http://127.0.0.1:8470", "http://127.0.0.1:8470"),
        ("http://[::1]:8470", "http://[::1]:8470"),
        ("http://LocalHost:8470", "http://LocalHost:8470"),
    ],
)
def test_a_url_of_a_witness(url: str, checked: str) -> None:
    assert check_url(url) == checked


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("witness:8470", "write https://HOST:PORT"),
        ("ftp://witness", "write https://HOST:PORT"),
        ("https://", "write https://HOST:PORT"),
        ("", "write https://HOST:PORT"),
        ("https://[::1", "is not a URL"),
        ("https://host:99999", "is not a URL"),
        ("https://me:secret@host", "neither user, password"),
        ("https://host?x=1", "neither user, password"),
        ("https://host#x", "neither user, password"),
        ("http://witness.example.org:8470", "in clear"),
        ("http://127.0.0.1.example.org", "in clear"),
        ("http://10.0.0.1", "in clear"),
    ],
)
def test_anything_else_is_refused_with_a_sentence(url: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        check_url(url)


def test_plain_http_can_be_allowed() -> None:
    assert check_url("http://10.0.0.1", allow_plain_http=True) == "http://10.0.0.1"


@pytest.mark.parametrize(
    ("host", "loopback"), [("127.9.9.9", True), ("::1", True), ("10.0.0.1", False), ("a.b", False)]
)
def test_loopback(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback
