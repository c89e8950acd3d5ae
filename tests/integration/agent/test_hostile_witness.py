# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""An agent whose witness means harm: what is no name is refused, what is not allowed is refused, nothing executes."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.agent.fleet import PACKAGE, Fleet, wait_for

pytestmark = pytest.mark.lab

PROGRAM = Path(__file__).with_name("hostile_witness.py")
PORT = 8470
STATE = "/var/lib/zfs-sync/agent"
TOUCH = "touch /tmp/pwned"
SETTINGS = {"heartbeat_seconds": 2, "lease_seconds": 60, "progress_seconds": 1}
PEER = {"system": "h1", "host": "h1", "user": "zfs-sync", "port": 22}
EDGE: dict[str, Any] = {
    "id": "g:h3:x",
    "group": "g",
    "role": "to",
    "from_system": "h1",
    "from_root": "tank/data",
    "to_system": "h3",
    "to_root": "safe/in",
    "recursive": True,
    "peer": PEER,
}
PUSH: dict[str, Any] = {
    **EDGE,
    "role": "from",
    "direction": "push",
    "from_system": "h3",
    "from_root": "safe/out",
    "to_system": "h1",
    "to_root": "tank/data",
}
LOCAL: dict[str, Any] = {**EDGE, "role": "local", "from_system": "h3", "from_root": "safe/out", "peer": None}
STEP = {"op": "receive", "base_guid": None, "to_guid": "1"}
NONSENSE: dict[str, dict[str, Any]] = {
    "relative-up": {"relative": "../secret"},
    "relative-shell": {"relative": f"x; {TOUCH}"},
    "relative-lines": {"relative": f"a\n{TOUCH}"},
    "relative-substitution": {"relative": f"$({TOUCH})"},
    "relative-above": {"relative": "a/../../secret"},
    "relative-absolute": {"relative": "/secret"},
    "relative-snapshot": {"relative": "own@one"},
    "relative-null": {"relative": "own\0/secret"},
    "target-shell": {"edge": {**EDGE, "to_root": f"$({TOUCH})"}},
    "target-option": {"edge": {**EDGE, "to_root": "-F"}},
    "target-up": {"edge": {**EDGE, "to_root": "safe/in/../secret"}},
    "target-lines": {"edge": {**LOCAL, "to_root": f"safe/in\n{TOUCH}"}},
    "target-too-long": {"edge": {**LOCAL, "to_root": f"safe/in/{'n' * 255}"}},
    "source-shell": {"edge": {**LOCAL, "from_root": f"safe/out; {TOUCH}"}},
    "source-option": {"edge": {**LOCAL, "from_root": "-F"}},
    "source-substitution": {"edge": {**LOCAL, "from_root": f"safe/`{TOUCH}`"}},
    "source-snapshot": {"edge": {**LOCAL, "from_root": "safe/out@one"}},
    "host-option": {"edge": {**EDGE, "peer": {**PEER, "host": f"-oProxyCommand={TOUCH}"}}},
    "host-words": {"edge": {**EDGE, "peer": {**PEER, "host": f"h1 -oProxyCommand={TOUCH}"}}},
    "host-lines": {"edge": {**EDGE, "peer": {**PEER, "host": f"h1\nProxyCommand {TOUCH}"}}},
    "host-substitution": {"edge": {**EDGE, "peer": {**PEER, "host": f"$({TOUCH})"}}},
    "peer-up": {"edge": {**EDGE, "peer": {**PEER, "system": "../../root/.ssh/authorized_keys"}}},
    "user-words": {"edge": {**EDGE, "peer": {**PEER, "user": f"root -oProxyCommand={TOUCH}"}}},
    "user-option": {"edge": {**EDGE, "peer": {**PEER, "user": f"-oProxyCommand={TOUCH}"}}},
    "port": {"edge": {**EDGE, "peer": {**PEER, "port": f"22 -oProxyCommand={TOUCH}"}}},
    "group-lines": {"edge": {**EDGE, "group": f"g\n{TOUCH}"}},
    "group-option": {"edge": {**EDGE, "group": "-F"}},
    "system-up": {"edge": {**EDGE, "from_system": "../h1"}},
    "another-step": {"steps": [{**STEP, "op": "destroy"}]},
    "more-in-a-step": {"steps": [{**STEP, "flags": ["-F"]}]},
    "guid-shell": {"steps": [{**STEP, "to_guid": f"1; {TOUCH}"}]},
    "guid-option": {"steps": [{**STEP, "to_guid": "-F"}]},
    "guid-too-large": {"steps": [{**STEP, "to_guid": str(1 << 64)}]},
    "base-lines": {"steps": [{**STEP, "base_guid": f"1\n{TOUCH}"}]},
    "epoch-shell": {"epoch": f"1; {TOUCH}"},
    "command": {"command": TOUCH},
    "step-back": {"steps": [{"op": "rollback", "to_guid": "1"}]},
    "step-aside": {"steps": [{**STEP, "op": "rename", "to": "safe/secret"}]},
    "both-ways": {"edge": {**EDGE, "direction": "both"}},
    "jump-command": {"edge": {**EDGE, "peer": {**PEER, "jump": f"x -oProxyCommand={TOUCH}"}}},
    "property-option": {"edge": {**LOCAL, "properties": {"-F": "on"}}},
    "pattern-without-end": {"edge": {**LOCAL, "selection": {"exclude": ["*" * 5_000]}}},
}
UNLAWFUL: dict[str, tuple[dict[str, Any], str]] = {
    "not-allowed-target": ({"edge": {**LOCAL, "to_root": "safe/secret"}}, "E_NOT_ALLOWED_HERE"),
    "not-allowed-source": ({"edge": {**LOCAL, "from_root": "safe/secret"}}, "E_NOT_ALLOWED_HERE"),
    "outside-by-likeness": ({"edge": {**LOCAL, "to_root": "safe/in-too"}}, "E_NOT_ALLOWED_HERE"),
    "edge-of-another": ({"edge": {**EDGE, "to_system": "h2"}}, "E_EDGE_UNKNOWN"),
    "sending-end": ({"edge": {**EDGE, "role": "from"}}, "E_EDGE_UNKNOWN"),
    "not-recursive": ({"edge": {**LOCAL, "recursive": False}, "relative": "a"}, "E_EDGE_UNKNOWN"),
    "peer-without-trust": ({"relative": "a"}, "E_HOST_KEY_UNKNOWN"),
    "no-such-snapshot": ({"edge": LOCAL, "relative": "new"}, "E_SOURCE_GONE"),
    "named-as-an-option": ({"edge": LOCAL, "relative": "-F"}, "E_SOURCE_GONE"),
    "data-of-its-own": ({"edge": LOCAL, "relative": "own"}, "E_TARGET_UNMANAGED"),
    "mark-of-another": ({"edge": LOCAL, "relative": "marked"}, "E_TARGET_UNMANAGED"),
    "taken-over": ({"edge": {**LOCAL, "takeover": True}, "relative": "own"}, "E_TARGET_UNMANAGED"),
    "peers-of-one-who-only-receives": ({"edge": {**LOCAL, "peers": True}, "relative": "own"}, "E_NOT_ALLOWED_HERE"),
    "swapped-ends": (
        {"edge": {**LOCAL, "from_root": "safe/in", "to_root": "safe/out"}, "relative": "own"},
        "E_NOT_ALLOWED_HERE",
    ),
    "onto-itself": ({"edge": {**LOCAL, "from_root": "safe/in"}, "relative": "own"}, "E_NOT_ALLOWED_HERE"),
    "filtered-out": ({"edge": {**LOCAL, "selection": {"exclude": ["own"]}}, "relative": "own"}, "E_EDGE_UNKNOWN"),
    "root-left-out": ({"edge": {**LOCAL, "selection": {"include_root": False}}}, "E_EDGE_UNKNOWN"),
    "mountpoint": ({"edge": {**LOCAL, "properties": {"mountpoint": "/etc"}}, "relative": "new"}, "E_VALIDATION"),
    "property-lines": ({"edge": {**LOCAL, "properties": {"readonly": f"on\n{TOUCH}"}}}, "E_VALIDATION"),
    "pushed-to-this-host": ({"edge": {**EDGE, "direction": "push"}}, "E_EDGE_UNKNOWN"),
    "pushed-for-another": ({"edge": {**PUSH, "from_system": "h2"}}, "E_EDGE_UNKNOWN"),
    "pushed-secret": ({"edge": {**PUSH, "from_root": "safe/secret"}}, "E_NOT_ALLOWED_HERE"),
    "pushed-what-only-receives": ({"edge": {**PUSH, "from_root": "safe/in"}}, "E_NOT_ALLOWED_HERE"),
    "pushed-without-trust": ({"edge": PUSH}, "E_HOST_KEY_UNKNOWN"),
    "another-port": (
        {"edge": {**EDGE, "peer": {**PEER, "port": 2222}}, "relative": "b"},
        "E_HOST_KEY_UNKNOWN|E_PEER_UNREACHABLE",
    ),
    "another-account": ({"edge": {**EDGE, "peer": {**PEER, "user": "root"}}, "relative": "c"}, "E_HOST_KEY_UNKNOWN"),
    "another-host": ({"edge": {**EDGE, "peer": {**PEER, "host": "h2"}}, "relative": "d"}, "E_HOST_KEY_UNKNOWN"),
    "itself-as-a-peer": (
        {"edge": {**EDGE, "peer": {**PEER, "host": "127.0.0.1"}}, "relative": "e"},
        "E_HOST_KEY_UNKNOWN",
    ),
}
WORKS: list[Any] = [
    [],
    {"system": "h3"},
    {"system": f"h3; {TOUCH}", "settings": SETTINGS},
    {"system": "h3", "settings": {**SETTINGS, "heartbeat_seconds": -1}},
    {"system": "h3", "settings": SETTINGS, "edges": [{**EDGE, "from_root": f"tank/`{TOUCH}`"}]},
    {"system": "h3", "settings": SETTINGS, "run": TOUCH},
]


def claims() -> dict[str, Any]:
    found = {}
    for job, change in [*NONSENSE.items(), *((job, change) for job, (change, _) in UNLAWFUL.items())]:
        whole = {"id": job, "epoch": 1, "lease_seconds": 60, "edge": EDGE, "relative": "", "steps": [STEP], **change}
        found[job] = {"nonsense": job in NONSENSE, "claim": whole}
    return found


@pytest.fixture
def fleet(bare_fleet: Fleet) -> Iterator[Fleet]:
    """h3 listens to a witness on its own loopback that means harm."""
    fleet = bare_fleet
    host = fleet.host("h3")
    for dataset in ("in", "in/own", "in/marked", "out", "out/own", "out/marked", "out/new", "secret"):
        host.ssh(["zfs", "create", f"safe/{dataset}"])
    host.ssh(["zfs", "set", "zfs-sync:group=another", "safe/in/marked"])
    host.ssh("echo mine >/safe/in/own/mine; echo secret >/safe/secret/secret; zfs snapshot -r safe@one")
    script = {"settings": SETTINGS, "works": WORKS, "edges": [LOCAL], "claims": claims()}
    host.put(json.dumps(script).encode(), "/root/script.json")
    host.put(PROGRAM, "/root/hostile_witness.py")
    program = ["python3", "/root/hostile_witness.py", "/root/script.json", "/root/log", str(PORT)]
    host.ssh(["systemd-run", "--unit=hostile-witness", "--quiet", *program])
    allow = [{"dataset": "safe/in", "operations": ["receive"]}, {"dataset": "safe/out", "operations": ["send"]}]
    fleet.witness.apply({"version": 1, "systems": {"h3": {}}})
    config = fleet.configure("h3", allow, witness={"url": f"http://127.0.0.1:{PORT}"})
    host.put(fleet.package, PACKAGE, 0o755)
    wait_for(lambda: host.ssh(["ss", "-Hltn", f"sport = {PORT}"]).stdout, "the hostile witness listens")
    document = {"config": config, "enrol_key": fleet.witness.enrol_key("h3")}
    fleet.installer("h3", "install", "--document", "-", document=document)
    wait_for(lambda: host.ssh(["test", "-s", f"{STATE}/agent.key"], check=False).returncode == 0, "it is enrolled")
    yield fleet
    host.ssh(["systemctl", "stop", "hostile-witness"])


def said(fleet: Fleet) -> list[dict[str, Any]]:
    return [json.loads(line) for line in fleet.host("h3").ssh(["cat", "/root/log"]).stdout.splitlines()]


def pools(fleet: Fleet) -> str:
    return (
        fleet.host("h3").ssh(["zfs", "get", "-rHp", "-o", "name,property,value", "guid,zfs-sync:group", "safe"]).stdout
    )


def test_nothing_that_a_hostile_witness_says_executes(fleet: Fleet) -> None:
    host = fleet.host("h3")
    before, process = pools(fleet), host.ssh(["systemctl", "show", "-P", "MainPID", "zfs-sync-agent"]).stdout

    def finished() -> dict[str, Any]:
        return {each["path"].split("/")[4]: each["body"] for each in said(fleet) if each["path"].endswith("/finish")}

    def untried() -> set[str]:
        claimed = {each["path"].split("/")[4] for each in said(fleet) if each["path"].endswith("/claim")}
        return (UNLAWFUL.keys() - finished().keys()) | (NONSENSE.keys() - claimed)

    try:
        wait_for(lambda: not untried(), "everything was tried", 180)
    except AssertionError as error:
        raise AssertionError(f"not tried: {sorted(untried())}\n{fleet.journal('h3')[-3000:]}") from error
    ended = finished()
    assert ended.keys() == UNLAWFUL.keys()
    cancelled = {job for job, body in ended.items() if body["result"] == "cancelled"}
    assert cancelled <= {job for job, (change, _) in UNLAWFUL.items() if change.get("edge", EDGE) != LOCAL}
    assert {body["result"] for body in ended.values()} <= {"failed", "cancelled"}
    codes = {job: body["error"]["code"] for job, body in ended.items()}
    other = {job: code for job, code in codes.items() if code not in UNLAWFUL[job][1].split("|")}
    assert {job: code for job, code in other.items() if (job in cancelled, code) != (True, "E_CANCELLED")} == {}
    refused = {each.get("ZFS_SYNC_JOB") for each in fleet.entries("h3", "ZFS_SYNC_CODE=E_WITNESS_UNREACHABLE")} - {None}
    assert refused == set(NONSENSE)
    assert pools(fleet) == before
    for name in ("h1", "h3"):
        assert fleet.host(name).ssh(["test", "-e", "/tmp/pwned"], check=False).returncode == 1
    assert host.ssh(["cat", "/safe/in/own/mine"]).stdout == "mine\n"
    assert host.ssh(["systemctl", "show", "-P", "MainPID", "zfs-sync-agent"]).stdout == process
