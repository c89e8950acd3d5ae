# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""A gate without an agent: what the checks of ``SshFeeder`` have as forced command.

A file says what to play: the source dataset, the state directory, and a fault.
"""

import json
import os
import select
import sys
import threading
from pathlib import Path

from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.engine import wire
from zfs_sync.engine.continuity import Holds
from zfs_sync.engine.processes import end, pipe
from zfs_sync.engine.sending import Sender, Sending, Stream
from zfs_sync.zfs.host import Zfs
from zfs_sync.zfs.runner import LocalRunner

HANG_BYTES = 50_000


def hang(sending: Sending) -> None:
    """The first bytes of a stream, and then nothing until the peer is gone.

    zfs-fuse lets nobody destroy a dataset as long as a send of it waits to be read.
    """
    os.write(1, pipe(sending.process.stdout).read(HANG_BYTES))
    peer = select.poll()
    peer.register(1, 0)  # which reports errors and hang-ups only
    peer.poll()
    pipe(sending.process.stdout).close()
    end(sending.process, grace_seconds=0.5)


def main(play: str) -> int:
    said = json.loads(Path(play).read_text())
    source, state, fault = said["source"], said["state"], said["fault"]
    zfs = Zfs(LocalRunner())
    sender = Sender(zfs, Holds(zfs, Path(state)))
    request = wire.parse_request(sys.stdin.buffer.readline())
    if fault == "silent":
        return 3
    try:
        if request.op == "list":
            found = sender.dataset(source)
            os.write(1, wire.answer_line(wire.ListAnswer(dataset=wire.report_of(found) if found else None)))
            return 0
        base = int(request.base_guid) if request.base_guid else None
        stream = Stream(request.edge, "g", "here", source, base, int(request.to_guid or 0))
        if request.op == "estimate":
            os.write(1, wire.answer_line(wire.EstimateAnswer(bytes=sender.estimate(stream))))
        elif fault == "hang":
            hang(sender.start(stream))
        else:
            sender.serve(stream, os.dup(1), threading.Event())
    except ZfsSyncError as error:
        os.write(2, b"Welcome to this host.\n" + wire.error_line(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
