# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Numbers as people and wires write them: 64-bit identities, durations, sizes.

GUIDs and transaction groups are unsigned 64-bit, which a JSON number cannot carry through every parser; they travel as
decimal strings. Durations and sizes always name their unit; equality is decided on the canonical form.
"""

import re

U64_MAX = 2**64 - 1

_U64 = re.compile(r"0|[1-9][0-9]{0,19}")
_DURATION = re.compile(r"(?:([0-9]+)d)?(?:([0-9]+)h)?(?:([0-9]+)m)?(?:([0-9]+)s)?")
_ISO_DURATION = re.compile(
    r"P(?:([0-9]+)W)?(?:([0-9]+)D)?(?:T(?:([0-9]+)H)?(?:([0-9]+)M)?(?:([0-9]+)S)?)?", re.IGNORECASE
)
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*(B|[kKMGTPE]i?B)")

_DURATION_UNITS = (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))
_DURATION_SECONDS = tuple(seconds for _, seconds in _DURATION_UNITS)
_ISO_SECONDS = (604_800, *_DURATION_SECONDS)
_SIZE_POWERS = ("k", "M", "G", "T", "P", "E")
MAX_DURATION_SECONDS = 10 * 365 * 86_400


def u64_text(number: int) -> str:
    """``number`` as the wire carries it. Raises ValueError outside 0..2**64-1."""
    if not 0 <= number <= U64_MAX:
        raise ValueError(f"{number} does not fit in an unsigned 64-bit integer")
    return str(number)


def u64(text: object) -> int:
    """The number in a decimal string of the wire. Raises ValueError for anything else."""
    if not isinstance(text, str) or not _U64.fullmatch(text) or int(text) > U64_MAX:
        raise ValueError(f"{ascii(text)[:40]} is not an unsigned 64-bit number written as a decimal string")
    return int(text)


def parse_duration(text: object) -> int:
    """Seconds in ``90s``, ``15m``, ``1h30m``, ``2d`` or an ISO 8601 duration such as ``PT15M``.

    Raises ValueError for a bare number, an unknown unit, zero, or more than ten years.
    """
    if not isinstance(text, str):
        raise ValueError(  # noqa: TRY004  (a fault of the input, not of the program)
            f"{text!r} is not a duration: write text with a unit, such as 90s, 15m, 1h or 2d"
        )
    seconds = _duration_seconds(text.strip())
    if seconds is None:
        raise ValueError(f"{ascii(text)[:40]} is not a duration: write a unit, such as 90s, 15m, 1h or 2d")
    if not 0 < seconds <= MAX_DURATION_SECONDS:
        raise ValueError(f"{ascii(text)[:40]} is out of range: a duration is more than zero and at most ten years")
    return seconds


def _duration_seconds(text: str) -> int | None:
    for pattern, weights in ((_DURATION, _DURATION_SECONDS), (_ISO_DURATION, _ISO_SECONDS)):
        match = pattern.fullmatch(text)
        if match and any(group is not None for group in match.groups()):
            return sum(int(group or 0) * weight for group, weight in zip(match.groups(), weights, strict=True))
    return None


def format_duration(seconds: int) -> str:
    """The canonical form of a duration: the largest units first, none that is zero (``5400`` is ``1h30m``)."""
    parts = []
    for unit, weight in _DURATION_UNITS:
        count, seconds = divmod(seconds, weight)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def parse_size(text: object) -> int:
    """Bytes in ``1GiB``, ``500MB``, ``4096B``. Raises ValueError for a bare number or an unknown unit."""
    match = _SIZE.fullmatch(text.strip()) if isinstance(text, str) else None
    if not match:
        raise ValueError(f"{ascii(text)[:40]} is not a size: write a unit, such as 500MB or 1GiB")
    number, unit = match.groups()
    factor = 1
    if unit != "B":
        base = 1024 if "i" in unit else 1000
        factor = base ** (_SIZE_POWERS.index(unit[0].replace("K", "k")) + 1)
    return round(float(number) * factor) if "." in number else int(number) * factor


def format_size(count: int) -> str:
    """The canonical form of a size: the largest binary unit that divides it, else plain bytes."""
    for power in range(len(_SIZE_POWERS), 0, -1):
        factor = 1024**power
        if count and count % factor == 0:
            return f"{count // factor}{_SIZE_POWERS[power - 1].upper()}iB"
    return f"{count}B"


def readable_size(count: float) -> str:
    """A size for people, rounded to a tenth: ``3.4 MiB``. Not parsed by anything."""
    value, unit = float(count), "B"
    for power in _SIZE_POWERS:
        if value < 1024:
            break
        value, unit = value / 1024, f"{power.upper()}iB"
    return f"{value:.1f} {unit}" if unit != "B" else f"{int(value)} B"
