# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Request lines as a peer that means harm, or has lost its mind, may send them to a gate."""

import json
from collections.abc import Mapping
from random import Random
from typing import Any

MOST_BYTES = 6_000
TEXTS = (
    "x; touch /tmp/pwned",
    "$(touch /tmp/pwned)",
    "`touch /tmp/pwned`",
    "a\ntouch /tmp/pwned\n",
    "a|touch /tmp/pwned",
    "../secret",
    "a/../../secret",
    "/etc/passwd",
    "-F",
    "--",
    "-oProxyCommand=touch /tmp/pwned",
    "@one",
    "a@one",
    "#one",
    "a%recv",
    "",
    " ",
    ".",
    "..",
    "a//b",
    "a\x00b",
    "\u202e",
    "\ud800",
    "ä",
    "x" * 300,
    "1" * 300,
    "0",
    "-1",
    "18446744073709551616",
    "0x10",
    "\uff11",
    "g:h3:safe/data",
)
VALUES: tuple[Any, ...] = (*TEXTS, None, True, 0, -1, 1, 2, 1 << 70, 1.5, [], {}, ["a"], {"a": "b"}, "hidden", "list")
KEYS = ("v", "op", "edge", "relative", "base_guid", "to_guid", "command", "flags", "__class__", "")


def request_lines(chance: Random, valid: Mapping[str, Any], count: int) -> list[bytes]:
    """So many lines, most of them a valid request with something changed; without the newline at the end."""
    return [_line(chance, valid) for _ in range(count)]


def _line(chance: Random, valid: Mapping[str, Any]) -> bytes:
    kind = chance.randrange(10)
    if kind == 0:
        return _bytes(chance)
    line = json.dumps(_changed(chance, valid)).encode()
    if kind == 1:
        return line[: chance.randrange(len(line))]
    if kind == 2:
        place = chance.randrange(len(line))
        return (line[:place] + chance.randbytes(3) + line[place:]).replace(b"\n", b"")
    return line


def _bytes(chance: Random) -> bytes:
    if chance.random() < 0.3:
        return chance.choice([b"[", b"{", b'{"a":', b'"', b"1"]) * chance.randrange(1, MOST_BYTES)
    return chance.randbytes(chance.randrange(MOST_BYTES)).replace(b"\n", b"")


def _changed(chance: Random, valid: Mapping[str, Any]) -> Any:
    changed = dict(valid) | {"op": chance.choice(["list", "estimate", "send"])}
    for _ in range(chance.choice([0, 1, 1, 1, 2, 3])):
        key = chance.choice(KEYS)
        if chance.random() < 0.2:
            changed.pop(key, None)
        else:
            changed[key] = chance.choice(VALUES)
    return chance.choice(VALUES) if chance.random() < 0.05 else changed
