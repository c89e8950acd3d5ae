# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Log lines: JSON, about something, and without any key."""

import json
import logging
import sys
from collections.abc import Iterator

import pytest

from zfs_sync.agent import logs
from zfs_sync.core import tokens

TOKEN = tokens.mint("agent", lambda count: b"\x02" * count).text


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    logger = logging.getLogger(logs.LOGGER)
    before = logger.handlers[:], logger.level, logger.propagate
    yield
    logger.handlers[:], logger.level, logger.propagate = before[0], before[1], before[2]


def test_a_line_is_an_object_with_what_it_is_about(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info")
    logger = logging.getLogger("zfs_sync.agent.test")
    logger.info("moved %d", 7, extra={"job": "j1", "unrelated": "x"})
    logger.debug("not of interest")
    (line,) = [json.loads(text) for text in capsys.readouterr().err.splitlines()]
    assert (line["level"], line["message"], line["job"]) == ("info", "moved 7", "j1")
    assert set(line) == {"time", "level", "message", "job"}


def test_no_key_gets_into_a_line_nor_into_its_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("debug")
    try:
        int(f"with {TOKEN}")
    except ValueError:
        logging.getLogger("zfs_sync.x").exception("key %s", TOKEN, extra={"dataset": TOKEN})
    said = capsys.readouterr().err
    assert TOKEN not in said
    assert TOKEN[20:40] not in said
    assert json.loads(said)["message"] == "key zs_agent_(secret)"
    assert "Traceback" in json.loads(said)["traceback"]


def test_configuring_twice_says_each_line_once(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info")
    logs.configure("warning")
    logging.getLogger("zfs_sync.x").warning("once")
    logging.getLogger("zfs_sync.x").info("never")
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert sys.stderr is not None
