# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""What the doctor can say, from its own table."""

from zfs_sync.agent.findings import CATALOGUE

INTRODUCTION = """\
<!-- Made by `make docs` from the doctor's findings; edit those, not this page. -->
# The doctor's findings

`zfs-sync-agent doctor` looks at everything that replication needs of a host, changes nothing, and prints what it found:
what works, what does not, and the command that mends it, with the host where it is typed if that is another one. Its
exit status is 1 where something failed, else 0; a warning is something that may be meant so.

With `--json` it prints one object: `ok`, and `checks`, a list of objects with `id`, `status` (`ok`, `warning` or
`failed`), `message`, `remedy` (the command, or empty), `where` (the host to type it on; empty for this one) and
`advice` (what to know before). Ids are stable:

| id | what it says |
| --- | --- |
"""


def page() -> str:
    """The page."""
    return INTRODUCTION + "".join(f"| `{name}` | {text} |\n" for name, text in CATALOGUE.items())
