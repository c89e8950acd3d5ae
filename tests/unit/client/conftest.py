# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""A real witness with TLS on loopback, and a plain listener that says what a test wants."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.unit.witness.process import Served, run_json


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a witness with a database, a CA and an admin's key."""
    folder = tmp_path_factory.mktemp("witness")
    run_json(folder, "init")
    run_json(folder, "tls", "init", "--host", "localhost", "--host", "127.0.0.1")
    return folder


@pytest.fixture(scope="session")
def tls(prepared: Path) -> dict[str, str]:
    files = prepared / "state" / "tls"
    return {"TLS_CERTIFICATE": str(files / "server.crt"), "TLS_KEY": str(files / "server.key")}


@pytest.fixture(scope="session")
def witness(prepared: Path, tls: dict[str, str]) -> Iterator[Served]:
    with Served(prepared, tls) as running:
        yield running


class Listener:
    """Answers each request with the next of ``answers`` (the last one for ever), and keeps what was asked."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, str, bytes]] = []
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", "0")))
                outer.asked.append((self.command, self.path, dict(self.headers)))
                status, kind, body = outer.answers.pop(0) if len(outer.answers) > 1 else outer.answers[0]
                if status == 0:  # nothing at all
                    self.close_connection = True
                    return
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Location", "http://127.0.0.1:1/elsewhere")
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = answer  # noqa: N815

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener()
    made.thread.start()
    yield made
    made.server.shutdown()
    made.thread.join()
    made.server.server_close()
