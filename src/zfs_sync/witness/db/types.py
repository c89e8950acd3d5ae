# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Column types that SQLite and PostgreSQL hold alike."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import BigInteger, Dialect
from sqlalchemy.types import TypeDecorator

_HALF, _WHOLE = 2**63, 2**64
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def stored_u64(value: int) -> int:
    """The signed number with the same 64 bits. Raises ValueError where they are more."""
    if not 0 <= value < _WHOLE:
        raise ValueError(f"{value} does not fit in an unsigned 64-bit integer")
    return value - _WHOLE if value >= _HALF else value


def stored_time(value: datetime) -> int:
    """Whole microseconds since 1970. Raises TypeError for a moment without a time zone."""
    return (value - _EPOCH) // _MICROSECOND


class U64(TypeDecorator[int]):
    """An unsigned 64-bit number (a GUID) in a signed column, as its two's complement: for equality, not for order."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: int | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        """The signed number with the same bits."""
        return None if value is None else stored_u64(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        """The unsigned number with the same bits."""
        return value + _WHOLE if value is not None and value < 0 else value


class UtcTime(TypeDecorator[datetime]):
    """A moment as whole microseconds since 1970: sorts, compares and adds alike in every database."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        """Microseconds. Raises TypeError for a moment without a time zone."""
        return None if value is None else stored_time(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """The aware moment."""
        return None if value is None else _EPOCH + value * _MICROSECOND
