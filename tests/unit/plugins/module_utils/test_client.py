# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The client against a server that answers as a test says: connections, retries, refusals."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from ansible_collections.zfs_sync.fleet.plugins.module_utils._client import WitnessClient, WitnessError, segment

TOKEN = "zs_admin_abcdefgh_" + "s" * 43 + "crc123"


class Handler(BaseHTTPRequestHandler):
    """Answers with what the server's list of answers holds next."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def _answer(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        self.server.seen.append((self.command, self.path, json.loads(body) if body else None, dict(self.headers)))
        self.server.peers.add(self.client_address)
        status, content, headers = self.server.answers.pop(0)
        if status is None:
            self.close_connection = True
            return
        payload = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(payload)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(payload)

    do_GET = do_POST = do_DELETE = do_PUT = _answer

    def log_message(self, format, *args):
        pass


@pytest.fixture
def server():
    made = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.daemon_threads = True
    made.seen, made.peers, made.answers = [], set(), []
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


@pytest.fixture
def pauses():
    return []


@pytest.fixture
def client(server, pauses):
    url = "http://127.0.0.1:%d" % server.server_address[1]
    made = WitnessClient(url + "/", TOKEN, sleep=pauses.append, jitter=lambda: 1.0, timeout=5)
    yield made
    made.close()


def ok(body, **headers):
    return (200, body, headers)


GONE = (None, b"", {})


def problem(status, code, **more):
    return (status, {"code": code, "detail": "it is so", "hint": "do this", "request_id": "r1", **more}, {})


def test_one_connection_carries_all_requests(server, client):
    server.answers += [ok({"n": 1}), ok({"n": 2}), problem(404, "E_NOT_FOUND"), ok({"n": 4})]
    assert client.get("/a", {"x": "a b"})["n"] == 1
    assert client.post("/b", {"y": 1})["n"] == 2
    with pytest.raises(WitnessError):
        client.get("/c")
    assert client.delete("/d")["n"] == 4
    assert len(server.peers) == 1
    assert [(method, path, body) for method, path, body, dummy in server.seen] == [
        ("GET", "/a?x=a+b", None),
        ("POST", "/b", {"y": 1}),
        ("GET", "/c", None),
        ("DELETE", "/d", None),
    ]
    assert server.seen[0][3]["Authorization"] == "Bearer " + TOKEN


def test_a_refusal_keeps_everything_the_witness_said(server, client):
    fault = {"pointer": "/fleet/systems/x", "message": "is odd"}
    server.answers.append(problem(422, "E_VALIDATION", errors=[fault]))
    with pytest.raises(WitnessError) as caught:
        client.post("/x", {})
    error = caught.value
    assert (error.code, error.status, error.request_id, error.errors) == ("E_VALIDATION", 422, "r1", [fault])
    assert error.sentence() == "E_VALIDATION: it is so\n/fleet/systems/x: is odd\ndo this"


def test_reads_are_tried_again_after_a_broken_connection_and_a_busy_witness(server, client, pauses):
    server.answers += [GONE, (503, {}, {"Retry-After": "2"}), ok({"fine": True})]
    assert client.get("/a") == {"fine": True}
    assert pauses == [0.5, 2.0]


def test_a_plan_is_tried_again_and_an_apply_is_not(server, client, pauses):
    server.answers += [GONE, ok({}), GONE]
    client.post("/plan", {}, repeatable=True)
    with pytest.raises(WitnessError) as caught:
        client.post("/apply", {})
    assert caught.value.code == "E_WITNESS_UNREACHABLE"
    assert [path for dummy, path, dummy2, dummy3 in server.seen] == ["/plan", "/plan", "/apply"]
    assert len(pauses) == 1


def test_a_busy_witness_that_stays_busy_says_so_itself(server, client, pauses):
    server.answers += [problem(503, "E_DATABASE_UNAVAILABLE")] * 4
    with pytest.raises(WitnessError) as caught:
        client.get("/a")
    assert caught.value.code == "E_DATABASE_UNAVAILABLE"
    assert pauses == [0.5, 1.0, 2.0]


def test_a_witness_that_is_not_there_is_named_with_a_remedy_and_without_the_key(pauses):
    client = WitnessClient("http://127.0.0.1:1", TOKEN, sleep=pauses.append)
    with pytest.raises(WitnessError) as caught:
        client.post("/apply", {})
    assert caught.value.code == "E_WITNESS_UNREACHABLE"
    assert "http://127.0.0.1:1" in caught.value.sentence()
    assert "systemctl status" in caught.value.hint
    assert TOKEN not in caught.value.sentence()
    assert len(pauses) == 3, "nothing was sent, so even an apply is tried again"


@pytest.mark.parametrize("content", [b"<html>", b"[1]", b""])
def test_what_is_no_witness_is_told_as_such(server, client, content):
    server.answers.append((404, content, {}))
    with pytest.raises(WitnessError) as caught:
        client.get("/a")
    assert "not as a witness does" in caught.value.message


def test_all_pages_of_a_list_are_read(server, client):
    server.answers += [ok({"items": [1, 2], "next": "b c"}), ok({"items": [3], "next": None})]
    assert list(client.pages("/list")) == [1, 2, 3]
    assert [path for dummy, path, dummy2, dummy3 in server.seen] == ["/list?limit=500", "/list?limit=500&after=b+c"]


@pytest.mark.parametrize(
    "url", ["", "witness", "ftp://w", "https://", "https://u:p@w", "https://w/?a=1", "https://w:99999", "https://[::1"]
)
def test_an_address_that_is_none_is_refused_without_being_repeated(url):
    with pytest.raises(WitnessError) as caught:
        WitnessClient(url, TOKEN)
    assert caught.value.code == "E_CONFIG"
    assert "u:p" not in caught.value.sentence()


def test_plain_http_is_known_beyond_loopback_only():
    urls = ["http://127.0.0.1:1", "http://localhost", "http://[::1]:2", "https://w", "http://w"]
    assert [WitnessClient(url, TOKEN).plain_beyond_loopback for url in urls] == [False] * 4 + [True]


def test_a_ca_that_cannot_be_read_is_named():
    with pytest.raises(WitnessError) as caught:
        WitnessClient("https://127.0.0.1:1", TOKEN, ca_path="/nowhere/ca.crt").get("/a")
    assert caught.value.code == "E_WITNESS_UNTRUSTED"
    assert "/nowhere/ca.crt" in caught.value.message


def test_a_name_is_one_segment_of_a_path():
    assert segment("a/b c?") == "a%2Fb%20c%3F"
