# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The witness's routes as an agent calls them, against a real witness, and against a portal that is none."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.unit.client.conftest import Listener
from tests.unit.witness.process import Served
from zfs_sync.api.reports import Enrolment, Heartbeat, HostReport, Report
from zfs_sync.api.work import Finish, Progress
from zfs_sync.client.transport import Transport
from zfs_sync.client.witness import WitnessClient
from zfs_sync.core import tokens
from zfs_sync.core.errors import ZfsSyncError

Connect = Callable[[str], WitnessClient]


@pytest.fixture(scope="module")
def connect(witness: Served, prepared: Path) -> Connect:
    ca = prepared / "state" / "tls" / "ca.crt"
    return lambda token: WitnessClient(Transport(witness.url, lambda: token, ca_file=ca))


@pytest.fixture(scope="module")
def agent(witness: Served, prepared: Path, connect: Connect) -> Iterator[WitnessClient]:
    """nas1, declared and enrolled."""
    with witness.client((prepared / "state" / "admin.key").read_text().strip()) as admin:
        admin.post("/api/v1/fleet/apply", json={"fleet": {"version": 1, "systems": {"nas1": {}}}}).raise_for_status()
        key = admin.post("/api/v1/api-keys", json={"name": "e", "role": "enrol", "system": "nas1"}).json()["token"]
    own = tokens.mint("agent", lambda count: b"\x07" * count)
    words = Enrolment(
        system="nas1",
        installation="one",
        token_lookup=own.lookup,
        token_sha256=own.sha256,
        agent_version="1",
        protocol=1,
    )
    enrolling = connect(key)
    assert enrolling.enrol(words).system == enrolling.enrol(words).system == "nas1", "the same words, the same answer"
    enrolling.close()
    client = connect(own.text)
    yield client
    client.close()


def heartbeat(installation: str = "one") -> Heartbeat:
    return Heartbeat(protocol=1, installation=installation, generation=None, agent_version="1", running=[])


def test_it_names_the_witness_and_no_key(agent: WitnessClient, witness: Served) -> None:
    assert repr(agent) == f"WitnessClient({witness.url})"
    assert agent.version()["protocol"] == [1, 2]


def test_a_report_and_a_heartbeat(agent: WitnessClient) -> None:
    report = Report(
        protocol=1,
        installation="one",
        generation="g1",
        base_generation=None,
        kind="full",
        seq=0,
        last=True,
        agent_version="1",
        host=HostReport(platform="linux", hostname="h"),
    )
    assert agent.heartbeat("nas1", heartbeat()).report == "send_full"
    assert agent.report("nas1", report) == agent.report("nas1", report)


def test_the_same_key_from_a_second_installation_is_refused(agent: WitnessClient) -> None:
    with pytest.raises(ZfsSyncError) as caught:
        agent.heartbeat("nas1", heartbeat("two"))
    assert caught.value.code == "E_AGENT_CLONED"


def test_work_is_told_once_for_an_etag(agent: WitnessClient) -> None:
    first = agent.work("nas1", etag=None, wait_seconds=0)
    assert first is not None
    work, etag = first
    assert (work.system, work.jobs) == ("nas1", [])
    assert agent.work("nas1", etag=etag, wait_seconds=0) is None


def test_another_systems_work_is_not_told(agent: WitnessClient) -> None:
    with pytest.raises(ZfsSyncError) as caught:
        agent.work("nas2", etag=None, wait_seconds=0)
    assert caught.value.code == "E_FORBIDDEN"


def test_a_job_that_is_not_there(agent: WitnessClient) -> None:
    calls = (
        lambda: agent.claim("none", "one"),
        lambda: agent.progress("none", Progress(epoch=1)),
        lambda: agent.finish("none", Finish(epoch=1, result="succeeded")),
    )
    for call in calls:
        with pytest.raises(ZfsSyncError) as caught:
            call()
        assert caught.value.code == "E_JOB_NOT_FOUND"


@pytest.mark.parametrize("body", [b"<html>Log in to this hotel</html>", b"{}", b'{"state": "checked in"}', b"[]"])
def test_a_portal_that_says_yes_to_everything_is_no_witness(listener: Listener, body: bytes) -> None:
    """Or a result would count as delivered that no witness has ever seen."""
    listener.answers = [(200, "application/json", body)]
    client = WitnessClient(Transport(listener.url, lambda: "zs_x"))
    calls = (
        client.version,
        lambda: client.finish("1", Finish(epoch=1, result="succeeded")),
        lambda: client.work("nas1", etag=None, wait_seconds=0),
    )
    for call in calls:
        with pytest.raises(ZfsSyncError) as caught:
            call()
        assert caught.value.code == "E_WITNESS_UNREACHABLE"
    client.close()


@pytest.mark.parametrize(("call", "tries"), [("claim", 1), ("progress", 1), ("finish", 3), ("heartbeat", 3)])
def test_only_what_is_harmless_is_said_again(listener: Listener, call: str, tries: int) -> None:
    listener.answers = [(503, "text/html", b"")]
    client = WitnessClient(Transport(listener.url, lambda: "zs_x", sleep=lambda _: None))
    calls: dict[str, Callable[[], object]] = {
        "claim": lambda: client.claim("1", "one"),
        "progress": lambda: client.progress("1", Progress(epoch=1)),
        "finish": lambda: client.finish("1", Finish(epoch=1, result="failed")),
        "heartbeat": lambda: client.heartbeat("nas1", heartbeat()),
    }
    with pytest.raises(ZfsSyncError):
        calls[call]()
    client.close()
    assert len(listener.asked) == tries
