# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Where keys are found on a host, other than where they belong."""

import re
import shlex

from tests.lab.host import Host

KEY = r"zs_(admin|operator|viewer|agent|enrol)_[a-z0-9]{8}_[A-Za-z0-9_-]{43}[a-z2-7]{6}"
"""Any key of the witness (core/tokens.py)."""

_SEARCH = f"""
set -u
LC_ALL=C grep -rlaE --exclude-dir=proc --exclude-dir=sys --exclude-dir=dev -- {shlex.quote(KEY)} / 2>/dev/null
journalctl --no-pager --output=export | LC_ALL=C grep -qaE -- {shlex.quote(KEY)} && echo the journal
for process in /proc/[0-9]*; do
  for file in cmdline environ; do
    LC_ALL=C grep -qaE -- {shlex.quote(KEY)} "$process/$file" 2>/dev/null && echo "$process/$file"
  done
done
true
"""


def keys_in(text: str) -> list[str]:
    """The kinds of the keys in a text."""
    return [match.group(1) for match in re.finditer(KEY, text)]


def places_of_keys(host: Host) -> set[str]:
    """Every file, process and log of the host that holds a key in clear."""
    return set(host.ssh(_SEARCH).stdout.splitlines())
