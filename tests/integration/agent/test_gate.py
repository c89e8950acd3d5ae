# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The gate from outside: what a peer that holds a trusted key can get out of it."""

import base64
import json
import random
from typing import Any

import pytest

from tests.integration.agent.fleet import Fleet, wait_for
from tests.unit.agent.gate_requests import request_lines

pytestmark = pytest.mark.lab

LOGIN = "ssh -F none -i /var/lib/zfs-sync/agent/ssh/id_ed25519 -o BatchMode=yes -o StrictHostKeyChecking=yes"
LOGIN += " -o UserKnownHostsFile=/var/lib/zfs-sync/agent/ssh/known_hosts -o ControlPath=none"
EDGE = "g:h2:backup/data"
FUZZED = 120
ASK_ALL = """
import base64, json, subprocess, sys
for line in sys.stdin:
    done = subprocess.run(["zfs-sync-agent", "gate", "--peer", "h2"], input=base64.b64decode(line), capture_output=True)
    print(json.dumps([done.returncode, done.stdout.decode(), done.stderr.decode()]), flush=True)
"""


@pytest.fixture(scope="module")
def fleet(bare_fleet: Fleet) -> Fleet:
    """h1 feeds h2; h3 is trusted by h1 and shares no edge with it."""
    fleet = bare_fleet
    fleet.host("h1").ssh("zfs create tank/data && zfs create tank/secret && zfs create tank/data/hidden")
    fleet.host("h1").ssh("zfs snapshot -r tank@one && dd if=/dev/urandom of=/tank/data/f bs=1M count=40 2>/dev/null")
    fleet.host("h1").ssh("zfs snapshot -r tank@two")
    fleet.configure("h1", [{"dataset": "tank/data", "operations": ["send"]}])
    fleet.configure("h2", [{"dataset": "backup/data", "operations": ["receive"]}])
    fleet.configure("h3", [])
    members = [
        {"system": "h1", "dataset": "tank/data", "role": "source"},
        {"system": "h2", "dataset": "backup/data", "role": "target"},
    ]
    group = {"members": members, "mode": "manual"}
    fleet.witness.apply({"version": 1, "systems": {"h1": {}, "h2": {}, "h3": {}}, "sync_groups": {"g": group}})
    for name in ("h1", "h2", "h3"):
        assert fleet.install(name)["enrolled"], fleet.journal(name)
    fleet.trust("h1", "h2", "h3")
    wait_for(lambda: "E_" not in ask(fleet, "h2", {"op": "list"})[2], "the edge is known on h1")
    return fleet


def ask(fleet: Fleet, name: str, request: dict[str, Any] | bytes, command: str = "") -> tuple[int, str, str]:
    """What h1's gate answers to a host: exit status, standard output, standard error."""
    line = (
        request
        if isinstance(request, bytes)
        else json.dumps({"v": 1, "edge": EDGE, "relative": "", **request}).encode()
    )
    done = fleet.host(name).ssh(f"{LOGIN} zfs-sync@h1 {command}", input=line + b"\n", check=False)
    return done.returncode, done.stdout, done.stderr


def code_of(said: str) -> str:
    line = next(line for line in said.splitlines() if line.startswith("zfs-sync-gate: "))
    return str(json.loads(line.removeprefix("zfs-sync-gate: "))["code"])


def test_a_peer_may_list_its_edge(fleet: Fleet) -> None:
    status, out, _ = ask(fleet, "h2", {"op": "list"})
    assert status == 0
    assert [each["name"] for each in json.loads(out)["dataset"]["add"]] == ["one", "two"]


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({"op": "destroy"}, "E_VALIDATION"),
        ({"op": "receive"}, "E_VALIDATION"),
        ({"op": "list", "edge": "g:h3:x"}, "E_EDGE_UNKNOWN"),
        ({"op": "list", "relative": "../secret"}, "E_VALIDATION"),
        ({"op": "list", "relative": "x; touch /tmp/pwned"}, "E_VALIDATION"),
        ({"op": "list", "relative": "a\nb"}, "E_VALIDATION"),
        ({"op": "send", "to_guid": "$(touch /tmp/pwned)"}, "E_VALIDATION"),
        ({"op": "send", "to_guid": "1"}, "E_SOURCE_GONE"),
        ({"op": "send"}, "E_VALIDATION"),
        ({"op": "list", "v": 2}, "E_PROTOCOL_UNSUPPORTED"),
        ({"op": "list", "relative": "", "more": 1}, "E_VALIDATION"),
        (b"zfs destroy -r tank; touch /tmp/pwned", "E_VALIDATION"),
        (b"", "E_VALIDATION"),
        (b"\xff\xfe\x00", "E_VALIDATION"),
        (b"{" * 4096, "E_VALIDATION"),
    ],
)
def test_anything_else_is_refused(fleet: Fleet, request_: dict[str, Any] | bytes, code: str) -> None:
    status, out, said = ask(fleet, "h2", request_)
    assert (status, out, code_of(said)) == (1, "", code)
    assert fleet.host("h1").ssh(["test", "-e", "/tmp/pwned"], check=False).returncode == 1


def test_no_line_of_many_random_ones_gets_more_than_its_edge(fleet: Fleet) -> None:
    host = fleet.host("h1")
    valid = {"v": 1, "edge": EDGE, "relative": "", "to_guid": "1"}
    lines = request_lines(random.Random(random.random()), valid, FUZZED)
    state = "systemctl show -P MainPID -P NRestarts zfs-sync-agent; zfs get -rHp -o name,value guid tank"
    before = host.ssh(state).stdout
    encoded = b"".join(base64.b64encode(line + b"\n") + b"\n" for line in lines)
    answers = [json.loads(line) for line in host.ssh(["python3", "-c", ASK_ALL], input=encoded).stdout.splitlines()]
    assert len(answers) == FUZZED
    given = [(line, json.loads(out)) for line, (status, out, _) in zip(lines, answers, strict=True) if status == 0]
    known = [(line, found["dataset"]["path"]) for line, found in given if found.get("dataset")]
    assert [each for each in known if each[1] not in ("tank/data", "tank/data/hidden")] == []
    codes = {code_of(said) for status, _, said in answers if status}
    assert codes <= {"E_VALIDATION", "E_PROTOCOL_UNSUPPORTED", "E_EDGE_UNKNOWN", "E_SOURCE_GONE"}
    assert {"E_VALIDATION", "E_SOURCE_GONE"} <= codes
    assert host.ssh(state).stdout == before
    assert host.ssh(["test", "-e", "/tmp/pwned"], check=False).returncode == 1


def test_the_remote_command_is_a_constant(fleet: Fleet) -> None:
    status, out, _ = ask(fleet, "h2", {"op": "list"}, "'touch /tmp/pwned; id'")
    assert (status, json.loads(out)["dataset"]["path"]) == (0, "tank/data")
    assert fleet.host("h1").ssh(["test", "-e", "/tmp/pwned"], check=False).returncode == 1
    forwarded = fleet.host("h2").ssh(f"timeout 5 {LOGIN} -W localhost:22 zfs-sync@h1", check=False)
    assert forwarded.returncode != 0


def test_a_trusted_host_without_an_edge_gets_nothing(fleet: Fleet) -> None:
    assert code_of(ask(fleet, "h3", {"op": "list"})[2]) == "E_PEER_UNKNOWN"


def test_a_peer_loses_access_with_its_edge_at_once(fleet: Fleet) -> None:
    group = fleet.witness.call("GET", "/sync-groups/g")
    spec = {name: group[name] for name in ("members", "mode")}
    fleet.witness.call("DELETE", "/sync-groups/g")
    wait_for(lambda: ask(fleet, "h2", {"op": "list"})[0] == 1, "access ends")
    fleet.witness.call("PUT", "/sync-groups/g", spec)
    wait_for(lambda: ask(fleet, "h2", {"op": "list"})[0] == 0, "access comes back")


def test_the_hosts_own_allow_list_comes_before_the_witness(fleet: Fleet) -> None:
    members = [
        {"system": "h1", "dataset": "tank/secret", "role": "source"},
        {"system": "h2", "dataset": "backup/secret", "role": "target"},
    ]
    fleet.witness.call("PUT", "/sync-groups/stolen", {"members": members, "mode": "manual"})
    asked = {"op": "list", "edge": "stolen:h2:backup/secret"}
    wait_for(lambda: code_of(ask(fleet, "h2", asked)[2]) == "E_NOT_ALLOWED_HERE", "the edge is known and refused")
    _, _, said = ask(fleet, "h2", asked)
    assert "tank/secret" in said
    assert "/etc/zfs-sync/agent.conf" in said
    fleet.witness.call("DELETE", "/sync-groups/stolen")


def test_a_send_ends_when_the_peer_hangs_up(fleet: Fleet) -> None:
    _, out, _ = ask(fleet, "h2", {"op": "list"})
    guid = json.loads(out)["dataset"]["add"][-1]["guid"]
    request = json.dumps({"v": 1, "op": "send", "edge": EDGE, "relative": "", "to_guid": guid})
    reader = f"(echo '{request}'; sleep 30) | {LOGIN} zfs-sync@h1 | (head -c 1000 >/dev/null; sleep 30)"
    fleet.host("h2").ssh(
        f'nohup setsid sh -c "{reader.replace(chr(34), chr(92) + chr(34))}" >/dev/null 2>&1 & echo $! >/tmp/reader'
    )
    sends = ["pgrep", "-x", "zfs"]
    wait_for(lambda: fleet.host("h1").ssh(sends, check=False).stdout, "the send runs")
    fleet.host("h2").ssh("kill -9 -- -$(cat /tmp/reader)")
    wait_for(lambda: not fleet.host("h1").ssh(sends, check=False).stdout, "the send has ended")


def test_without_an_agent_the_peer_hears_so(fleet: Fleet) -> None:
    host = fleet.host("h1")
    host.ssh(["systemctl", "stop", "zfs-sync-agent"])
    status, _, said = ask(fleet, "h2", {"op": "list"})
    assert (status, code_of(said)) == (75, "E_AGENT_NOT_RUNNING")
    measure = (
        "import resource, subprocess\n"
        "for _ in range(10):\n"
        "    subprocess.run(['zfs-sync-agent', 'gate', '--peer', 'h2'], stderr=subprocess.DEVNULL)\n"
        "used = resource.getrusage(resource.RUSAGE_CHILDREN)\n"
        "print((used.ru_utime + used.ru_stime) * 100)"
    )
    milliseconds = float(host.ssh(["python3", "-c", measure]).stdout)
    host.ssh(["systemctl", "start", "zfs-sync-agent"])
    print(f"gate: {milliseconds:.0f} ms of CPU")
