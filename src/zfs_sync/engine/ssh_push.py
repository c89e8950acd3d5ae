# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Handing a stream to a peer through its gate.

The request is the first line of standard input, what this host says of its own dataset follows, and then nothing until
the peer has looked at its pool and says what it wants. A refusal therefore costs no stream.
"""

import os
import select
import subprocess
import threading
import time
from contextlib import suppress

from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.core.numbers import u64
from zfs_sync.engine import wire
from zfs_sync.engine.checks import Step
from zfs_sync.engine.processes import Listener, end, pipe
from zfs_sync.engine.pushing import Received
from zfs_sync.engine.ssh import ANSWER_SECONDS, SshFeeder, SshFiles, SshPeer, arguments, failure
from zfs_sync.engine.wire import GateRequest, ListAnswer, ReceiveAnswer
from zfs_sync.zfs.listing import Dataset

TICK_MILLISECONDS = 200
MOST_BYTES = 64 * 1024
"""An answer names snapshots and may bring warnings."""


class SshTarget:
    """The target is a dataset of a peer, behind its gate."""

    def __init__(self, peer: SshPeer, files: SshFiles, *, edge: str, relative: str) -> None:
        self._peer, self._files = peer, files
        self._edge, self._relative = edge, relative

    def dataset(self) -> Dataset | None:
        """The target as it is now; None where it does not exist."""
        return SshFeeder(self._peer, self._files, edge=self._edge, relative=self._relative).dataset()

    def receive(self, step: Step, source: Dataset) -> "SshHandover":
        """Ask the peer to receive one step, on a connection of its own."""
        described = wire.answer_line(ListAnswer(dataset=wire.report_of(source)))
        request = GateRequest(
            v=wire.GATE_VERSION,
            op="receive",
            edge=self._edge,
            relative=self._relative,
            base_guid=str(step.base_guid) if step.base_guid is not None else None,
            to_guid=str(step.to_guid),
            alone=step.alone,
            source_bytes=len(described),
        )
        process = subprocess.Popen(
            arguments(self._peer, self._files, shared=False),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            process_group=0,
        )
        return SshHandover(process, self._peer, self._files, wire.request_line(request) + described)


class SshHandover:
    """A peer's gate that receives."""

    def __init__(self, process: "subprocess.Popen[bytes]", peer: SshPeer, files: SshFiles, words: bytes) -> None:
        """Says ``words`` at once, in the background: a peer that refuses reads only the first of them."""
        self.process = process
        self._listener = Listener(pipe(process.stderr))
        self._peer, self._files = peer, files
        self._heard = b""
        self._last: ReceiveAnswer | None = None
        self._speaker = threading.Thread(target=self._say, args=(words,), name="handover", daemon=True)
        self._speaker.start()

    def ready(self, cancelled: threading.Event) -> Step | None:
        """What the peer wants streamed; None where it has it already."""
        answer = wire.parse_receive(self._line(cancelled))
        self._speaker.join()
        if answer.state == "done":
            self._last = answer
            return None
        if answer.to_guid is None:
            raise ZfsSyncError("E_VALIDATION", f"{self._peer.system} did not say which snapshot it wants.")
        base = u64(answer.base_guid) if answer.base_guid is not None else None
        return Step(base, u64(answer.to_guid), answer.alone)

    def received(self) -> Received:
        """The peer's last word."""
        last = self._last = self._last or wire.parse_receive(self._line(threading.Event()))
        head = u64(last.head_guid) if last.head_guid is not None else None
        return Received(last.snapshots, head, tuple(f"{self._peer.system}: {each}" for each in last.warnings))

    def stop(self) -> None:
        """End the connection, and wait for it. Once more does nothing."""
        if self._last is None and self.process.poll() is None:
            self.process.terminate()  # it has more to say, or does not even listen
        self._speaker.join()
        for stream in (self.process.stdin, self.process.stdout):
            with suppress(BrokenPipeError):  # what nobody reads any more
                pipe(stream).close()
        end(self.process)

    def error(self, status: int | None) -> ZfsSyncError | None:
        """What the gate or ssh said; None where it ended well."""
        return None if status == 0 else failure(status, self._listener.text(), self._peer, self._files)

    def _say(self, words: bytes) -> None:
        try:
            pipe(self.process.stdin).write(words)
            pipe(self.process.stdin).flush()
        except (BrokenPipeError, ValueError):
            return  # it has ended, or was ended: its last words say why

    def _line(self, cancelled: threading.Event) -> bytes:
        """The next line that the peer says. Raises what it says instead, E_CANCELLED, E_INTERRUPTED after silence."""
        descriptor = pipe(self.process.stdout).fileno()
        deadline = time.monotonic() + ANSWER_SECONDS
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        while b"\n" not in self._heard:
            if cancelled.is_set() or time.monotonic() > deadline:
                raise self._silence(cancelled)
            if not poll.poll(TICK_MILLISECONDS):
                continue
            chunk = os.read(descriptor, wire.REQUEST_BYTES)
            if not chunk:
                raise self._ended()
            self._heard += chunk
            if len(self._heard) > MOST_BYTES:
                raise ZfsSyncError("E_VALIDATION", f"{self._peer.system} answered more than {MOST_BYTES} bytes.")
        line, _, self._heard = self._heard.partition(b"\n")
        return line

    def _silence(self, cancelled: threading.Event) -> ZfsSyncError:
        if cancelled.is_set():
            return ZfsSyncError("E_CANCELLED", "The transfer was cancelled.")
        return ZfsSyncError("E_INTERRUPTED", f"{self._peer.system} said nothing for {ANSWER_SECONDS:g} s.")

    def _ended(self) -> ZfsSyncError:
        """The peer ended before it had answered."""
        self.stop()
        error = self.error(self.process.returncode)
        return error or ZfsSyncError("E_VALIDATION", f"{self._peer.system} ended without an answer.")
