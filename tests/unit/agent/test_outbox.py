# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Results wait for the witness through outages and restarts, and are accepted once."""

import json
from pathlib import Path

import pytest

from tests.unit.agent.fleet import Pair
from tests.unit.client.conftest import Listener
from zfs_sync.agent.outbox import FINAL, Outbox
from zfs_sync.api.work import Finish
from zfs_sync.client.transport import Transport
from zfs_sync.client.witness import WitnessClient
from zfs_sync.core.errors import CATALOGUE, ZfsSyncError
from zfs_sync.engine import state


def result(epoch: int) -> Finish:
    return Finish(epoch=epoch, result="succeeded", moved_snapshots=1, moved_bytes=7, target_head_guid="11")


def test_a_result_outlives_an_outage_and_a_restart_and_counts_once(pair: Pair, tmp_path: Path) -> None:
    claim = pair.client.claim(pair.job, "one")
    Outbox(tmp_path).put(pair.job, result(claim.epoch))
    outbox = Outbox(tmp_path)
    away = pair.fleet.away()
    with pytest.raises(ZfsSyncError) as caught:
        outbox.deliver(away)
    away.close()
    assert caught.value.code == "E_WITNESS_UNREACHABLE"
    assert (outbox.jobs(), outbox.holds(pair.job), outbox.empty) == ([pair.job], True, False)
    outbox.deliver(pair.client)
    assert (outbox.jobs(), outbox.holds(pair.job), outbox.empty) == ([], False, True)
    assert pair.state() == "succeeded"
    outbox.put(pair.job, result(claim.epoch))
    outbox.deliver(pair.client)
    assert outbox.empty, "the same words again are answered the same"
    assert pair.fleet.call("GET", f"/jobs/{pair.job}")["moved_bytes"] == 7


def test_a_result_of_a_lease_that_is_lost_is_dropped_and_counts_nothing(pair: Pair, tmp_path: Path) -> None:
    claim = pair.client.claim(pair.job, "one")
    outbox = Outbox(tmp_path)
    outbox.put(pair.job, result(claim.epoch + 1))
    outbox.put("of-a-database-that-is-gone", result(1))
    outbox.deliver(pair.client)
    assert outbox.empty
    assert pair.state() == "running"


def test_after_a_restart_only_the_newer_claim_can_finish(pair: Pair, tmp_path: Path) -> None:
    """The agent was killed, started again, and took its own job up again."""
    first, second = (pair.client.claim(pair.job, "one") for _ in range(2))
    assert second.epoch > first.epoch
    outbox = Outbox(tmp_path)
    outbox.put(pair.job, result(first.epoch))
    outbox.deliver(pair.client)
    assert (outbox.empty, pair.state()) == (True, "running")
    outbox.put(pair.job, result(second.epoch))
    outbox.deliver(pair.client)
    assert pair.state() == "succeeded"


def test_a_later_result_of_a_job_takes_the_place_of_the_earlier(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path)
    outbox.put("a", result(1))
    outbox.put("a", result(2))
    assert outbox.jobs() == ["a"]


@pytest.mark.parametrize("body", [b"<html>welcome</html>", b"{}"])
def test_a_portal_does_not_swallow_a_result(listener: Listener, tmp_path: Path, body: bytes) -> None:
    listener.answers = [(200, "text/html", body)]
    outbox = Outbox(tmp_path)
    outbox.put("a", result(1))
    client = WitnessClient(Transport(listener.url, lambda: "zs_x"))
    with pytest.raises(ZfsSyncError):
        outbox.deliver(client)
    client.close()
    assert outbox.holds("a")


def test_what_waits_behind_a_failure_waits_on(listener: Listener, tmp_path: Path) -> None:
    listener.answers = [(200, "application/json", b'{"state": "succeeded"}'), (500, "text/html", b"")]
    outbox = Outbox(tmp_path)
    for job in ("a", "b", "c"):
        outbox.put(job, result(1))
    client = WitnessClient(Transport(listener.url, lambda: "zs_x"))
    with pytest.raises(ZfsSyncError):
        outbox.deliver(client)
    client.close()
    assert len(outbox.jobs()) == 2


def problem(code: str, status: int) -> tuple[int, str, bytes]:
    body = {"code": code, "detail": "no", "hint": "none", "status": status, "errors": []}
    return status, "application/problem+json", json.dumps(body).encode()


TAKEN = (200, "application/json", b'{"state": "succeeded"}')


def deliver(listener: Listener, outbox: Outbox, *answers: tuple[int, str, bytes]) -> str | None:
    """The code of the failure, if there was one."""
    listener.answers = list(answers)
    client = WitnessClient(Transport(listener.url, lambda: "zs_x", sleep=lambda _: None))
    try:
        outbox.deliver(client)
    except ZfsSyncError as error:
        return error.code
    finally:
        client.close()
    return None


@pytest.mark.parametrize("code", sorted(FINAL))
def test_a_result_that_is_refused_for_good_is_dropped_with_a_line_in_the_log(
    listener: Listener, tmp_path: Path, caplog: pytest.LogCaptureFixture, code: str
) -> None:
    outbox = Outbox(tmp_path)
    for job in ("a", "b"):
        outbox.put(job, result(1))
    status = CATALOGUE[code].status
    assert deliver(listener, outbox, problem(code, status), TAKEN) is None
    assert outbox.empty
    (record,) = [each for each in caplog.records if each.name == "zfs_sync.agent.outbox"]
    assert "a result is dropped" in record.getMessage()
    assert "'target_head_guid': '11'" in record.getMessage()
    assert record.__dict__["code"] == code


def test_a_result_over_which_the_witness_fails_waits_and_holds_up_no_other(listener: Listener, tmp_path: Path) -> None:
    outbox = Outbox(tmp_path)
    for job in ("a", "b", "c"):
        outbox.put(job, result(1))
    assert deliver(listener, outbox, problem("E_INTERNAL", 500), TAKEN, TAKEN) == "E_INTERNAL"
    assert len(outbox.jobs()) == 1
    assert deliver(listener, outbox, TAKEN) is None
    assert outbox.empty


@pytest.mark.parametrize("code", ["E_UNAUTHENTICATED", "E_DATABASE_UNAVAILABLE", "E_AGENT_CLONED", "E_ROUTE_NOT_FOUND"])
def test_a_witness_that_does_not_hear_this_agent_is_not_asked_again_for_each(
    listener: Listener, tmp_path: Path, code: str
) -> None:
    outbox = Outbox(tmp_path)
    for job in ("a", "b"):
        outbox.put(job, result(1))
    refusal = problem(code, CATALOGUE[code].status)
    assert deliver(listener, outbox, refusal, refusal, refusal, TAKEN) == code
    assert len(outbox.jobs()) == 2


def test_a_result_of_another_version_of_the_agent_holds_up_no_other(listener: Listener, tmp_path: Path) -> None:
    outbox = Outbox(tmp_path)
    state.write(outbox._path("a"), {"job": "a", "finish": {"epoch": 1, "outcome": "well"}})
    outbox.put("b", result(1))
    assert deliver(listener, outbox, TAKEN) is None
    assert outbox.empty


@pytest.mark.parametrize("content", [b"", b"[]", b"\xff", b'{"job": "a"', b"{}", b'{"job": "c"}'])
def test_what_a_damaged_disk_left_of_a_result_is_put_aside(
    listener: Listener, tmp_path: Path, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    outbox = Outbox(tmp_path)
    for job in ("a", "b"):
        outbox.put(job, result(1))
    outbox._path("a").write_bytes(content)
    assert outbox.jobs() == ["b"], "the heartbeat goes on, and says what is in hand"
    assert deliver(listener, outbox, TAKEN) is None
    assert outbox.empty
    assert outbox._path("a").with_suffix(".bad").read_bytes() == content
    (record,) = [each for each in caplog.records if each.name == "zfs_sync.agent.outbox"]
    assert "put aside" in record.getMessage()
