# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Wake-ups of the long poll: none is missed, none holds a thread."""

import asyncio
import threading

import pytest

from zfs_sync.witness.notifier import Notifier

DEADLINE = 10.0


async def _until_waiting(notifier: Notifier, count: int) -> None:
    async with asyncio.timeout(DEADLINE):
        while sum(map(len, notifier._waiters.values())) < count:  # noqa: ASYNC110  (nobody is told who waits)
            await asyncio.sleep(0)


def test_only_the_system_that_is_named_wakes() -> None:
    async def scenario() -> tuple[bool, bool]:
        notifier = Notifier()
        waits = [
            asyncio.ensure_future(notifier.wait(name, seconds)) for name, seconds in [("a", DEADLINE), ("b", 0.05)]
        ]
        await _until_waiting(notifier, 2)
        notifier.wake(["a", "c"])
        first, second = await asyncio.gather(*waits)
        return first, second

    assert asyncio.run(scenario()) == (True, False)


def test_a_wake_up_between_reading_and_waiting_is_not_missed() -> None:
    async def scenario() -> bool:
        notifier = Notifier()
        seen = notifier.generation("a")
        notifier.wake(["a"])
        return await notifier.wait("a", DEADLINE, since=seen)

    assert asyncio.run(scenario())


def test_a_thousand_waiters_are_woken_from_another_thread_and_hold_none() -> None:
    async def scenario() -> list[bool]:
        notifier = Notifier()
        before = set(threading.enumerate())
        waits = [asyncio.ensure_future(notifier.wait(f"nas{number}", DEADLINE)) for number in range(1_000)]
        await _until_waiting(notifier, 1_000)
        assert set(threading.enumerate()) <= before  # threads of earlier tests may still be ending
        thread = threading.Thread(target=notifier.wake, args=([f"nas{number}" for number in range(1_000)],))
        thread.start()
        results = await asyncio.gather(*waits)
        thread.join()
        assert not notifier._waiters
        return results

    assert asyncio.run(scenario()) == [True] * 1_000


def test_closing_lets_everybody_go_and_holds_nobody() -> None:
    async def scenario() -> tuple[bool, bool]:
        notifier = Notifier()
        waiting = asyncio.ensure_future(notifier.wait("a", DEADLINE))
        await _until_waiting(notifier, 1)
        notifier.close()
        return await waiting, await notifier.wait("a", DEADLINE)

    assert asyncio.run(scenario()) == (False, False)


def test_a_waiter_that_goes_away_leaves_nothing() -> None:
    async def scenario() -> Notifier:
        notifier = Notifier()
        waiting = asyncio.ensure_future(notifier.wait("a", DEADLINE))
        await _until_waiting(notifier, 1)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        notifier.wake(["a"])
        return notifier

    assert not asyncio.run(scenario())._waiters
