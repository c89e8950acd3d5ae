# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Reports that are too large, too deep, garbled, cut or sent again: refused with a code, and what is held stands."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import func, select
from starlette.testclient import TestClient

from tests.unit.witness.conftest import Api, ManualClock
from tests.unit.witness.documents import fleet
from tests.unit.witness.hosts import dataset, delta, full
from tests.unit.witness.test_problems import assert_problem
from zfs_sync.witness.app import create_app
from zfs_sync.witness.db.database import Database
from zfs_sync.witness.db.observed import report_chunks
from zfs_sync.witness.settings import Settings

REPORTS = "/api/v1/systems/nas1/reports"
JSON = {"Content-Type": "application/json"}
HELD = [("tank/photos", "1"), ("tank/photos", "2"), ("tank/photos/a", "3")]


@pytest.fixture
def app(tmp_path: Path, clock: ManualClock, database: Database) -> FastAPI:
    """A witness that takes little."""
    small = Settings(
        database=tmp_path / "witness.db",
        max_body_bytes=64 * 1024,
        report_max_datasets=5,
        report_max_snapshots=12,
        report_chunk_max_snapshots=10,
    )
    return create_app(small, clock, database)


@pytest.fixture
def good(client: TestClient, operator: Api, agent: Api) -> str:
    """The generation that is held."""
    assert operator.post("/api/v1/fleet/apply", {"fleet": fleet()}).status_code == 200
    body = full(dataset("tank/photos", 1, 2), dataset("tank/photos/a", 3))
    assert agent.post(REPORTS, body).status_code == 200
    return str(body["generation"])


def held(viewer: Api) -> list[tuple[str, str]]:
    return [(each["dataset"], each["guid"]) for each in viewer.get("/api/v1/snapshots").json()["items"]]


def stands(viewer: Api, agent: Api, generation: str) -> None:
    """What is held is what was held, and the agent may go on with it."""
    assert held(viewer) == HELD
    beat = {"protocol": 1, "installation": "inst-1", "agent_version": "0.1.0", "generation": generation}
    assert agent.post("/api/v1/systems/nas1/heartbeat", beat).json() == {"report": "ok"}
    assert agent.post(REPORTS, delta(generation)).status_code == 200


def many(count: int) -> list[dict[str, Any]]:
    return [dataset(f"tank/d{number}") for number in range(count)]


TOO_LARGE: dict[str, Callable[[str], dict[str, Any]]] = {
    "datasets": lambda _: full(*many(6)),
    "snapshots of a delta": lambda base: delta(base, dataset("tank/x", *range(100, 110))),
    "datasets of a delta": lambda base: delta(base, *many(4)),
}


@pytest.mark.parametrize("what", TOO_LARGE)
def test_too_large(good: str, agent: Api, viewer: Api, what: str) -> None:
    assert_problem(agent.post(REPORTS, TOO_LARGE[what](good)), 413, "E_REPORT_TOO_LARGE")
    stands(viewer, agent, good)


def test_a_part_that_is_too_large(good: str, agent: Api, viewer: Api) -> None:
    for body in (full(dataset("tank/photos", *range(1, 12))), delta(good, dataset("tank/x", *range(100, 111)))):
        assert_problem(agent.post(REPORTS, body), 413, "E_BODY_TOO_LARGE")
    stands(viewer, agent, good)


def test_too_large_in_parts_that_are_small_enough(good: str, agent: Api, viewer: Api) -> None:
    body = full(dataset("tank/photos", *range(1, 9)), last=False)
    for seq in range(3):
        part = body | {
            "seq": seq,
            "last": seq == 2,
            "datasets": [dataset(f"tank/d{seq}", *range(10 * seq, 10 * seq + 8))],
        }
        answer = agent.post(REPORTS, part)
        if answer.status_code != 200:
            break
    assert_problem(answer, 413, "E_REPORT_TOO_LARGE")
    stands(viewer, agent, good)


@pytest.mark.parametrize("each", [list(range(8)), [], None], ids=["snapshots", "datasets", "parts"])
def test_a_report_that_does_not_end_is_refused_before_it_fills_the_disk(
    good: str, agent: Api, viewer: Api, database: Database, each: list[int] | None
) -> None:
    body, refused = full(last=False), None
    for seq in range(40):
        names = () if each is None else range(3)
        found = [dataset(f"tank/d{seq}-{name}", *(1 + seq * 100 + guid for guid in each or ())) for name in names]
        answer = agent.post(REPORTS, body | {"seq": seq, "last": False, "datasets": found[: 1 if each else 3]})
        if answer.status_code != 200:
            refused = answer
            break
    assert refused is not None
    assert_problem(refused, 413, "E_REPORT_TOO_LARGE")
    rows = database.read(
        lambda connection: connection.execute(select(func.count()).select_from(report_chunks)).scalar()
    )
    assert rows is not None
    assert rows <= 17
    stands(viewer, agent, good)


def test_a_report_of_many_parts_may_be_as_large_as_the_limits(good: str, agent: Api, viewer: Api) -> None:
    body = full(last=False)
    for seq in range(12):
        part = body | {"seq": seq, "last": seq == 11, "datasets": [dataset("tank/photos", seq + 1)]}
        assert agent.post(REPORTS, part).status_code == 200
    assert len(held(viewer)) == 12


def test_a_body_that_is_too_large(good: str, agent: Api, viewer: Api) -> None:
    body = json.dumps(full(dataset("tank/photos", 1))) + " " * 70_000
    assert_problem(agent("POST", REPORTS, content=body, headers=JSON), 413, "E_BODY_TOO_LARGE")
    stands(viewer, agent, good)


GARBLED: dict[str, Callable[[bytes], bytes]] = {
    "cut": lambda body: body[: len(body) // 2],
    "cut by a byte": lambda body: body[:-1],
    "empty": lambda _: b"",
    "no JSON": lambda _: b"\x00\xff\xfe",
    "not UTF-8": lambda body: body.replace(b"tank/photos", b"tank/\xff\xfe"),
    "twice": lambda body: body + body,
    "too deep": lambda body: body.replace(b'"datasets": ', b'"datasets": ' + b"[" * 5_000, 1) + b"]" * 5_000,
    "another type": lambda _: b"[]",
    "null": lambda _: b"null",
    "a GUID as a number": lambda body: body.replace(b'"guid": "7"', b'"guid": 7'),
    "a GUID too large": lambda body: body.replace(b'"guid": "7"', b'"guid": "18446744073709551616"'),
    "a size too large": lambda body: body.replace(b'"marker": null', b'"used": 9223372036854775808'),
    "a creation out of time": lambda body: body.replace(b'"name": "s7"', b'"name": "s7", "creation": 999999999999999'),
    "an unknown field": lambda body: body.replace(b'"seq"', b'"extra": 1, "seq"'),
    "a negative part": lambda body: body.replace(b'"seq": 0', b'"seq": -1'),
}


@pytest.mark.parametrize("how", GARBLED)
def test_garbled(good: str, agent: Api, viewer: Api, how: str) -> None:
    body = json.dumps(full(dataset("tank/photos", 7))).encode()
    bad = GARBLED[how](body)
    assert bad != body
    assert_problem(agent("POST", REPORTS, content=bad, headers=JSON), 422, "E_VALIDATION")
    stands(viewer, agent, good)


def test_the_same_report_again_changes_nothing(good: str, agent: Api, viewer: Api) -> None:
    again = full(generation=good)  # says that nothing is left, under a name that was taken already
    assert agent.post(REPORTS, again).json() == {"generation": good, "accepted": True}
    stands(viewer, agent, good)


def test_an_older_delta_again_is_refused(good: str, agent: Api, viewer: Api) -> None:
    change = delta(good, dataset("tank/new", 50))
    assert agent.post(REPORTS, change).status_code == 200
    undo = delta(change["generation"], gone=["tank/new"])
    assert agent.post(REPORTS, undo).status_code == 200
    assert_problem(agent.post(REPORTS, change), 409, "E_REPORT_BASE_UNKNOWN")
    stands(viewer, agent, undo["generation"])


def test_parts_out_of_order_or_of_another_generation_are_refused(good: str, agent: Api, viewer: Api) -> None:
    first = full(dataset("tank/x", 8), last=False)
    assert agent.post(REPORTS, first).status_code == 200
    assert_problem(agent.post(REPORTS, first | {"seq": 2, "last": True}), 409, "E_REPORT_OUT_OF_ORDER")
    stranger = first | {"seq": 1, "last": True, "generation": "another"}
    assert_problem(agent.post(REPORTS, stranger), 409, "E_REPORT_OUT_OF_ORDER")
    stands(viewer, agent, good)


def test_a_report_that_never_ends_is_never_seen(good: str, agent: Api, viewer: Api) -> None:
    for seq in range(3):
        part = full(dataset(f"tank/x{seq}", 60 + seq), last=False, generation="endless")
        assert agent.post(REPORTS, part | {"seq": seq}).status_code == 200
    stands(viewer, agent, good)


@pytest.mark.parametrize("name", ["nas2", "nowhere"])
def test_a_report_for_another_system_is_refused(good: str, agent: Api, viewer: Api, name: str) -> None:
    answer = agent.post(f"/api/v1/systems/{name}/reports", full(dataset("tank/photos", 9)))
    assert_problem(answer, 403, "E_FORBIDDEN")
    stands(viewer, agent, good)
