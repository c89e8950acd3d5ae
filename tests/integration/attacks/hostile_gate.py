#!/usr/bin/python3 -I
# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""A gate whose host is in other hands: whatever it is asked, it answers with what lies in /srv/hostile/RELATIVE.

``list`` is the answer to list, ``stream`` to send, and ``error`` goes to standard error first. What was asked is added
to /tmp/asked. ``drip`` says that nothing is sent but a byte now and then.
"""

import json
import shutil
import sys
import time
from pathlib import Path

line = sys.stdin.readline()
with Path("/tmp/asked").open("a") as asked:
    asked.write(line)
request = json.loads(line)
folder = Path("/srv/hostile") / (request["relative"] or "root")
if (folder / "error").exists():
    sys.stderr.buffer.write((folder / "error").read_bytes())
    sys.stderr.flush()
    sys.exit(1)
if request["op"] == "estimate":
    print(json.dumps({"bytes": None}))
elif request["op"] == "list":
    sys.stdout.write((folder / "list").read_text())
else:
    with (folder / "stream").open("rb") as stream:
        shutil.copyfileobj(stream, sys.stdout.buffer)
    sys.stdout.flush()
    while (folder / "drip").exists():
        time.sleep(1)
        sys.stdout.buffer.write(b"\0")
        sys.stdout.flush()
