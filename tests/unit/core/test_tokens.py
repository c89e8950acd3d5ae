# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0

import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zfs_sync.core import tokens
from zfs_sync.core.errors import ZfsSyncError


@given(st.sampled_from(tokens.KINDS), st.binary(min_size=40, max_size=40))
def test_a_minted_key_parses_to_itself(kind: str, noise: bytes) -> None:
    token = tokens.mint(kind, lambda count: noise[:count])
    assert tokens.parse(token.text) == token
    assert token.text.startswith(f"zs_{kind}_{token.lookup}_")


def test_a_mistyped_key_is_told_from_an_unknown_one() -> None:
    text = tokens.mint("viewer", secrets.token_bytes).text
    for wrong in (text[:-1], text[:-1] + ("a" if text[-1] != "a" else "b"), "zs_root_" + text[10:], ""):
        with pytest.raises(ZfsSyncError) as caught:
            tokens.parse(wrong)
        assert caught.value.code == "E_KEY_MALFORMED"
        assert text[:30] not in str(caught.value)


def test_the_secret_is_in_no_repr() -> None:
    token = tokens.mint("admin", secrets.token_bytes)
    assert token.text not in f"{token!r} {token} {[token]}"
    assert len(token.sha256) == 64


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="not a kind of key"):
        tokens.mint("root", secrets.token_bytes)
