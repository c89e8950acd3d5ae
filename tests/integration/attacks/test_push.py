# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""A host in other hands pushes: its peer receives by its own judgement, and takes none of what was not agreed."""

import json
from pathlib import Path

import pytest

from tests.integration.agent.test_gate import code_of
from tests.integration.attacks.stage import EDGES, Attacker
from tests.integration.attacks.test_gate import LOGIN

pytestmark = [pytest.mark.lab, pytest.mark.timeout(600)]

PROGRAM = Path(__file__).with_name("hostile_push.py")
MAKE = """
set -e; cd /root
for each in tree props swap cut noise; do zfs create backup/push/$each; done
zfs create -o mountpoint=/etc/cron.evil backup/push/tree/child; zfs set mountpoint=/root/pushed backup/push/tree
zfs set mountpoint=/root/pushed-too backup/push/props
for each in tree props swap cut noise; do zfs snapshot -r backup/push/$each@one; done
zfs clone backup/out/honest@one backup/push/clone; zfs snapshot backup/push/clone@one
"""
STREAMS = {
    "tree": "zfs send -R backup/push/tree@one",
    "props": "zfs send -p backup/push/props@one",
    "swap": "zfs send backup/push/tree/child@one",
    "clone": "zfs send -i backup/out/honest@one backup/push/clone@one",
    "noise": "head -c 3000000 /dev/urandom",
    "cut": "zfs send backup/push/cut@one | head -c 5000",
}
REFUSED = dict.fromkeys(STREAMS, "E_STREAM_REFUSED") | {"cut": "E_INTERRUPTED"}


def pushed(attacker: Attacker, edge: str, relative: str) -> tuple[int, str, str]:
    """What h3's gate answers."""
    login = [*LOGIN.split(), "zfs-sync@h3"]
    done = attacker.host.ssh(["python3", "/root/hostile_push.py", edge, relative, *login])
    status, out, said = json.loads(done.stdout)
    return status, out, said


def test_no_stream_that_was_not_agreed_is_received(attacker: Attacker) -> None:
    attacker.host.put(PROGRAM, "/root/hostile_push.py")
    attacker.host.ssh(MAKE)
    for name, command in STREAMS.items():
        attacker.serve(name, command, dataset=attacker.described(f"backup/push/{name}"))
    before = attacker.look("h3")
    found = {name: pushed(attacker, EDGES["outbox"], name) for name in STREAMS}
    assert {name: code_of(said) for name, (_, _, said) in found.items()} == REFUSED
    assert {status for status, _, _ in found.values()} == {1}
    assert attacker.changes(before) == []


def test_nothing_is_pushed_along_another_edge(attacker: Attacker) -> None:
    attacker.host.put(PROGRAM, "/root/hostile_push.py")
    attacker.serve("mine", "zfs send backup/out/honest@one", dataset=attacker.described("backup/out/honest"))
    before = attacker.look("h3")
    for edge in (EDGES["inbox"], EDGES["diary"], EDGES["photos"], "none"):
        status, out, said = pushed(attacker, edge, "mine")
        assert (status, out, code_of(said)) == (1, "", "E_EDGE_UNKNOWN")
    assert attacker.changes(before) == []


def test_what_it_may_push_arrives(attacker: Attacker) -> None:
    """The attacks above would pass at a peer that takes nothing at all."""
    attacker.host.put(PROGRAM, "/root/hostile_push.py")
    attacker.host.ssh("zfs create backup/push/new && zfs snapshot backup/push/new@one")
    attacker.serve("new", "zfs send backup/push/new@one", dataset=attacker.described("backup/push/new"))
    status, out, said = pushed(attacker, EDGES["outbox"], "new")
    assert status == 0, said
    assert attacker.fleet.guids("h3", "safe/outbox/new") == attacker.fleet.guids("h2", "backup/push/new")
    assert '"state":"done"' in out
