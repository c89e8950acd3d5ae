# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""A host in other hands asks its peers for all that there is, with the key that it has: it gets its own edge's data."""

import itertools
import json
import random
import shlex
from typing import Any

import pytest

from tests.integration.agent.fleet import wait_for
from tests.integration.attacks.stage import CANARY, EDGES, KEY, STATE, Attacker
from tests.unit.agent.gate_requests import request_lines

pytestmark = [pytest.mark.lab, pytest.mark.timeout(600)]

OPERATIONS = (
    "list", "estimate", "send", "receive", "destroy", "rollback", "rename", "snapshot", "hold", "release", "set",
    "exec", "shell", "gate", "",
)  # fmt: skip
RELATIVES = ("", "2026", "child", "../diary", "..", "/tank/secret", "secret", "@one", "diary", "-R", "2026/../..")
LOGIN = (
    f"ssh -F none -i {KEY} -o BatchMode=yes -o StrictHostKeyChecking=yes -o ControlPath=none"
    f" -o UserKnownHostsFile={STATE}/ssh/known_hosts"
)
ASK_ALL = f"""
import json, subprocess, sys
for line in sys.stdin:
    host, request = json.loads(line)
    done = subprocess.run([*{LOGIN.split()!r}, "-o", "ControlPath=/tmp/%C", "-o", "ControlMaster=auto",
        "-o", "ControlPersist=5", "zfs-sync@" + host], input=request.encode(), capture_output=True)
    print(json.dumps([host, request, done.returncode, done.stdout.decode("latin1"), done.stderr.decode("latin1")]))
""".replace('"-o", "ControlPath=none", ', "")
OWN = {("h1", EDGES["photos"]): "tank/photos/", ("h3", EDGES["outbox"]): "safe/outbox/"}
"""Where h2 may ask, and the datasets that lie there: it reads the one edge, and pushes along the other."""


def guids(attacker: Attacker) -> list[str]:
    """Of every snapshot of both peers, wherever it is."""
    found = []
    for host, pool in (("h1", "tank"), ("h3", "safe")):
        said = attacker.fleet.host(host).ssh(["zfs", "get", "-rHp", "-o", "name,value", "guid", pool]).stdout
        found += [line.split("\t")[1] for line in said.splitlines() if "@" in line]
    return found


def asked(attacker: Attacker, requests: list[tuple[str, str]]) -> list[Any]:
    """What the peers' gates answered to these requests: host, request, status, output, error."""
    lines = "".join(json.dumps(each) + "\n" for each in requests)
    script = ASK_ALL.replace("'-o', 'ControlPath=none', ", "")
    done = attacker.host.ssh(["python3", "-c", script], input=lines.encode(), timeout_seconds=500)
    return [tuple(json.loads(line)) for line in done.stdout.splitlines()]


def test_every_operation_on_every_edge_and_dataset_gives_its_own_edge_only(attacker: Attacker) -> None:
    known = guids(attacker)
    before = attacker.look("h1", "h3")
    requests: list[tuple[Any, ...]] = []
    places = list(itertools.product(("h1", "h3"), [*EDGES.values(), "none"], RELATIVES))
    for host, edge, relative in random.sample(places, 50):
        operation, to, base = random.choice(OPERATIONS[:3]), random.choice(known), random.choice([None, *known])
        requests.append((host, edge, relative, operation, to, base))
    requests += [
        (host, edge, "", operation, random.choice(known), None)
        for operation, host in itertools.product(OPERATIONS, ("h1", "h3"))
        for edge in random.sample(list(EDGES.values()), 1)
    ]
    lines = [
        (
            host,
            json.dumps({"v": 1, "op": op, "edge": edge, "relative": relative, "to_guid": to, "base_guid": base}) + "\n",
        )
        for host, edge, relative, op, to, base in requests
    ]
    answers = asked(attacker, lines)
    assert len(answers) == len(lines)
    for host, request, status, out, said in answers:
        wanted = json.loads(request)
        if (host, wanted["edge"]) not in OWN:
            assert (status, out) == (1, ""), request
            assert "zfs-sync-gate: " in said, request
        elif status == 0 and wanted["op"] == "list":
            found = json.loads(out)["dataset"]
            assert found is None or f"{found['path']}/".startswith(OWN[host, wanted["edge"]])
        else:
            assert wanted["op"] in ("estimate", "send") or status == 1, request
    assert attacker.changes(before) == []


def test_what_it_may_read_is_read(attacker: Attacker) -> None:
    """The attack above would pass at peers that answer nothing at all."""
    listed = {"v": 1, "op": "list", "edge": EDGES["photos"], "relative": ""}
    ((*_, out, _),) = asked(attacker, [("h1", json.dumps(listed) + "\n")])
    guid = json.loads(out)["dataset"]["add"][-1]["guid"]
    sent = {**listed, "op": "send", "to_guid": guid}
    ((_, _, status, stream, _),) = asked(attacker, [("h1", json.dumps(sent) + "\n")])
    assert status == 0
    assert CANARY in stream


def test_random_requests_get_its_own_edge_only(attacker: Attacker) -> None:
    chance = random.Random(random.random())
    before = attacker.look("h1", "h3")
    valid = {"v": 1, "edge": EDGES["diary"], "relative": "", "to_guid": random.choice(guids(attacker))}
    lines = [line.decode("latin1") + "\n" for line in request_lines(chance, valid, 60)]
    answers = asked(attacker, [(chance.choice(("h1", "h3")), line) for line in lines])
    assert [each for each in answers if each[2] == 0 or each[3]] == []
    assert attacker.changes(before) == []


TRIES = {
    "a shell": "{login} zfs-sync@h1 'touch /tmp/pwned; cat /tank/secret/canary'",
    "a terminal": "{login} -tt zfs-sync@h1 sh",
    "sftp": "sftp -F none {options} zfs-sync@h1:/etc/passwd /tmp/stolen",
    "a subsystem": "{login} -s zfs-sync@h1 sftp",
    "scp, as it was": "scp -O -F none {options} zfs-sync@h1:/etc/passwd /tmp/stolen",
    "scp": "scp -F none {options} zfs-sync@h1:/etc/passwd /tmp/stolen",
    "scp there": "scp -O -F none {options} /etc/hostname zfs-sync@h1:/tmp/pwned",
    "rsync": "rsync -e '{login}' zfs-sync@h1:/etc/passwd /tmp/stolen",
    "another name": "{login} zfs-sync@h1 zfs-sync-agent gate --peer h3",
    "an option": "{login} zfs-sync@h1 -- --peer h3 --socket /tmp/other",
    "root": "{login} root@h1 id",
    "the environment": "PYTHONINSPECT=1 PYTHONPATH=/tmp LD_PRELOAD=/tmp/x BASH_ENV=/tmp/x LC_ALL='$(touch /tmp/pwned)'"
    " {login} -o SendEnv='PYTHON* LD_* BASH_ENV LC_* LANG' zfs-sync@h1 id",
    "a set variable": "{login} -o SetEnv='PYTHONINSPECT=1' zfs-sync@h1 id",
    "a way through": "{login} -W localhost:22 zfs-sync@h1",
    "a jump": "ssh -F none -o ProxyCommand='{login} -W h3:22 zfs-sync@h1' {options} zfs-sync@h3 id",
}
"""Ways out of the forced command. None of them has a request for the gate on its standard input."""


@pytest.mark.parametrize("name", TRIES)
def test_there_is_no_way_around_the_gate(attacker: Attacker, name: str) -> None:
    command = TRIES[name].format(login=LOGIN, options=LOGIN.removeprefix("ssh -F none "))
    done = attacker.host.ssh(f"timeout 5 {command} </dev/null", check=False)
    assert done.returncode != 0
    assert CANARY not in done.stdout
    assert "uid=" not in done.stdout
    assert "root:" not in done.stdout
    assert attacker.host.ssh(["test", "-e", "/tmp/stolen"], check=False).returncode == 1
    assert attacker.fleet.host("h1").ssh(["test", "-e", "/tmp/pwned"], check=False).returncode == 1


FORWARDS = {
    "127.0.0.1:9001": "-L 127.0.0.1:9001:localhost:22",
    "127.0.0.1:9002": "-L 127.0.0.1:9002:controller:8462",
    "127.0.0.1:9003": "-L 127.0.0.1:9003:/run/zfs-sync/gate.sock",
    "/tmp/forwarded": "-L /tmp/forwarded:/run/zfs-sync/gate.sock",
    "127.0.0.1:9004": "-D 127.0.0.1:9004",
}
FORWARD = f"""
import json, os, socket, subprocess, sys, time
forwards = json.load(sys.stdin)
gate = subprocess.Popen({LOGIN.split()!r} + " ".join(forwards.values()).split() + ["zfs-sync@h1"],
    stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
deadline = time.monotonic() + 10
while not os.path.exists("/tmp/forwarded") and time.monotonic() < deadline:
    time.sleep(0.05)
answers = {{}}
for place, option in forwards.items():
    host, _, port = place.partition(":")
    with socket.socket(socket.AF_INET if port else socket.AF_UNIX) as talk:
        talk.settimeout(5)
        try:
            talk.connect((host, int(port)) if port else place)
            if option.startswith("-D"):
                talk.sendall(bytes([5, 1, 0]))
                talk.recv(2)
                talk.sendall(bytes([5, 1, 0, 1, 127, 0, 0, 1, 0, 22]))
                talk.recv(10)
            else:
                talk.sendall(b'{{"peer": "h3"}}\\n')
            answers[place] = talk.recv(100).decode("latin1")
        except ConnectionError:
            answers[place] = ""
gate.kill()
print(json.dumps([answers, gate.stderr.read().decode()]))
"""


def test_nothing_is_forwarded_from_a_peer(attacker: Attacker) -> None:
    """While a gate is kept open, whose request does not come."""
    done = attacker.host.ssh(["python3", "-c", FORWARD], input=json.dumps(FORWARDS).encode())
    answers, said = json.loads(done.stdout)
    assert answers == dict.fromkeys(FORWARDS, "")
    assert said.count("open failed: ") == len(FORWARDS), said


@pytest.mark.parametrize("back", ["-R 127.0.0.1:9002:localhost:22", "-R /tmp/back:localhost:22"])
def test_nothing_is_forwarded_into_a_peer(attacker: Attacker, back: str) -> None:
    done = attacker.host.ssh(
        f"timeout 8 {LOGIN} -o ExitOnForwardFailure=yes {back} zfs-sync@h1 </dev/null", check=False
    )
    assert "forwarding failed" in done.stderr
    peer = attacker.fleet.host("h1")
    assert peer.ssh(["ss", "-Hltn", "sport = 9002"]).stdout == ""
    assert peer.ssh(["test", "-e", "/tmp/back"], check=False).returncode == 1


HELD_OPEN = """
for each in $(seq {count}); do
  (while :; do ({first}; sleep 60) | {login} zfs-sync@h1 2>/dev/null | sleep 60; sleep 0.2; done) &
done; wait
"""


@pytest.mark.parametrize(
    "first",
    [
        pytest.param("echo {send}", id="a stream that nobody reads"),
        pytest.param("true", id="no request", marks=pytest.mark.long),
    ],
)
def test_gates_that_are_held_open_keep_nobody_else_waiting(attacker: Attacker, first: str) -> None:
    fleet, peer = attacker.fleet, attacker.fleet.host("h1")
    newest = fleet.guids("h1", "tank/photos")[-1]
    send = {"v": 1, "op": "send", "edge": EDGES["photos"], "relative": "", "to_guid": newest}
    script = HELD_OPEN.format(count=40, login=LOGIN, first=first.format(send=shlex.quote(json.dumps(send))))
    attacker.host.put(script.encode(), "/root/held-open")
    attacker.host.ssh(["systemd-run", "--quiet", "--unit=held-open", "bash", "/root/held-open"])
    try:
        served = "ps -u zfs-sync -o args= | grep -c '[g]ate --peer h2' || true"
        wait_for(lambda: int(peer.ssh(served).stdout) >= 30, "the gates are open", 60)
        name = f"during-{random.randrange(1 << 30)}"
        peer.ssh(["zfs", "snapshot", f"tank/diary@{name}"])
        there = ["zfs", "list", "-H", "-t", "snapshot", "-o", "name", f"safe/diary@{name}"]
        wait_for(lambda: fleet.host("h3").ssh(there, check=False).returncode == 0, "h3 gets what is new", 60)
        wait_for(lambda: int(peer.ssh(served).stdout) >= 20, "and they go on", 60)
    finally:
        attacker.host.ssh(["systemctl", "stop", "held-open"], check=False)
    wait_for(lambda: peer.ssh(["pgrep", "-x", "zfs"], check=False).returncode == 1, "nothing is sent any more")
