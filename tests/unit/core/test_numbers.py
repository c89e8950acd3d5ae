# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zfs_sync.core import numbers


@given(st.integers(0, numbers.U64_MAX))
def test_every_unsigned_64_bit_number_survives_the_wire(number: int) -> None:
    assert numbers.u64(numbers.u64_text(number)) == number


@pytest.mark.parametrize("number", [-1, 2**64])
def test_what_does_not_fit_is_refused(number: int) -> None:
    with pytest.raises(ValueError, match="does not fit"):
        numbers.u64_text(number)


@pytest.mark.parametrize("text", ["", "01", "-1", "1.0", "1e3", "18446744073709551616", "٣", " 1", 5, None, True])
def test_other_texts_are_no_guid(text: object) -> None:
    with pytest.raises(ValueError, match="unsigned 64-bit"):
        numbers.u64(text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("15m", 900), ("1h", 3600), ("2d", 172_800), ("1h30m", 5400), ("PT15M", 900), ("P1DT1H", 90_000)],
)
def test_durations(text: str, seconds: int) -> None:
    assert numbers.parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "15", "0s", "m", "1y", "15 m", "P", "PT", "-5m", "1m1h", "9999999d", 900, None])
def test_what_is_no_duration_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="duration"):
        numbers.parse_duration(text)


@given(st.integers(1, numbers.MAX_DURATION_SECONDS))
def test_the_canonical_form_of_a_duration_means_the_same(seconds: int) -> None:
    assert numbers.parse_duration(numbers.format_duration(seconds)) == seconds


def test_canonical_durations_are_equal_for_equal_times() -> None:
    assert numbers.format_duration(numbers.parse_duration("90m")) == "1h30m"
    assert numbers.format_duration(0) == "0s"


@pytest.mark.parametrize(
    ("text", "count"), [("1GiB", 2**30), ("500MB", 500_000_000), ("1.5KiB", 1536), ("7B", 7), ("2kB", 2000)]
)
def test_sizes(text: str, count: int) -> None:
    assert numbers.parse_size(text) == count


@pytest.mark.parametrize("text", ["", "5", "5 X", "-1GiB", "1Gib", 5])
def test_what_is_no_size_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="is not a size"):
        numbers.parse_size(text)


@given(st.integers(0, 2**62))
def test_the_canonical_form_of_a_size_means_the_same(count: int) -> None:
    assert numbers.parse_size(numbers.format_size(count)) == count


def test_sizes_for_people() -> None:
    assert [numbers.readable_size(each) for each in (0, 1023, 1536, 3 * 2**30, 5000 * 2**80)] == [
        "0 B",
        "1023 B",
        "1.5 KiB",
        "3.0 GiB",
        "5242880000.0 EiB",
    ]
