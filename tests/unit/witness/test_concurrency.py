# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Many at once, against a real witness: agents in processes that claim and finish, threads that report and apply.

Each job runs once, no update is lost, nobody waits for ever, and no answer is an error of the witness.
"""

import json
import multiprocessing
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.unit.witness.documents import OWNER
from tests.unit.witness.hosts import dataset, full
from tests.unit.witness.process import Served, run_json

TARGETS = 3
DATASETS = 6
PROCESSES = 2
"""How many processes speak for each target: what a restart that overlaps does, again and again."""
APPLIERS = 3
EDITS = 8
PATIENCE = 120.0
V1 = "/api/v1"


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("concurrency")
    run_json(folder, "init")
    for system in ("source", *(f"target{number}" for number in range(TARGETS))):
        more = ("--role", "agent", "--system", system, "--key-file", str(folder / system))
        run_json(folder, "key", "create", system, *more)
    return folder


@pytest.fixture
def served(prepared: Path) -> Iterator[Served]:
    with Served(prepared, {"JOBS_PER_SYSTEM": "1000"}) as running:
        yield running


def _client(url: str, token_file: Path) -> httpx2.Client:
    headers = {"Authorization": f"Bearer {token_file.read_text().strip()}"}
    return httpx2.Client(base_url=url, headers=headers, timeout=PATIENCE, trust_env=False)


def _checked(answer: httpx2.Response) -> httpx2.Response:
    if answer.status_code >= 500:
        raise AssertionError(f"{answer.request.method} {answer.request.url}: {answer.status_code} {answer.text}")
    return answer


def _document() -> dict[str, Any]:
    """A group for each target, all fed by one source."""
    names = [f"target{number}" for number in range(TARGETS)]
    groups = {
        name: {
            "members": [
                {"system": "source", "dataset": f"tank/{name}", "role": "source"},
                {"system": name, "dataset": f"backup/{name}", "role": "target"},
            ]
        }
        for name in names
    }
    return {"version": 1, "owner": OWNER, "systems": {name: {} for name in ["source", *names]}, "sync_groups": groups}


def _paths(root: str) -> list[str]:
    return [root, *(f"{root}/d{number}" for number in range(DATASETS - 1))]


def _agent(url: str, folder: Path, name: str, diary: Path) -> None:
    """One of several processes that speak for a target: whatever it may claim it runs, until nothing waits any more."""
    won: list[list[Any]] = []
    with _client(url, folder / name) as client:
        deadline = time.monotonic() + PATIENCE
        idle = 0
        while idle < 5 and time.monotonic() < deadline:
            told = _checked(client.get(f"{V1}/systems/{name}/work")).json()["jobs"]
            idle = 0 if told else idle + 1
            for job in told:
                won += _run(client, job["id"])
            time.sleep(0.02)
    diary.write_text(json.dumps(won))


def _run(client: httpx2.Client, job: str) -> list[list[Any]]:
    """Claim a job and finish it: what was accepted of that, as [job, epoch, accepted]."""
    answer = _checked(client.post(f"{V1}/jobs/{job}/claim", json={"installation": "inst-1"}))
    if answer.status_code != 200:
        return []
    epoch, steps = answer.json()["epoch"], answer.json()["steps"]
    _checked(client.post(f"{V1}/jobs/{job}/progress", json={"epoch": epoch, "bytes_done": 1}))
    done = {"epoch": epoch, "result": "succeeded", "moved_snapshots": 1, "target_head_guid": steps[-1]["to_guid"]}
    ended = _checked(client.post(f"{V1}/jobs/{job}/finish", json=done))
    return [[job, epoch, ended.status_code == 200]]


def _editor(url: str, folder: Path, number: int, faults: list[BaseException]) -> None:
    """Declares a system of its own again and again, with what it read; its last word must stand in the end."""
    try:
        with _client(url, folder / "state" / "admin.key") as client:
            for edit in range(EDITS):
                body = {"description": f"edit {edit}"}
                answer = _checked(client.put(f"{V1}/systems/editor{number}", json=body))
                assert answer.status_code == 200, answer.text
                shared = {"version": 1, "owner": OWNER, "systems": {"shared": {"labels": {f"k{number}": str(edit)}}}}
                _apply_on_what_was_seen(client, shared)
    except BaseException as error:  # noqa: BLE001  (raised by the test)
        faults.append(error)


def _apply_on_what_was_seen(client: httpx2.Client, shared: dict[str, Any]) -> None:
    """Add a label to those that are there: without If-Match the others' labels would be lost."""
    for _ in range(1000):
        whole = _checked(client.get(f"{V1}/fleet")).json()
        held = whole["fleet"]["systems"].get("shared", {}).get("labels", {})
        labels = held | shared["systems"]["shared"]["labels"]
        body = {"fleet": shared | {"systems": {"shared": {"labels": labels}}}}
        answer = _checked(client.post(f"{V1}/fleet/apply", json=body, headers={"If-Match": whole["state"]}))
        if answer.status_code == 200:
            return
        assert answer.json()["code"] == "E_STATE_CHANGED"
    raise AssertionError("nothing was ever applied on the state that was seen")


def _reporter(url: str, folder: Path, stop: threading.Event, faults: list[BaseException]) -> None:
    """The source makes snapshots and reports them, so that jobs keep coming."""
    try:
        with _client(url, folder / "source") as client:
            for head in range(2, 6):
                guids = range(1, head + 1)
                datasets = [
                    dataset(path, *guids) for number in range(TARGETS) for path in _paths(f"tank/target{number}")
                ]
                _checked(client.post(f"{V1}/systems/source/reports", json=full(*datasets))).raise_for_status()
                if stop.wait(0.3):
                    return
    except BaseException as error:  # noqa: BLE001  (raised by the test)
        faults.append(error)


def test_jobs_run_once_and_no_update_is_lost_whoever_comes_at_once(
    served: Served, prepared: Path, tmp_path: Path
) -> None:
    with _client(served.url, prepared / "state" / "admin.key") as admin:
        admin.post(f"{V1}/fleet/apply", json={"fleet": _document()}).raise_for_status()
    for number in range(TARGETS):
        name = f"target{number}"
        with _client(served.url, prepared / name) as client:
            held = [dataset(path, 1, marker=name) for path in _paths(f"backup/{name}")]
            client.post(f"{V1}/systems/{name}/reports", json=full(*held)).raise_for_status()
    faults: list[BaseException] = []
    stop = threading.Event()
    context = multiprocessing.get_context("spawn")
    diaries = {(number, each): tmp_path / f"{number}-{each}" for number in range(TARGETS) for each in range(PROCESSES)}
    agents = [
        context.Process(target=_agent, args=(served.url, prepared, f"target{number}", diary))
        for (number, _), diary in diaries.items()
    ]
    threads = [threading.Thread(target=_reporter, args=(served.url, prepared, stop, faults))]
    threads += [
        threading.Thread(target=_editor, args=(served.url, prepared, number, faults)) for number in range(APPLIERS)
    ]
    for each in (*threads, *agents):
        each.start()
    for each in (*threads, *agents):
        each.join(PATIENCE)
        assert not each.is_alive(), "somebody waits for ever"
    stop.set()
    assert faults == []
    assert [each.exitcode for each in agents] == [0] * len(agents)
    won = [tuple(each) for diary in diaries.values() for each in json.loads(diary.read_text())]
    _assert_once(won, prepared / "state" / "witness.db")
    _assert_last_words(served.url, prepared)


def _assert_once(won: list[tuple[str, int, bool]], database: Path) -> None:
    """No epoch was given twice, one finish of each job was taken, and the witness says the same."""
    assert len(won) >= TARGETS * DATASETS
    assert max(Counter((job, epoch) for job, epoch, _ in won).values()) == 1
    accepted = Counter(job for job, _, taken in won if taken)
    assert set(accepted.values()) == {1}
    with closing(sqlite3.connect(database)) as connection:
        ended = dict(connection.execute("SELECT job, count(*) FROM job_events WHERE state = 'succeeded' GROUP BY job"))
        total = connection.execute("SELECT sum(jobs) FROM job_totals WHERE result = 'succeeded'").fetchone()[0]
    assert ended == dict(accepted)
    assert total == len(accepted)


def _assert_last_words(url: str, folder: Path) -> None:
    with _client(url, folder / "state" / "admin.key") as admin:
        found = admin.get(f"{V1}/fleet").json()["fleet"]["systems"]
        assert found["shared"]["labels"] == {f"k{number}": str(EDITS - 1) for number in range(APPLIERS)}
        for number in range(APPLIERS):
            assert found[f"editor{number}"]["description"] == f"edit {EDITS - 1}"
        assert admin.get("/health/ready").status_code == 200
