# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""A host in other hands talks to the witness with the key that it has: it speaks for itself and for nobody else."""

import secrets
from typing import Any

import pytest

from tests.integration.agent.fleet import wait_for
from tests.integration.attacks.stage import Attacker
from zfs_sync.core import tokens

pytestmark = [pytest.mark.lab, pytest.mark.timeout(600)]

V1 = "/api/v1"
OTHERS = ("h1", "h3", "none")
OWN = {("get", f"{V1}/systems/{{name}}/work"), ("post", f"{V1}/systems/{{name}}/heartbeat")}
JOB_OF_OTHERS = {"E_JOB_NOT_YOURS", "E_JOB_NOT_FOUND"}


def routes(attacker: Attacker) -> list[tuple[str, str, dict[str, Any]]]:
    """Method, path and description of every route that takes a key."""
    document = attacker.call("GET", f"{V1}/openapi.json").json()
    found = [(method, path, said) for path, methods in document["paths"].items() for method, said in methods.items()]
    return [each for each in found if each[2].get("security")]


def words(attacker: Attacker, system: str = "h3") -> dict[str, Any]:
    """A body in which each route for agents finds what it asks for."""
    return attacker.own(
        generation=f"forged-{secrets.token_hex(4)}",
        kind="full",
        seq=0,
        last=True,
        host={"platform": "linux", "hostname": system},
    )


def test_no_route_of_another_role_opens_for_its_key(attacker: Attacker) -> None:
    walked = routes(attacker)
    assert len(walked) > 30
    for method, path, said in walked:
        if "agent" in said["description"].rpartition("Role: ")[2]:
            continue
        place = path.replace("{name}", "h2").replace("{key_id}", tokens.parse(attacker.token).lookup)
        place = place.replace("{job_id}", "x").replace("{id}", "x")
        answer = attacker.call(method.upper(), place, {} if method != "get" else None)
        assert (answer.status_code, answer.json()["code"]) == (403, "E_FORBIDDEN"), f"{method} {path}: {answer.text}"


def test_it_speaks_for_no_other_system(attacker: Attacker) -> None:
    witness = attacker.fleet.witness
    before = {name: witness.call("GET", f"/systems/{name}") for name in ("h1", "h3")}
    tried = 0
    for method, path, said in routes(attacker):
        if "{name}" not in path or "agent" not in said["description"].rpartition("Role: ")[2]:
            continue
        for name in OTHERS:
            forged = words(attacker, name)
            beat = {key: forged[key] for key in ("protocol", "installation", "agent_version")}
            for body in (forged, beat) if method == "post" else (None,):
                answer = attacker.call(method.upper(), path.replace("{name}", name), body)
                assert answer.status_code in (403, 422), f"{method} {path} for {name}: {answer.text}"
                assert answer.json()["code"] in ("E_FORBIDDEN", "E_VALIDATION")
                tried += answer.status_code == 403
    assert tried >= 3 * len(OTHERS)
    for name, was in before.items():
        now = witness.call("GET", f"/systems/{name}")
        for key in ("spec", "ssh", "owner", "installation", "hostname"):
            assert now.get(key) == was.get(key)


def test_a_report_cannot_name_another_system_or_source(attacker: Attacker) -> None:
    """What it says of datasets is said of its own; the groups stay as they were declared."""
    witness = attacker.fleet.witness
    groups = witness.call("GET", "/sync-groups")
    wait_for(lambda: set(witness.outcomes("diary").values()) == {"IN_SYNC"}, "nothing is under way")
    shown = {name: witness.call("GET", f"/status?group={name}")["items"] for name in ("diary",)}
    lie = {"path": "tank/diary", "guid": "1", "type": "filesystem", "marker": "diary"}
    lie["add"] = [{"guid": str(each), "createtxg": str(each), "name": f"s{each}"} for each in range(1, 5)]
    body = words(attacker, "h1") | {"datasets": [lie, {**lie, "path": "safe/diary"}]}
    body["pools"] = [{"name": "tank", "guid": "1"}, {"name": "safe", "guid": "2"}]
    assert attacker.call("POST", f"{V1}/systems/h2/reports", body).status_code == 200
    assert attacker.call("POST", f"{V1}/systems/h2/reports", {**body, "system": "h1"}).status_code == 422
    assert witness.call("GET", "/sync-groups") == groups
    now = witness.call("GET", "/status?group=diary")["items"]
    facts = ("edge", "relative", "outcome", "source_head", "target_head")
    assert [[each.get(key) for key in facts] for each in now] == [
        [each.get(key) for key in facts] for each in shown["diary"]
    ]
    attacker.datasets.clear()
    assert attacker.report("honest", "later").status_code == 200


def test_no_job_of_another_is_taken_told_of_or_ended(attacker: Attacker) -> None:
    witness = attacker.fleet.witness
    jobs = {each["id"]: each for each in witness.call("GET", "/jobs?group=diary")["items"]}
    assert jobs
    bodies = {
        "claim": {"installation": attacker.installation},
        "progress": {"epoch": 1, "bytes_done": 1},
        "finish": {"epoch": 1, "result": "failed"},
    }
    for job in [*jobs, "0123456789abcdef"]:
        for word, body in bodies.items():
            answer = attacker.call("POST", f"{V1}/jobs/{job}/{word}", body)
            assert answer.json()["code"] in JOB_OF_OTHERS, answer.text
    assert {each["id"]: each for each in witness.call("GET", "/jobs?group=diary")["items"]} == jobs


def test_a_job_of_a_group_that_it_feeds_is_not_its_own(attacker: Attacker) -> None:
    """h2 is the source of inbox, and h3 runs its jobs."""
    jobs = attacker.fleet.witness.call("GET", "/jobs?group=inbox")["items"]
    assert jobs
    for job in jobs:
        answer = attacker.call("POST", f"{V1}/jobs/{job['id']}/claim", {"installation": attacker.installation})
        assert answer.json()["code"] == "E_JOB_NOT_YOURS"


def enrolment(attacker: Attacker, system: str) -> dict[str, Any]:
    own = tokens.mint("agent", secrets.token_bytes)
    return attacker.own(system=system, token_lookup=own.lookup, token_sha256=own.sha256)


def test_no_other_agent_is_enrolled_with_its_keys(attacker: Attacker) -> None:
    fleet = attacker.fleet
    for system in ("h1", "h2", "h3"):
        answer = attacker.call("POST", f"{V1}/enrol", enrolment(attacker, system))
        assert answer.json()["code"] == "E_FORBIDDEN", "an agent's key is no enrol key"
    key = fleet.witness.enrol_key("h2")
    for system in ("h1", "h3", "none"):
        answer = attacker.call("POST", f"{V1}/enrol", enrolment(attacker, system), token=key)
        assert answer.json()["code"] == "E_FORBIDDEN"
    answer = attacker.call("POST", f"{V1}/api-keys", {"name": "x", "role": "enrol", "system": "h1"}, token=key)
    assert answer.json()["code"] == "E_FORBIDDEN"
    witness = fleet.witness
    found = next(each for each in witness.call("GET", "/api-keys")["items"] if each["id"] == tokens.parse(key).lookup)
    witness.call("DELETE", f"/api-keys/{found['id']}")
    answer = attacker.call("POST", f"{V1}/enrol", enrolment(attacker, "h2"), token=key)
    assert answer.json()["code"] == "E_UNAUTHENTICATED"


def test_a_key_of_another_kind_is_not_made_from_its_own(attacker: Attacker) -> None:
    """The kind is part of the key's text, and so is a checksum that anybody can compute."""
    secret = tokens.parse(attacker.token)
    for kind in ("admin", "operator", "viewer", "enrol"):
        body = attacker.token[:-6].replace("zs_agent_", f"zs_{kind}_")
        forged = body + tokens._checksum(body)
        assert tokens.parse(forged).lookup == secret.lookup
        assert attacker.call("GET", f"{V1}/systems", token=forged).json()["code"] == "E_UNAUTHENTICATED"


@pytest.mark.parametrize("name", ["..%2fh1", "h2%2f..%2fh1", "H1", "h1%00", "h1/", "h2/../h1"])
def test_a_name_that_becomes_another_in_a_path_is_none(attacker: Attacker, name: str) -> None:
    beat = {key: words(attacker)[key] for key in ("protocol", "installation", "agent_version")}
    answer = attacker.call("POST", f"{V1}/systems/{name}/heartbeat", beat)
    assert answer.status_code in (403, 404, 405), answer.text
