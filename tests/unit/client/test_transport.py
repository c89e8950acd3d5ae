# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""One request: whom it trusts, what is tried again, and what becomes of every kind of answer."""

import json
import socket
import ssl
from pathlib import Path

import pytest

from tests.unit.client.conftest import Listener
from tests.unit.witness.process import Served, run_json
from zfs_sync.client.backoff import Backoff
from zfs_sync.client.transport import TRIES, Transport
from zfs_sync.client.witness import WitnessClient
from zfs_sync.core.errors import ZfsSyncError

JSON, PROBLEM = "application/json", "application/problem+json"
WELL = (200, JSON, b'{"a": 1}')
BUSY = (503, "text/html", b"<html>busy</html>")
TOKEN = "zs_agent_abcdefgh_secret"


def transport(url: str, slept: list[float] | None = None, **more: object) -> Transport:
    waits = slept if slept is not None else []
    return Transport(
        url,
        lambda: TOKEN,
        sleep=waits.append,
        backoff=lambda: Backoff(uniform=lambda _, high: high),
        **more,  # type: ignore[arg-type]
    )


def failure(made: Transport, **options: object) -> ZfsSyncError:
    with pytest.raises(ZfsSyncError) as caught:
        made.call("GET", "/version", **options)  # type: ignore[arg-type]
    made.close()
    assert TOKEN not in caught.value.message + caught.value.hint + repr(made)
    return caught.value


def test_the_key_is_asked_for_each_request_and_shown_nowhere(listener: Listener) -> None:
    listener.answers = [WELL]
    keys = iter(["zs_one", "zs_two"])
    made = Transport(listener.url, lambda: next(keys))
    for _ in range(2):
        assert made.call("GET", "/version").body == {"a": 1}
    made.close()
    assert [asked[2]["Authorization"] for asked in listener.asked] == ["Bearer zs_one", "Bearer zs_two"]
    assert listener.asked[0][:2] == ("GET", "/api/v1/version")
    assert "zs_" not in repr(made)


def test_the_connection_is_kept_and_a_netrc_is_not_read(
    listener: Listener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password wrong\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    listener.answers = [WELL]
    made = transport(listener.url)
    made.call("GET", "/version")
    made.call("GET", "/version")
    made.close()
    assert {asked[2]["Authorization"] for asked in listener.asked} == {f"Bearer {TOKEN}"}


def test_what_may_be_repeated_is_repeated_with_growing_waits(listener: Listener) -> None:
    listener.answers = [BUSY, (429, JSON, b"{}"), WELL]
    slept: list[float] = []
    made = transport(listener.url, slept)
    assert made.call("POST", "/systems/nas1/heartbeat", body={}, idempotent=True).status == 200
    made.close()
    assert slept == [1.0, 2.0]
    assert len(listener.asked) == TRIES


def test_what_may_not_be_repeated_is_tried_once(listener: Listener) -> None:
    listener.answers = [BUSY]
    slept: list[float] = []
    assert failure(transport(listener.url, slept)).code == "E_WITNESS_UNREACHABLE"
    assert (len(listener.asked), slept) == (1, [])


def test_the_last_try_says_why(listener: Listener) -> None:
    listener.answers = [BUSY]
    error = failure(transport(listener.url), idempotent=True)
    assert "answered 503" in error.message
    assert len(listener.asked) == TRIES


def test_a_refusal_is_not_repeated(listener: Listener) -> None:
    problem = {
        "code": "E_LEASE_LOST",
        "detail": "Too late.",
        "hint": "Wait.",
        "errors": [{"pointer": "/epoch", "message": "old"}],
    }
    listener.answers = [(409, PROBLEM, json.dumps(problem).encode())]
    error = failure(transport(listener.url), idempotent=True)
    assert (error.code, error.message, error.hint) == ("E_LEASE_LOST", "Too late.", "Wait.")
    assert [(fault.pointer, fault.message) for fault in error.faults] == [("/epoch", "old")]
    assert len(listener.asked) == 1


@pytest.mark.parametrize(
    "answer",
    [
        (302, "text/html", b""),
        (404, "text/html", b"<html>not here</html>"),
        (500, JSON, b'{"code": "E_LEASE_LOST", "detail": "of another program"}'),
        (409, PROBLEM, b"not json"),
        (409, PROBLEM, b"[]"),
        (409, PROBLEM, b'{"title": "no code of ours"}'),
        (409, PROBLEM, b'{"code": "E_LEASE_LOST", "detail": "x", "errors": [7]}'),
    ],
)
def test_what_is_no_witness_is_said_to_be_none(listener: Listener, answer: tuple[int, str, bytes]) -> None:
    listener.answers = [answer]
    error = failure(transport(listener.url))
    assert error.code == "E_WITNESS_UNREACHABLE"
    assert str(answer[0]) in error.message
    assert [asked[1] for asked in listener.asked] == ["/api/v1/version"], "a redirection is not followed"


def test_a_code_of_a_newer_witness_keeps_its_words(listener: Listener) -> None:
    listener.answers = [(409, PROBLEM, b'{"code": "E_OF_TOMORROW", "detail": "New."}')]
    error = failure(transport(listener.url))
    assert (error.code, error.message) == ("E_INTERNAL", "E_OF_TOMORROW: New.")


@pytest.mark.parametrize("body", [b"", b"<html>"])
def test_a_body_that_is_no_json_is_none(listener: Listener, body: bytes) -> None:
    listener.answers = [(200, JSON, body)]
    made = transport(listener.url)
    assert made.call("GET", "/version").body is None
    made.close()


def test_a_witness_that_is_not_there_is_tried_again_when_that_is_harmless() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    for idempotent, waits in ((True, [1.0, 2.0]), (False, [])):
        slept: list[float] = []
        error = failure(transport(url, slept), idempotent=idempotent)
        assert (error.code, slept) == ("E_WITNESS_UNREACHABLE", waits)
        assert error.message.endswith("cannot be reached: Connection refused.")


def test_a_connection_that_ends_without_an_answer(listener: Listener) -> None:
    listener.answers = [(0, "", b""), WELL]
    made = transport(listener.url)
    assert made.call("GET", "/version", idempotent=True).body == {"a": 1}
    made.close()


def test_a_witness_that_never_answers_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        error = failure(transport(f"http://127.0.0.1:{silent.getsockname()[1]}", timeout_seconds=0.05))
    assert error.code == "E_WITNESS_UNREACHABLE"
    assert "timed out" in error.message


def test_only_the_witnesss_own_ca_is_believed(witness: Served, prepared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ca = prepared / "state" / "tls" / "ca.crt"
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(ca))
    slept: list[float] = []
    error = failure(transport(witness.url, slept), idempotent=True)
    assert (error.code, slept) == ("E_WITNESS_UNTRUSTED", []), "asking again changes nothing"
    assert "the CAs that come with the agent" in error.message
    trusted = transport(witness.url, ca_file=ca)
    assert failure(trusted).code in ("E_KEY_MALFORMED", "E_UNAUTHENTICATED")


def test_a_certificate_for_another_name_is_not_believed(listener: Listener, tmp_path: Path) -> None:
    run_json(tmp_path, "init")
    run_json(tmp_path, "tls", "init", "--host", "other.example.org")
    files = tmp_path / "state" / "tls"
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(files / "server.crt", files / "server.key")
    listener.server.socket = context.wrap_socket(listener.server.socket, server_side=True)
    error = failure(transport(listener.url.replace("http:", "https:"), ca_file=files / "ca.crt"))
    assert error.code == "E_WITNESS_UNTRUSTED"
    assert listener.asked == []


@pytest.mark.parametrize("content", [None, "not a certificate"])
def test_a_ca_file_that_is_missing_or_broken_is_said_to_be(
    witness: Served, tmp_path: Path, content: str | None
) -> None:
    ca = tmp_path / "ca.pem"
    if content:
        ca.write_text(content)
    error = failure(transport(witness.url, ca_file=ca))
    assert error.code == "E_WITNESS_UNTRUSTED"
    assert str(ca) in error.message


def test_a_url_that_would_send_the_key_in_clear_is_refused() -> None:
    with pytest.raises(ZfsSyncError) as caught:
        transport("http://witness.example.org")
    assert caught.value.code == "E_CONFIG"


@pytest.mark.parametrize(("status", "kind"), [(200, JSON), (400, PROBLEM)])
def test_an_answer_that_is_nested_too_deeply_is_no_answer(listener: Listener, status: int, kind: str) -> None:
    listener.answers = [(status, kind, b"[" * 100_000)]
    made = WitnessClient(transport(listener.url))
    with pytest.raises(ZfsSyncError) as caught:
        made.version()
    made.close()
    assert caught.value.code == "E_WITNESS_UNREACHABLE"
