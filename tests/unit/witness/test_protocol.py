# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""An agent of the protocol before is served: its messages as it sends them, its answers as it takes them, strictly.

``protocol-1.json`` is what the program of protocol 1 said of the answers that its agents take.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_type_hints

import jsonschema
import pytest
from sqlalchemy import update
from starlette.testclient import TestClient

from tests.unit.witness.conftest import Api
from tests.unit.witness.documents import fleet
from zfs_sync.api import PROTOCOL, reports, work
from zfs_sync.api.protocol import HEADER, Since, served, told
from zfs_sync.core import tokens
from zfs_sync.witness.db.database import Database
from zfs_sync.witness.db.observed import hosts

SCHEMAS = json.loads((Path(__file__).parent / "protocol-1.json").read_text())
ANSWERS = {name: getattr(work, name, None) or getattr(reports, name) for name in SCHEMAS}
ONE = {HEADER: "1"}


def report(generation: str, *datasets: dict[str, Any]) -> dict[str, Any]:
    """A full report as an agent of protocol 1 sends it."""
    return {
        "protocol": 1,
        "installation": "old",
        "generation": generation,
        "base_generation": None,
        "kind": "full",
        "seq": 0,
        "last": True,
        "agent_version": "0.1.0",
        "host": {"platform": "linux", "hostname": "h", "capabilities": {"send": ["i"], "receive": ["u"]}},
        "pools": [{"name": "tank", "guid": "1", "health": "ONLINE"}],
        "datasets": list(datasets),
        "gone": [],
    }


PHOTOS = {
    "path": "tank/photos",
    "guid": "7",
    "type": "filesystem",
    "used": 5,
    "referenced": 5,
    "encryption_root": None,
    "marker": None,
    "add": [{"guid": "11", "createtxg": "5", "name": "a", "creation": 1_793_500_000}],
    "remove": [],
}


@pytest.fixture
def enrolled(operator: Api, client: TestClient, mint: Callable[..., str]) -> Callable[[str], Api]:
    """An agent of protocol 1, which says nothing of protocols in its headers."""
    assert operator.post("/api/v1/fleet/apply", {"fleet": fleet()}).status_code == 200

    def enrol(system: str) -> Api:
        own = tokens.mint("agent", lambda count: system.encode().ljust(count, b"x")[:count])
        words = {
            "system": system,
            "installation": "old",
            "token_lookup": own.lookup,
            "token_sha256": own.sha256,
            "agent_version": "0.1.0",
            "protocol": 1,
        }
        key = Api(client, mint("enrol", system=system, name=f"enrol {system}"), ONE)
        taken("EnrolmentAnswer", key.post("/api/v1/enrol", words))
        return Api(client, own.text, ONE)

    return enrol


def taken(kind: str, answer: Any) -> Any:
    """The answer, as strictly as that agent takes it."""
    assert answer.status_code == 200, answer.json()
    jsonschema.validate(answer.json(), SCHEMAS[kind])
    return answer.json()


def test_a_whole_job_of_two_agents_of_the_protocol_before(enrolled: Callable[[str], Api], viewer: Api) -> None:
    nas1, nas2 = enrolled("nas1"), enrolled("nas2")
    taken("ReportAnswer", nas1.post("/api/v1/systems/nas1/reports", report("one", PHOTOS)))
    taken("ReportAnswer", nas2.post("/api/v1/systems/nas2/reports", report("two")))
    beat = {"protocol": 1, "installation": "old", "generation": "two", "agent_version": "0.1.0", "running": []}
    assert taken("HeartbeatAnswer", nas2.post("/api/v1/systems/nas2/heartbeat", beat))["report"] == "ok"
    found = taken("Work", nas2.get("/api/v1/systems/nas2/work"))
    (job,) = found["jobs"]
    claimed = taken("Claim", nas2.post(f"/api/v1/jobs/{job['id']}/claim", {"installation": "old"}))
    taken("ProgressAnswer", nas2.post(f"/api/v1/jobs/{job['id']}/progress", {"epoch": claimed["epoch"]}))
    done = {"epoch": claimed["epoch"], "result": "succeeded", "moved_snapshots": 1, "target_head_guid": "11"}
    taken("FinishAnswer", nas2.post(f"/api/v1/jobs/{job['id']}/finish", done))
    copy = {**PHOTOS, "path": "backup/photos", "marker": "photos"}
    taken("ReportAnswer", nas2.post("/api/v1/systems/nas2/reports", report("three", copy)))
    assert [each["outcome"] for each in viewer.get("/api/v1/status").json()["items"]] == ["IN_SYNC"]


def test_a_missing_header_is_the_first_protocol(enrolled: Callable[[str], Api], client: TestClient) -> None:
    nas1 = enrolled("nas1")
    headers = {"Authorization": f"Bearer {nas1.token}"}
    taken("Work", client.get("/api/v1/systems/nas1/work", headers=headers))


@pytest.mark.parametrize(("spoken", "old"), [("3", "witness"), ("999", "witness")])
def test_a_protocol_that_is_not_served_is_refused_by_name(
    enrolled: Callable[[str], Api], spoken: str, old: str
) -> None:
    answer = enrolled("nas1").get("/api/v1/systems/nas1/work", headers={HEADER: spoken})
    assert answer.json()["code"] == "E_PROTOCOL_UNSUPPORTED"
    assert f"speaks protocol {spoken}, this witness 1, 2: the {old} is too old" in answer.json()["detail"]


def test_the_two_newest_protocols_are_served() -> None:
    assert served(1) == (1,)
    assert served(2) == (1, 2)
    assert served(5) == (4, 5)


def _gained() -> Iterator[tuple[str, str, Any]]:
    """The fields that the answers' dataclasses have and protocol 1 had not."""
    kinds = dict(ANSWERS)
    for name, schema in SCHEMAS.items():
        known = {name: set(schema["properties"])}
        known |= {each: set(inner["properties"]) for each, inner in schema.get("$defs", {}).items()}
        for each, properties in known.items():
            kind = kinds.get(each) or getattr(work, each)
            hints = get_type_hints(kind, include_extras=True)
            yield from ((each, field, hints[field]) for field in hints if field not in properties and field[0] != "_")


def test_every_field_that_an_answer_gained_says_with_which_protocol() -> None:
    gained = list(_gained())
    assert {(kind, field) for kind, field, _ in gained} >= {("WorkEdge", "selection"), ("JobStep", "alone")}
    for kind, field, hint in gained:
        marks = [each for each in getattr(hint, "__metadata__", ()) if isinstance(each, Since)]
        assert [each.protocol for each in marks] == [2], f"{kind}.{field} has no Since(2)"


def edge(**more: Any) -> dict[str, Any]:
    ends = {"from_system": "a", "from_root": "t", "to_system": "b", "to_root": "u", "recursive": True, "peer": None}
    return {"id": "g:b:u", "group": "g", "role": "to", **ends, **more}


def test_what_an_old_agent_would_misunderstand_is_not_told() -> None:
    everything = {
        "exclude": [],
        "include_root": True,
        "snapshots_include": ["*"],
        "snapshots_exclude": [],
        "intermediate": True,
    }
    assert told(work.WorkEdge, edge(selection=everything), 1) == edge()
    assert told(work.WorkEdge, edge(selection={}), 1) == edge()
    assert told(work.WorkEdge, edge(selection={**everything, "exclude": ["tmp"]}), 1) is None
    claim = {"id": "j", "epoch": 1, "lease_seconds": 1, "relative": "", "edge": edge()}
    steps = [{"op": "receive", "base_guid": "1", "to_guid": "2", "alone": False}]
    earlier = [{"op": "receive", "base_guid": "1", "to_guid": "2"}]
    assert told(work.Claim, {**claim, "steps": steps}, 1) == {**claim, "steps": earlier}
    assert told(work.Claim, {**claim, "steps": [{**steps[0], "alone": True}]}, 1) is None
    assert told(work.Claim, {**claim, "steps": steps}, 2) == {**claim, "steps": steps}


def test_a_dispensable_field_is_left_out() -> None:
    settings = {"heartbeat_seconds": 1, "lease_seconds": 1, "progress_seconds": 1}
    body = {"system": "a", "settings": settings, "edges": [], "jobs": [], "withheld": ["g:b:u"]}
    assert told(work.Work, body, 2) == body
    assert told(work.Work, body, 1) == {key: value for key, value in body.items() if key != "withheld"}


def test_the_newest_agent_is_told_everything_it_knows() -> None:
    assert PROTOCOL == 2
    assert told(work.WorkEdge, edge(), PROTOCOL) == edge()


def test_an_edge_that_an_old_agent_cannot_be_told_of_is_withheld_and_said_so(
    enrolled: Callable[[str], Api], operator: Api, viewer: Api, database: Database
) -> None:
    nas1, nas2 = enrolled("nas1"), enrolled("nas2")
    nas1.post("/api/v1/systems/nas1/reports", report("one", PHOTOS))
    nas2.post("/api/v1/systems/nas2/reports", report("two"))
    group = {"members": fleet()["sync_groups"]["photos"]["members"], "snapshots": {"exclude": ["scratch-*"]}}
    assert operator.post("/api/v1/fleet/apply", {"fleet": fleet(sync_groups={"photos": group})}).status_code == 200
    assert taken("Work", nas2.get("/api/v1/systems/nas2/work"))["edges"] == []
    (item,) = viewer.get("/api/v1/status").json()["items"]
    assert item["error"]["code"] == "E_PROTOCOL_UNSUPPORTED"
    assert "nas1 speaks protocol 1" in item["error"]["message"] or "nas2" in item["error"]["message"]
    database.write(lambda each: each.execute(update(hosts).values(protocol=2)))
    assert viewer.get("/api/v1/status").json()["items"][0]["error"] is None
