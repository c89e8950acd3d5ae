# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Child processes of a pipeline: what they say is kept within bounds, and they are ended by their own id."""

import signal
import subprocess
import threading
from typing import IO

SAID_BYTES = 64 * 1024
GRACE_SECONDS = 10.0


class Listener:
    """Reads a stream to its end in a thread of its own and keeps the first ``limit`` bytes."""

    def __init__(self, stream: IO[bytes], limit: int = SAID_BYTES) -> None:
        self._stream = stream
        self._limit = limit
        self._kept = bytearray()
        self.overflow = False
        self._thread = threading.Thread(target=self._listen, name="listener", daemon=True)
        self._thread.start()

    def heard(self, wait_seconds: float = GRACE_SECONDS) -> bytes:
        """What was said until the end, or until now if the end does not come.

        An ssh that stays as a ControlMaster can keep the stream open for long.
        """
        self._thread.join(wait_seconds)
        return bytes(self._kept)

    def text(self, wait_seconds: float = GRACE_SECONDS) -> str:
        """The same as text."""
        return self.heard(wait_seconds).decode(errors="replace")

    def _listen(self) -> None:
        with self._stream as stream:
            while chunk := stream.read1(SAID_BYTES):  # type: ignore[attr-defined]  # a BufferedReader
                room = self._limit - len(self._kept)
                self.overflow = self.overflow or len(chunk) > room
                self._kept += chunk[:room]


class ProcessSource:
    """A sending process, whose stream comes out of its standard output."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self.process = process

    @property
    def stream(self) -> IO[bytes]:
        """The stream."""
        return pipe(self.process.stdout)

    def stop(self) -> None:
        """Ask it to end."""
        self.process.terminate()

    def end(self) -> int | None:
        """Wait for its end, force it after a while; its exit status."""
        return end(self.process)


def end(process: "subprocess.Popen[bytes]", grace_seconds: float = GRACE_SECONDS) -> int | None:
    """Wait for the end for a while, then ask for it, then force it; the exit status.

    None for a process that the kernel does not let go of: its descriptors, and so the target's lock, stay with it.
    """
    for ask in (None, signal.SIGTERM, signal.SIGKILL):
        if ask is not None:
            process.send_signal(ask)
        try:
            return process.wait(grace_seconds)
        except subprocess.TimeoutExpired:
            continue
    return None


def pipe(stream: IO[bytes] | None) -> IO[bytes]:
    """A standard stream that was opened as a pipe."""
    if stream is None:
        raise ValueError("this stream was not opened as a pipe")
    return stream
