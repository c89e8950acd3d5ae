# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""A host in other hands feeds a peer streams that it was not asked for: the peer takes none of them."""

from typing import Any

import pytest

from tests.integration.agent.fleet import wait_for
from tests.integration.attacks.stage import Attacker

pytestmark = [pytest.mark.lab, pytest.mark.timeout(600)]

MAKE = """
set -e; cd /root
for each in tree props swap cut noise package; do zfs create backup/out/$each; done
zfs create -o mountpoint=/etc/systemd/system/evil.d backup/out/tree/child
zfs set mountpoint=/root/evil backup/out/tree; echo 'touch /tmp/pwned' >/root/evil/evil
zfs set mountpoint=/root/evil-too backup/out/props; zfs set zfs-sync:group=diary backup/out/props
for each in tree props swap cut noise package; do zfs snapshot -r backup/out/$each@one; done
zfs clone backup/out/honest@one backup/out/clone; zfs snapshot backup/out/clone@one
zfs set mountpoint=/root/evil-later backup/out/later; zfs create backup/out/later/child
zfs snapshot -r backup/out/later@two
"""
STREAMS = {
    "tree": "zfs send -R backup/out/tree@one",
    "props": "zfs send -p backup/out/props@one",
    "package": "zfs send -R backup/out/package@one",
    "clone": "zfs send -i backup/out/honest@one backup/out/clone@one",
    "swap": "zfs send backup/out/tree/child@one",
    "cut": "zfs send backup/out/cut@one | head -c 5000",
    "noise": "head -c 3000000 /dev/urandom",
    "later": "zfs send -R -i one backup/out/later@two",
}
"""What is sent instead of each dataset."""
REFUSED = dict.fromkeys(STREAMS, "E_STREAM_REFUSED") | {"cut": "E_INTERRUPTED"}


def errors(attacker: Attacker, state: str = "failed") -> dict[str, Any]:
    """The error of the newest failed job of each dataset that h2 feeds."""
    items = attacker.fleet.witness.call("GET", f"/jobs?group=inbox&state={state}")["items"]
    return {each["relative"]: each["error"] for each in reversed(items)}


def test_no_stream_that_was_not_asked_for_is_received(attacker: Attacker) -> None:
    attacker.host.ssh(MAKE)
    for name, command in STREAMS.items():
        attacker.serve(name, command)
    before = attacker.look("h3")
    assert attacker.report("honest", *STREAMS).status_code == 200
    found = wait_for(lambda: (said := errors(attacker)).keys() >= REFUSED.keys() and said, "all were tried", 120)
    assert {name: found[name]["code"] for name in REFUSED} == REFUSED
    assert attacker.changes(before) == []
    assert any(line.startswith("safe/secret@one") for line in before["h3"])
