# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Jobs as events, from a real witness: told as they go on, ended with the job, at the price of no thread."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.unit.witness.documents import fleet
from tests.unit.witness.hosts import dataset, full
from tests.unit.witness.process import DEADLINE, Served, run_json

JOBS = "/api/v1/jobs"
ME = {"installation": "inst-1"}
LISTENERS = 60
"""More than the threads that the witness has for its requests."""
Event = dict[str, Any]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("events")
    run_json(folder, "init")
    for system in ("nas1", "nas2"):
        more = ("--role", "agent", "--system", system, "--key-file", str(folder / system))
        run_json(folder, "key", "create", system, *more)
    return folder


@pytest.fixture(scope="module")
def served(prepared: Path) -> Iterator[Served]:
    with Served(prepared, {"EVENT_LISTENERS": str(LISTENERS)}) as running:
        yield running


@pytest.fixture(scope="module")
def admin(served: Served, prepared: Path) -> Iterator[httpx2.Client]:
    with served.client((prepared / "state" / "admin.key").read_text().strip()) as client:
        client.post("/api/v1/fleet/apply", json={"fleet": fleet()}).raise_for_status()
        yield client


@pytest.fixture(scope="module")
def agents(served: Served, prepared: Path) -> Iterator[dict[str, httpx2.Client]]:
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(served.client((prepared / name).read_text().strip())) for name in ("nas1", "nas2")
        }


@pytest.fixture
def job(admin: httpx2.Client, agents: dict[str, httpx2.Client], request: pytest.FixtureRequest) -> str:
    """A job that waits."""
    first = int(time.monotonic_ns())
    reports = {
        "nas1": dataset("tank/photos", first, first + 1),
        "nas2": dataset("backup/photos", first, marker="photos"),
    }
    for system, one in reports.items():
        agents[system].post(f"/api/v1/systems/{system}/reports", json=full(one)).raise_for_status()
    (found,) = admin.post("/api/v1/sync-groups/photos/sync", json={}).json()["jobs"]
    return str(found)


class Listener:
    """Reads a stream in a thread of its own."""

    def __init__(self, client: httpx2.Client, path: str, **headers: str) -> None:
        self.events: list[Event] = []
        self.comments: list[str] = []
        self.ended = threading.Event()
        self.response: httpx2.Response | None = None
        self._client, self._path, self._headers = client, path, headers
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        try:
            with self._client.stream("GET", self._path, headers=self._headers) as response:
                self.response = response
                self._follow(response)
        except httpx2.HTTPError:
            pass
        finally:
            self.ended.set()

    def _follow(self, response: httpx2.Response) -> None:
        fields: dict[str, str] = {}
        for line in response.iter_lines():
            name, _, value = line.partition(":")
            if line and not name:
                self.comments.append(value.strip())
            elif line:
                fields[name] = value.strip()
            elif "data" in fields:
                self.events.append(json.loads(fields["data"]) | {"number": fields.get("id")})
                fields = {}

    def wait(self, condition: Callable[["Listener"], bool]) -> None:
        deadline = time.monotonic() + DEADLINE * 2
        while not condition(self):
            assert time.monotonic() < deadline, (self.events, self.comments)
            time.sleep(0.02)


def states(listener: Listener) -> list[str]:
    return [each["state"] for each in listener.events]


def claim(agents: dict[str, httpx2.Client], job: str) -> int:
    return int(agents["nas2"].post(f"{JOBS}/{job}/claim", json=ME).json()["epoch"])


def finish(agents: dict[str, httpx2.Client], job: str, epoch: int) -> None:
    done = {"epoch": epoch, "result": "cancelled"}
    agents["nas2"].post(f"{JOBS}/{job}/finish", json=done).raise_for_status()


def test_a_job_is_followed_to_its_end(
    served: Served, admin: httpx2.Client, agents: dict[str, httpx2.Client], job: str
) -> None:
    listener = Listener(admin, f"{JOBS}/{job}/events")
    listener.wait(lambda each: states(each) == ["queued"])
    epoch = claim(agents, job)
    listener.wait(lambda each: states(each)[-1] == "running")
    progress = {"epoch": epoch, "bytes_done": 5, "bytes_total": 10, "bytes_per_second": 1}
    agents["nas2"].post(f"{JOBS}/{job}/progress", json=progress).raise_for_status()
    listener.wait(lambda each: each.events[-1]["bytes_done"] == 5)
    finish(agents, job, epoch)
    assert listener.ended.wait(DEADLINE)
    assert (states(listener)[-1], listener.events[-1]["id"]) == ("cancelled", job)
    assert listener.response is not None
    assert listener.response.headers["Content-Type"].startswith("text/event-stream")
    again = Listener(admin, f"{JOBS}/{job}/events")
    assert again.ended.wait(DEADLINE)
    assert states(again) == ["cancelled"]


def test_the_fleet_is_followed_and_a_stream_that_broke_is_taken_up_again(
    admin: httpx2.Client, agents: dict[str, httpx2.Client], job: str
) -> None:
    listener = Listener(admin, "/api/v1/events")
    elsewhere = Listener(admin, "/api/v1/events?group=nothing")
    listener.wait(lambda each: each.comments == ["listening"])
    elsewhere.wait(lambda each: each.comments == ["listening"])
    finish(agents, job, claim(agents, job))
    listener.wait(lambda each: states(each)[:2] == ["running", "cancelled"])
    first, second = listener.events[:2]
    assert (first["job"], first["group"], first["to_system"]) == (job, "photos", "nas2")
    late = Listener(admin, "/api/v1/events?system=nas1", **{"Last-Event-ID": str(first["number"])})
    late.wait(lambda each: len(each.events) >= 1)
    assert late.events[0] == second
    assert elsewhere.events == []


def test_what_is_refused_is_refused_before_the_stream_begins(admin: httpx2.Client) -> None:
    unknown = admin.get(f"{JOBS}/nothing/events")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "E_JOB_NOT_FOUND")
    odd = admin.get("/api/v1/events", headers={"Last-Event-ID": "x"})
    assert (odd.status_code, odd.json()["code"]) == (422, "E_VALIDATION")


def test_listeners_hold_no_thread_are_limited_and_leave_their_place(
    served: Served, admin: httpx2.Client, prepared: Path, job: str
) -> None:
    limits = httpx2.Limits(max_connections=None)
    headers = {"Authorization": admin.headers["Authorization"]}
    with httpx2.Client(base_url=served.url, headers=headers, timeout=DEADLINE, limits=limits, trust_env=False) as many:
        deadline = time.monotonic() + DEADLINE * 2
        heard: list[Listener] = []
        while len(heard) < LISTENERS - 5:
            heard.append(Listener(many, f"{JOBS}/{job}/events"))
        for each in heard:
            each.wait(lambda one: bool(one.events))
        assert admin.get("/health/ready").status_code == 200
        while admin.get(f"{JOBS}/nothing/events").status_code == 404:  # asked for the job before the place
            heard.append(Listener(many, "/api/v1/events"))
            heard[-1].wait(lambda one: bool(one.comments) or one.ended.is_set())
            if heard[-1].ended.is_set() or time.monotonic() > deadline:
                break
        refused = admin.get("/api/v1/events")
        assert (refused.status_code, refused.json()["code"]) == (503, "E_TOO_MANY_LISTENERS")
        assert refused.headers["Retry-After"]
    deadline = time.monotonic() + DEADLINE
    while not _has_place(admin):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def _has_place(client: httpx2.Client) -> bool:
    with client.stream("GET", "/api/v1/events") as response:
        return response.status_code == 200


def test_a_key_that_ends_ends_its_stream(served: Served, admin: httpx2.Client, job: str) -> None:
    made = admin.post("/api/v1/api-keys", json={"name": f"ends-{job}", "role": "viewer"}).json()
    with served.client(made["token"]) as client:
        listener = Listener(client, f"{JOBS}/{job}/events")
        listener.wait(lambda each: bool(each.events))
        admin.delete(f"/api/v1/api-keys/{made['id']}").raise_for_status()
        assert listener.ended.wait(DEADLINE)
    assert states(listener) == ["queued"]


def test_a_witness_that_ends_waits_for_no_listener(tmp_path: Path) -> None:
    run_json(tmp_path, "init")
    with Served(tmp_path) as running, running.client((tmp_path / "state" / "admin.key").read_text().strip()) as client:
        listener = Listener(client, "/api/v1/events")
        listener.wait(lambda each: bool(each.comments))
        assert running.terminate() < 5.0
        assert listener.ended.wait(DEADLINE)
