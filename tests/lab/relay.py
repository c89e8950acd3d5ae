"""Delay, loss and rate for one host's cable where the kernel has no netem: a process between two TAP devices.

Run as a program by `shaping`, in the namespace of the switch: relay.py TAP TAP --delay MS ... It passes Ethernet frames
from each TAP to the other, later, slower or not at all. Frames keep their order, so jitter never reorders.
"""

from __future__ import annotations

import argparse
import collections
import fcntl
import os
import random
import select
import struct
import time
from dataclasses import dataclass, field

_TUNSETIFF = 0x400454CA
_IFF_TAP = 0x0002
_IFF_NO_PI = 0x1000
_FRAME_BYTES = 65536
_BATCH = 64
_QUEUE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Shape:
    """What happens to frames, in each direction: so a round trip takes twice the delay."""

    delay_ms: float = 0
    jitter_ms: float = 0
    loss_percent: float = 0
    rate_kilobytes_per_second: float = 0


@dataclass(slots=True)
class Direction:
    """Frames on their way from one TAP to the other, each with the time when it is due."""

    source: int
    target: int
    shape: Shape
    waiting: collections.deque[tuple[float, bytes]] = field(default_factory=collections.deque)
    busy_until: float = 0
    last_due: float = 0

    def take(self) -> None:
        """Read what has come; a batch at most, so that the other direction gets its turn.

        The time is taken after each read: on a busy machine a time from before may be older than the frame, and the
        frame would leave too early.
        """
        for _ in range(_BATCH):
            try:
                frame = os.read(self.source, _FRAME_BYTES)
            except BlockingIOError:
                return
            self.accept(frame, time.monotonic())

    def accept(self, frame: bytes, now: float) -> None:
        """Queue one frame, or lose it: by chance, or since the sender is a second ahead of the rate."""
        if random.uniform(0, 100) < self.shape.loss_percent:
            return
        sent = now
        if self.shape.rate_kilobytes_per_second:
            if self.busy_until > now + _QUEUE_SECONDS:
                return
            seconds = len(frame) / (self.shape.rate_kilobytes_per_second * 1000)
            sent = self.busy_until = max(now, self.busy_until) + seconds
        late_ms = self.shape.delay_ms + random.uniform(-1, 1) * self.shape.jitter_ms
        self.last_due = max(self.last_due, sent + late_ms / 1000)
        self.waiting.append((self.last_due, frame))

    def deliver(self, now: float) -> None:
        """Write what is due. A device that is down or full loses frames, as a wire does."""
        while self.waiting and self.waiting[0][0] <= now:
            _, frame = self.waiting.popleft()
            try:
                os.write(self.target, frame)
            except OSError:
                continue


def relay(directions: list[Direction]) -> None:
    """Pass frames until the process is ended."""
    by_source = {direction.source: direction for direction in directions}
    while True:
        due = min((direction.waiting[0][0] for direction in directions if direction.waiting), default=None)
        patience = None if due is None else max(0, due - time.monotonic())
        ready, _, _ = select.select(list(by_source), (), (), patience)
        for source in ready:
            by_source[source].take()
        now = time.monotonic()
        for direction in directions:
            direction.deliver(now)


def open_tap(name: str) -> int:
    """Return a descriptor of the TAP device `name`, which exists."""
    descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(descriptor, _TUNSETIFF, struct.pack("16sH22x", name.encode(), _IFF_TAP | _IFF_NO_PI))
    return descriptor


def main() -> None:
    parser = argparse.ArgumentParser(description="Relay Ethernet frames between two TAP devices.")
    parser.add_argument("taps", nargs=2, metavar="TAP")
    for option in ("--delay", "--jitter", "--loss", "--rate"):
        parser.add_argument(option, type=float, default=0)
    options = parser.parse_args()
    shape = Shape(options.delay, options.jitter, options.loss, options.rate)
    a, b = (open_tap(name) for name in options.taps)
    print("ready", flush=True)
    relay([Direction(a, b, shape), Direction(b, a, shape)])


if __name__ == "__main__":
    main()
