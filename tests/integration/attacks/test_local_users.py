# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""People who have an account on a storage host, and whoever has become the peers' account there."""

import json
from typing import Any

import pytest

from tests.integration.attacks.stage import EDGES, STATE, Attacker
from tests.integration.collection.canary import places_of_keys

pytestmark = [pytest.mark.lab, pytest.mark.timeout(600)]

TRY = r"""
import json, os, socket, sys
plan = json.load(sys.stdin)
done = {"read": [], "listed": [], "written": [], "made": [], "connected": []}
def attempt(kind, place, action):
    try:
        action(place)
    except OSError:
        return
    done[kind].append(place)
def connect(place):
    with socket.socket(socket.AF_UNIX) as talk:
        talk.connect(place)
for place in plan["read"]:
    attempt("read", place, lambda each: open(each, "rb").read(1))
    attempt("written", place, lambda each: open(each, "ab"))
for place in plan["folders"]:
    attempt("listed", place, os.listdir)
    attempt("made", place, lambda each: os.mkdir(each + "/mine"))
    attempt("made", place, lambda each: os.rename(each, each + ".old"))
for place in plan["sockets"]:
    attempt("connected", place, connect)
print(json.dumps(done))
"""
SECRETS = [
    f"{STATE}/agent.key", f"{STATE}/installation", f"{STATE}/work.json", f"{STATE}/agent.lock",
    f"{STATE}/ssh/id_ed25519", f"{STATE}/ssh/known_hosts",
]  # fmt: skip
OURS = ["/etc/zfs-sync/agent.conf", "/etc/zfs-sync/ca.pem", "/usr/bin/zfs-sync-agent"]
FOLDERS = [
    STATE, f"{STATE}/ssh", f"{STATE}/outbox", f"{STATE}/holds", "/run/zfs-sync", "/run/zfs-sync/ssh",
    "/var/lib/zfs-sync", "/var/lib/zfs-sync/.ssh", "/etc/zfs-sync", "/usr/lib/zfs-sync", "/usr/lib/zfs-sync/current",
]  # fmt: skip
LOGINS = "/var/lib/zfs-sync/.ssh/authorized_keys"


def tried(attacker: Attacker, host: str, user: str) -> dict[str, list[str]]:
    """What this user could do at every place of the agent of a host."""
    peer = attacker.fleet.host(host)
    pid = peer.ssh(["systemctl", "show", "-P", "MainPID", "zfs-sync-agent"]).stdout.strip()
    sockets = peer.ssh("find /run/zfs-sync -type s").stdout.split()
    process = [f"/proc/{pid}/{name}" for name in ("environ", "mem", "maps", "fd/0")]
    plan = {"read": [*SECRETS, *OURS, LOGINS, *process], "folders": FOLDERS, "sockets": sockets}
    command = ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", "--no-new-privs", "python3", "-c", TRY]
    found: dict[str, list[str]] = json.loads(peer.ssh(command, input=json.dumps(plan).encode()).stdout)
    assert "/run/zfs-sync/gate.sock" in sockets
    return found


@pytest.mark.parametrize("host", ["h1", "h3"])
def test_a_user_reads_no_secret_writes_nothing_and_talks_to_no_socket(attacker: Attacker, host: str) -> None:
    attacker.fleet.host(host).ssh("id mallory >/dev/null 2>&1 || useradd --create-home mallory")
    found = tried(attacker, host, "mallory")
    assert found == {
        "read": OURS,
        "listed": ["/etc/zfs-sync", *FOLDERS[-2:]],
        "written": [],
        "made": [],
        "connected": [],
    }
    refused = attacker.fleet.host(host).ssh(
        "setpriv --reuid=mallory --regid=mallory --init-groups zfs-sync-agent gate --peer h3 </dev/null", check=False
    )
    assert (refused.returncode, "E_AGENT_NOT_RUNNING" in refused.stderr) == (75, True)


@pytest.mark.parametrize("host", ["h1", "h3"])
def test_the_peers_account_widens_nothing(attacker: Attacker, host: str) -> None:
    """It may read what sshd reads for it, and reach the gate; it changes nothing, and reads no secret."""
    found = tried(attacker, host, "zfs-sync")
    assert found["read"] == [*OURS, LOGINS]
    assert found["written"] == found["made"] == []
    assert found["connected"] == ["/run/zfs-sync/gate.sock"]
    assert not {STATE, f"{STATE}/ssh", "/run/zfs-sync/ssh"} & set(found["listed"])


def test_whoever_reaches_the_gates_socket_gets_what_a_peer_gets(attacker: Attacker) -> None:
    """The peers' account could say another peer's name; what it gets then lies on edges of this host all the same."""
    peer = attacker.fleet.host("h1")
    command = "setpriv --reuid=zfs-sync --regid=zfs-sync --init-groups zfs-sync-agent gate --peer {}"

    def ask(name: str, edge: str) -> tuple[int, Any]:
        line = json.dumps({"v": 1, "op": "list", "edge": edge, "relative": ""}) + "\n"
        done = peer.ssh(command.format(name), input=line.encode(), check=False)
        return done.returncode, done.stdout

    assert ask("h3", EDGES["diary"])[0] == 0
    assert ask("h3", EDGES["photos"]) == (1, "")
    assert ask("root", EDGES["diary"]) == (1, "")


@pytest.mark.parametrize("host", ["h1", "h3"])
def test_no_key_is_in_a_process_a_log_or_another_file(attacker: Attacker, host: str) -> None:
    assert places_of_keys(attacker.fleet.host(host)) == {f"{STATE}/agent.key"}
