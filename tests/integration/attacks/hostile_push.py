# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Pushes to a peer what its own agent would not: ``python3 hostile_push.py EDGE RELATIVE LOGIN...``.

What it says of its dataset, and the stream, lie in /srv/hostile/RELATIVE. Prints what the peer answered: status,
output, error.
"""

import json
import subprocess
import sys
from pathlib import Path

edge, relative, *login = sys.argv[1:]
folder = Path("/srv/hostile") / relative
said = (folder / "list").read_bytes()
newest = json.loads(said)["dataset"]["add"]
request = {"v": 1, "op": "receive", "edge": edge, "relative": relative, "source_bytes": len(said)}
request |= {"to_guid": newest[-1]["guid"], "base_guid": newest[0]["guid"] if newest[1:] else None}
with subprocess.Popen(login, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as gate:
    gate.stdin.write(json.dumps(request).encode() + b"\n" + said)
    gate.stdin.flush()
    ready = gate.stdout.readline()
    try:
        gate.stdin.write((folder / "stream").read_bytes())
        gate.stdin.close()
    except BrokenPipeError:
        pass
    gate.stdin = None
    rest, error = gate.communicate(timeout=60)
print(json.dumps([gate.returncode, (ready + rest).decode(), error.decode()]))
