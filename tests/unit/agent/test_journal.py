# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Entries of the journal: fields as journald takes them, and nothing lost while it takes none."""

import io
import logging
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from zfs_sync.agent import logs
from zfs_sync.agent.journal import LONGEST_VALUE, JournalHandler, is_journal
from zfs_sync.core import tokens

TOKEN = tokens.mint("agent", lambda count: b"\x02" * count).text


@pytest.fixture
def journald(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind(str(tmp_path / "journal"))
        yield server


@pytest.fixture
def aside() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def logger(tmp_path: Path, aside: io.StringIO) -> Iterator[logging.Logger]:
    handler = JournalHandler(logs.fields, logging.StreamHandler(aside), tmp_path / "journal")
    made = logging.getLogger("of this test")
    made.setLevel(logging.DEBUG)
    made.propagate = False
    made.addHandler(handler)
    yield made
    made.removeHandler(handler)
    handler.close()


def read(journald: socket.socket) -> dict[str, str]:
    """An entry, parsed by the rules of the native protocol."""
    rest, found = journald.recv(1 << 20), {}
    while rest:
        line, rest = rest.split(b"\n", 1)
        name, separator, value = line.partition(b"=")
        if not separator:
            length = int.from_bytes(rest[:8], "little")
            value, rest = rest[8 : 8 + length], rest[9 + length :]
        found[name.decode()] = value.decode()
    return found


def test_what_a_record_is_about_becomes_fields(journald: socket.socket, logger: logging.Logger) -> None:
    logger.warning("moved %d", 7, extra={"job": "j1", "edge": "g/a>b", "code": "E_SSH", "unrelated": "x"})
    assert read(journald) == {
        "PRIORITY": "4",
        "SYSLOG_IDENTIFIER": "zfs-sync-agent",
        "MESSAGE": "moved 7",
        "ZFS_SYNC_JOB": "j1",
        "ZFS_SYNC_EDGE": "g/a>b",
        "ZFS_SYNC_CODE": "E_SSH",
    }


@pytest.mark.parametrize(
    ("level", "priority"), [(logging.ERROR, "3"), (logging.WARNING, "4"), (logging.INFO, "6"), (logging.DEBUG, "7")]
)
def test_a_level_becomes_a_priority(journald: socket.socket, logger: logging.Logger, level: int, priority: str) -> None:
    logger.log(level, "said")
    assert read(journald)["PRIORITY"] == priority


def test_a_line_break_makes_no_field_of_its_own(journald: socket.socket, logger: logging.Logger) -> None:
    logger.info("first\nPRIORITY=0\nlast", extra={"peer": "nas2\nZFS_SYNC_JOB=forged"})
    entry = read(journald)
    assert entry["MESSAGE"] == "first\nPRIORITY=0\nlast"
    assert entry["ZFS_SYNC_PEER"] == "nas2\nZFS_SYNC_JOB=forged"
    assert entry["PRIORITY"] == "6"
    assert "ZFS_SYNC_JOB" not in entry


def test_no_key_gets_into_a_field(journald: socket.socket, logger: logging.Logger) -> None:
    try:
        int(f"with {TOKEN}")
    except ValueError:
        logger.exception("key %s", TOKEN, extra={"dataset": TOKEN})
    entry = read(journald)
    assert TOKEN not in str(entry)
    assert entry["ZFS_SYNC_DATASET"] == "zs_agent_(secret)"
    assert "Traceback" in entry["ZFS_SYNC_TRACEBACK"]


def test_a_long_message_is_cut_and_arrives(journald: socket.socket, logger: logging.Logger) -> None:
    logger.info("x" * 1_000_000)
    assert len(read(journald)["MESSAGE"]) == LONGEST_VALUE


def test_what_journald_does_not_take_goes_to_standard_error(
    journald: socket.socket, logger: logging.Logger, tmp_path: Path, aside: io.StringIO
) -> None:
    (tmp_path / "journal").rename(tmp_path / "away")
    logger.info("nobody listens")
    (tmp_path / "away").rename(tmp_path / "journal")
    logger.info("listens again")
    assert aside.getvalue() == "nobody listens\n"
    assert read(journald)["MESSAGE"] == "listens again"


def test_only_the_stream_that_systemd_made_is_the_journal(tmp_path: Path) -> None:
    with (tmp_path / "stream").open("w") as stream:
        status = os.fstat(stream.fileno())
        assert is_journal(stream.fileno(), {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"})
        assert not is_journal(stream.fileno(), {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino + 1}"})
        assert not is_journal(stream.fileno(), {})


def test_every_field_is_described() -> None:
    page = (Path(__file__).parents[3] / "docs" / "reference" / "agent-log.md").read_text()
    for name in (*logs.FIELDS, "traceback"):
        assert f"| `ZFS_SYNC_{name.upper()}` |" in page
