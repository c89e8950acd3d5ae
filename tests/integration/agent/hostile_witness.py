# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""A witness that means harm, as a program for a lab host: ``python3 hostile_witness.py SCRIPT LOG PORT``.

It speaks the agents' routes. SCRIPT is JSON: ``settings``, ``works`` (each handed out once, with an honest one after
it), ``edges`` and ``claims`` by job. A job is listed until its claim was answered with nonsense or it was finished;
work that was read before that may still list it, and whoever claims it then is told that it is gone. What the agent
says is added to LOG, a JSON line each.
"""

import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

SCRIPT, LOG = (Path(word) for word in sys.argv[1:3])
PLAN = json.loads(SCRIPT.read_text())
OPEN = dict(PLAN["claims"])
GONE = {
    "type": "about:blank",
    "title": "Not claimable",
    "status": 409,
    "code": "E_JOB_NOT_CLAIMABLE",
    "detail": "The job is gone.",
    "hint": "Take another.",
}
VERSION = {"version": "0.1.0", "protocol": [1, 2], "api": "v1"}
LOCK = threading.Lock()
ASKED = [0]


def work() -> tuple[dict[str, Any], str]:
    """The next answer, and its tag."""
    ASKED[0] += 1
    number = ASKED[0] - 1
    if number % 2 == 0 and number // 2 < len(PLAN["works"]):
        return PLAN["works"][number // 2], f'"w{number}"'
    calm = number > 2 * len(PLAN["works"])
    jobs = [{"id": each, "edge": "g:h3:x", "relative": "", "state": "queued"} for each in OPEN] if calm else []
    tag = f'"{len(jobs)}-{calm}"'
    return {"system": "h3", "settings": PLAN["settings"], "edges": PLAN["edges"], "jobs": jobs}, tag


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path.endswith("/version"):
            self._say(200, VERSION, None)
            return
        with LOCK:
            body, tag = work()
        if self.headers.get("If-None-Match") == tag:
            time.sleep(0.5)
            self._say(304, None, tag)
        else:
            self._say(200, body, tag)

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or "null")
        with LOCK, LOG.open("a") as log:
            log.write(json.dumps({"path": self.path, "body": body}) + "\n")
            answer = self._answer(body)
        self._say(409 if answer is GONE else 200, answer, None)

    def _answer(self, body: Any) -> Any:
        words = self.path.removeprefix("/api/v1/").split("/")
        if words[0] == "jobs" and words[2] == "claim":
            claim = OPEN.get(words[1])
            if claim is None:
                return GONE
            if claim["nonsense"]:
                del OPEN[words[1]]
            return claim["claim"]
        if words[0] == "jobs" and words[2] == "finish":
            OPEN.pop(words[1], None)
            return {"state": body["result"]}
        if words[0] == "jobs":
            return {"cancel": False, "lease_seconds": 60}
        if words[-1] == "reports":
            return {"generation": body["generation"], "accepted": True}
        return {"system": "h3"} if words[0] == "enrol" else {"report": "ok"}

    def _say(self, status: int, body: Any, tag: str | None) -> None:
        content = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json" if status < 400 else "application/problem+json")
        self.send_header("Content-Length", str(len(content)))
        if tag:
            self.send_header("ETag", tag)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Say nothing: LOG has it."""


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[3])), Handler).serve_forever()
